import { badRequest } from '../http/status-error.ts';
import type { User } from '../rest/api.ts';
import { type Attributes, type Authorizer, requireAllowed } from './authorizer.ts';

/** The user that the headers ask to act as (`kubectl --as`), if the caller may; the caller itself without such headers. */
export function actingUser(user: User, headers: Readonly<Record<string, string>>, authorizer: Authorizer): User {
  const username = headers['impersonate-user'] ?? '';
  const groups = (headers['impersonate-group'] ?? '')
    .split(',')
    .map((group) => group.trim())
    .filter((group) => group !== '');
  const uid = headers['impersonate-uid'];
  if (username === '') {
    if (groups.length > 0 || uid !== undefined)
      throw badRequest('requested impersonation without impersonating a user');
    return user;
  }
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(username);
  requireAllowed(
    authorizer,
    user,
    account ? accountOf(account[1] ?? '', account[2] ?? '') : impersonate('users', username),
  );
  for (const group of groups) requireAllowed(authorizer, user, impersonate('groups', group));
  const own = account ? ['system:serviceaccounts', `system:serviceaccounts:${account[1]}`] : [];
  return {
    username,
    groups: [...(groups.length > 0 ? groups : own), 'system:authenticated'],
    ...(uid === undefined ? {} : { uid }),
  };
}

function impersonate(resource: string, name: string): Attributes {
  return { verb: 'impersonate', group: '', resource, subresource: '', namespace: '', name, path: '' };
}

function accountOf(namespace: string, name: string): Attributes {
  return { ...impersonate('serviceaccounts', name), namespace };
}
