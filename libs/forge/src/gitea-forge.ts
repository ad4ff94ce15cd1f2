import { TerminalError } from '@sluice/model';
import type { Forge, Head, Permission } from './forge.ts';
import type { TokenForgeOptions } from './gitlab-forge.ts';
import { createRestClient, type RestAnswer, type RestClient } from './rest-client.ts';
import { createSaid, toPlainStatus, type PlainStatus } from './status-text.ts';

const states: Readonly<Record<PlainStatus['state'], string>> = {
  pending: 'pending',
  running: 'pending',
  success: 'success',
  failure: 'failure',
  cancelled: 'error',
};
const pageSize = 50;

/**
 * One repository at Gitea or Forgejo: commit statuses and heads. These have no deployments: the status `deploy …` of the
 * commit says it.
 */
export function createGiteaForge({ apiUrl, repository, token, ...rest }: TokenForgeOptions): Forge {
  const [owner = '', name = '', more] = repository.split('/');
  if (owner === '' || name === '' || more !== undefined) {
    throw new TerminalError('BadRepository', `"${repository}" is not of the form owner/name`);
  }
  const repo = `/repos/${encodeURIComponent(owner)}/${encodeURIComponent(name)}`;
  const headers = () => ({ authorization: `token ${token.reveal()}` });
  const client = createRestClient({ ...rest, apiUrl, name: 'Gitea', headers });
  const said = createSaid();
  return {
    async upsertCheck(check, signal) {
      const { context, state, description } = toPlainStatus(check);
      const body = { state: states[state], context, description, target_url: check.detailsUrl ?? '' };
      const [key, text] = [`${check.sha}/${context}`, JSON.stringify(body)];
      if (said.isSaid(key, text)) return;
      await client.call('POST', `${repo}/statuses/${check.sha}`, body, signal);
      said.say(key, text);
    },
    upsertDeployment: () => Promise.resolve(),
    listHeads: (signal) => listHeads(client, repo, signal),
    async permissionOf({ id, login }, signal): Promise<Permission> {
      // A login that is no login would change the path of the request.
      if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(login)) return 'none';
      const found = (await client.find(`${repo}/collaborators/${login}/permission`, signal)) as
        Collaborator | undefined;
      // The login may belong to somebody else by now.
      return found && String(found.user?.id) === id ? toPermission(found.permission) : 'none';
    },
  };
}

type Collaborator = { readonly permission: string; readonly user?: { readonly id: number } };

function toPermission(permission: string): Permission {
  switch (permission) {
    case 'owner':
    case 'admin':
      return 'admin';
    case 'write':
      return 'write';
    case 'read':
      return 'read';
    default:
      return 'none';
  }
}

type Branch = { readonly name: string; readonly commit: { readonly id: string } };
type Tag = { readonly name: string; readonly commit: { readonly sha: string } };
type Side = { readonly ref: string; readonly sha: string; readonly repo_id: number };
type Pull = {
  readonly number: number;
  readonly draft?: boolean;
  readonly head: Side;
  readonly base: Side;
  readonly user?: { readonly id: number; readonly login: string } | null;
};

async function listHeads(client: RestClient, repo: string, signal: AbortSignal): Promise<readonly Head[]> {
  const pages = (path: string): Promise<readonly unknown[]> => {
    const at = (page: number): string => `${path}${path.includes('?') ? '&' : '?'}limit=${pageSize}&page=${page}`;
    const next = ({ body }: RestAnswer, page: number): string | undefined =>
      Array.isArray(body) && body.length === pageSize ? at(page + 1) : undefined;
    return client.list(at(1), next, signal);
  };
  const branches = (await pages(`${repo}/branches`)) as readonly Branch[];
  const tags = (await pages(`${repo}/tags`)) as readonly Tag[];
  const pulls = (await pages(`${repo}/pulls?state=open`)) as readonly Pull[];
  return [
    ...branches.map(({ name, commit }) => ({ ref: `refs/heads/${name}`, sha: commit.id })),
    ...tags.map(({ name, commit }) => ({ ref: `refs/tags/${name}`, sha: commit.sha })),
    ...pulls.map(toPull),
  ];
}

function toPull({ number, draft = false, head, base, user }: Pull): Head {
  const fork = head.repo_id !== base.repo_id;
  return {
    ref: `refs/pull/${number}/head`,
    sha: head.sha,
    pullRequest: {
      number,
      baseRef: `refs/heads/${base.ref}`,
      baseSha: base.sha,
      draft,
      fork,
      ...(fork ? {} : { headRef: `refs/heads/${head.ref}` }),
      ...(user ? { author: { id: String(user.id), login: user.login } } : {}),
    },
  };
}
