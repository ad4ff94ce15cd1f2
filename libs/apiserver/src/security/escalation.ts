import type { KubeObject } from '@sluice/model';
import { type ErrorResource, forbidden } from '../http/status-error.ts';
import { isRecord, type JsonRecord, listAt, recordAt, textAt, valueAt } from '../objects/json.ts';
import type { User } from '../rest/api.ts';
import type { Authorizer } from './authorizer.ts';

/** The API group of roles and bindings. */
export const rbacGroup = 'rbac.authorization.k8s.io';

type Scope = { readonly user: User; readonly authorizer: Authorizer };

/** Throws 403 when a role or binding would give more than the user has, unless the user may escalate or bind. */
export function requireNoEscalation(scope: Scope, kind: ErrorResource, object: KubeObject): void {
  const { user, authorizer } = scope;
  if (kind.group !== rbacGroup || user.groups.includes('system:masters')) return;
  const { name, namespace = '' } = object.metadata;
  const isBinding = kind.plural.endsWith('bindings');
  const reference = recordAt(object, 'roleRef');
  const plural = !isBinding ? kind.plural : textAt(reference, 'kind') === 'Role' ? 'roles' : 'clusterroles';
  const asked = { group: rbacGroup, resource: plural, subresource: '', namespace, path: '' };
  const isExempt = isBinding
    ? authorizer.allows(user, { ...asked, verb: 'bind', name: textAt(reference, 'name') })
    : authorizer.allows(user, { ...asked, verb: 'escalate', name });
  if (isExempt) return;
  const everything = { apiGroups: ['*'], resources: ['*'], verbs: ['*'] };
  if (!isBinding && isRecord(valueAt(object, 'aggregationRule')) && !holds(scope, everything, namespace))
    throw forbidden(kind, name, 'must have cluster-admin privileges to use an aggregationRule');
  const rules = isBinding ? authorizer.rulesOfRole(reference, namespace) : listAt(object, 'rules').filter(isRecord);
  const missing = rules.filter((rule) => !holds(scope, rule, namespace));
  if (missing.length === 0) return;
  const groups = user.groups.map((group) => JSON.stringify(group)).join(' ');
  const why = `user "${user.username}" (groups=[${groups}]) is attempting to grant RBAC permissions not currently held:`;
  throw forbidden(kind, name, [why, ...missing.map(describe)].join('\n'));
}

/** Whether the user may already do all that a rule allows. */
function holds({ user, authorizer }: Scope, rule: JsonRecord, namespace: string): boolean {
  const texts = (name: string): readonly string[] => listAt(rule, name).map(String);
  const verbs = texts('verbs');
  const plain = { group: '', resource: '', subresource: '', namespace, name: '', path: '' };
  const urls = texts('nonResourceURLs');
  const names = texts('resourceNames');
  return (
    urls.every((path) => verbs.every((verb) => authorizer.allows(user, { ...plain, verb, path }))) &&
    texts('apiGroups').every((group) =>
      texts('resources').every((full) => {
        const [resource = '', subresource = ''] = full.split('/');
        const each = names.length === 0 ? [''] : names;
        return verbs.every((verb) =>
          each.every((name) => authorizer.allows(user, { ...plain, verb, group, resource, subresource, name })),
        );
      }),
    )
  );
}

function describe(rule: JsonRecord): string {
  const parts = (
    [
      ['APIGroups', 'apiGroups'],
      ['Resources', 'resources'],
      ['ResourceNames', 'resourceNames'],
      ['NonResourceURLs', 'nonResourceURLs'],
      ['Verbs', 'verbs'],
    ] as const
  ).flatMap(([title, name]) => {
    const values = listAt(rule, name).map((value) => JSON.stringify(value));
    return values.length === 0 ? [] : [`${title}:[${values.join(' ')}]`];
  });
  return `{${parts.join(', ')}}`;
}
