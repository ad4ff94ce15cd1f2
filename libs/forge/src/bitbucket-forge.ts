import { createHash } from 'node:crypto';
import { TerminalError } from '@sluice/model';
import type { Forge, Head, Permission } from './forge.ts';
import type { TokenForgeOptions } from './gitlab-forge.ts';
import { createRestClient, type RestAnswer, type RestClient } from './rest-client.ts';
import { createSaid, toPlainStatus, type PlainStatus } from './status-text.ts';

const states: Readonly<Record<PlainStatus['state'], string>> = {
  pending: 'INPROGRESS',
  running: 'INPROGRESS',
  success: 'SUCCESSFUL',
  failure: 'FAILED',
  cancelled: 'STOPPED',
};
const longestKey = 40;

/** One repository at Bitbucket Cloud, with an access token: build statuses and heads. It has no deployments of ours. */
export function createBitbucketForge({ apiUrl, repository, token, ...rest }: TokenForgeOptions): Forge {
  const [workspace = '', name = '', more] = repository.split('/');
  if (workspace === '' || name === '' || more !== undefined) {
    throw new TerminalError('BadRepository', `"${repository}" is not of the form workspace/name`);
  }
  const repo = `/repositories/${encodeURIComponent(workspace)}/${encodeURIComponent(name)}`;
  const headers = () => ({ authorization: `Bearer ${token.reveal()}` });
  const client = createRestClient({ ...rest, apiUrl, name: 'Bitbucket', headers });
  const said = createSaid();
  const full = new Map<string, string>();
  return {
    async upsertCheck(check, signal) {
      const { context, state, description } = toPlainStatus(check);
      // Bitbucket wants a URL; without a page of the run it is that of the repository.
      const url = check.detailsUrl ?? `https://bitbucket.org/${workspace}/${name}/commits/${check.sha}`;
      const body = { key: keyOf(context), name: context, state: states[state], description, url };
      const [key, text] = [`${check.sha}/${context}`, JSON.stringify(body)];
      if (said.isSaid(key, text)) return;
      await client.call('POST', `${repo}/commit/${check.sha}/statuses/build`, body, signal);
      said.say(key, text);
    },
    upsertDeployment: () => Promise.resolve(),
    listHeads: (signal) => listHeads(client, repo, full, signal),
    async permissionOf({ id }, signal): Promise<Permission> {
      if (!/^[0-9a-f-]{36}$/i.test(id)) return 'none';
      const path = `${repo}/permissions-config/users/${encodeURIComponent(`{${id}}`)}`;
      const { permission } = ((await client.find(path, signal)) ?? {}) as { readonly permission?: string };
      return permission === 'admin' || permission === 'write' || permission === 'read' ? permission : 'none';
    },
  };
}

/** Keys have at most 40 characters; a longer one ends in a hash, so that two stay two. */
function keyOf(context: string): string {
  if (context.length <= longestKey) return context;
  return `${context.slice(0, longestKey - 9)}-${createHash('sha256').update(context).digest('hex').slice(0, 8)}`;
}

type Ref = { readonly name: string; readonly target: { readonly hash: string } };
type Side = {
  readonly branch: { readonly name: string };
  readonly commit: { readonly hash: string } | null;
  readonly repository: { readonly uuid: string } | null;
};
type Pull = {
  readonly id: number;
  readonly draft?: boolean;
  readonly source: Side;
  readonly destination: Side;
  readonly author?: { readonly uuid: string; readonly nickname: string };
};

async function listHeads(
  client: RestClient,
  repo: string,
  full: Map<string, string>,
  signal: AbortSignal,
): Promise<readonly Head[]> {
  const pages = async (path: string, size: number): Promise<readonly unknown[]> => {
    const at = (page: number): string => `${path}${path.includes('?') ? '&' : '?'}pagelen=${size}&page=${page}`;
    const next = ({ body }: RestAnswer, page: number): string | undefined =>
      (body as { readonly next?: unknown } | undefined)?.next === undefined ? undefined : at(page + 1);
    return await client.list(at(1), next, signal);
  };
  const branches = (await pages(`${repo}/refs/branches`, 100)) as readonly Ref[];
  const tags = (await pages(`${repo}/refs/tags`, 100)) as readonly Ref[];
  const pulls = (await pages(`${repo}/pullrequests?state=OPEN`, 50)) as readonly Pull[];
  const tips = new Map(branches.map(({ name, target }) => [name, target.hash]));
  const heads: Head[] = [
    ...branches.map(({ name, target }) => ({ ref: `refs/heads/${name}`, sha: target.hash })),
    ...tags.map(({ name, target }) => ({ ref: `refs/tags/${name}`, sha: target.hash })),
  ];
  for (const pull of pulls) {
    const head = await toPull(pull, tips, (short) => fullId(client, repo, { short, full }, signal));
    if (head) heads.push(head);
  }
  return heads;
}

async function toPull(
  { id, draft = false, source, destination, author }: Pull,
  tips: ReadonlyMap<string, string>,
  fullOf: (short: string) => Promise<string | undefined>,
): Promise<Head | undefined> {
  const [short, baseSha] = [source.commit?.hash, tips.get(destination.branch.name)];
  if (short === undefined || baseSha === undefined) return undefined;
  const fork = source.repository?.uuid !== destination.repository?.uuid;
  const tip = fork ? undefined : tips.get(source.branch.name);
  const sha = tip?.startsWith(short) ? tip : await fullOf(short);
  if (sha === undefined) return undefined;
  const uuid = /^\{?([0-9a-f-]{36})\}?$/i.exec(author?.uuid ?? '')?.[1]?.toLowerCase();
  return {
    ref: `refs/pull/${id}/head`,
    sha,
    pullRequest: {
      number: id,
      baseRef: `refs/heads/${destination.branch.name}`,
      baseSha,
      draft,
      fork,
      ...(fork ? {} : { headRef: `refs/heads/${source.branch.name}` }),
      ...(uuid === undefined ? {} : { author: { id: uuid, login: author?.nickname ?? '' } }),
    },
  };
}

const remembered = 10_000;

/** Pull requests name commits by twelve digits; each is asked for once. */
async function fullId(
  client: RestClient,
  repo: string,
  { short, full }: { readonly short: string; readonly full: Map<string, string> },
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!/^[0-9a-f]{7,40}$/.test(short)) return undefined;
  const known = short.length === 40 ? short : full.get(short);
  if (known !== undefined) return known;
  const { hash } = ((await client.find(`${repo}/commit/${short}`, signal)) ?? {}) as { readonly hash?: string };
  if (hash !== undefined && full.size < remembered) full.set(short, hash);
  return hash;
}
