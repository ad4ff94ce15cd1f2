import { TerminalError, type DeploymentState } from '@sluice/model';
import type { Secret } from '@sluice/runtime';
import type { Forge, Head, Permission } from './forge.ts';
import type { RequestBudget } from './request-budget.ts';
import { createRestClient, type RestAnswer, type RestClient } from './rest-client.ts';
import { createSaid, toPlainStatus, type PlainStatus } from './status-text.ts';

export type TokenForgeOptions = {
  /** Base URL of the API: `https://gitlab.com/api/v4`, `https://HOST/api/v1`, `https://api.bitbucket.org/2.0`. */
  readonly apiUrl: string;
  /** `owner/name`, at GitLab with any number of groups. */
  readonly repository: string;
  readonly token: Secret;
  readonly timeoutMs?: number;
  readonly budget?: RequestBudget;
};

const states: Readonly<Record<PlainStatus['state'], string>> = {
  pending: 'pending',
  running: 'running',
  success: 'success',
  failure: 'failed',
  cancelled: 'canceled',
};

const deploymentStates: Readonly<Record<DeploymentState, string>> = {
  queued: 'created',
  in_progress: 'running',
  success: 'success',
  failure: 'failed',
  error: 'failed',
  inactive: 'canceled',
};

/** Access levels: 30 is Developer, 40 Maintainer. */
const [mayWrite, mayAdminister, mayRead] = [30, 40, 10];

/** One project at GitLab, with a token of scope `api`: commit statuses, deployments, heads. */
export function createGitlabForge({ apiUrl, repository, token, ...rest }: TokenForgeOptions): Forge {
  const project = `/projects/${encodeURIComponent(repository)}`;
  const headers = () => ({ 'private-token': token.reveal() });
  const client = createRestClient({ ...rest, apiUrl, name: 'GitLab', headers });
  const said = createSaid();
  const deployments = new Map<string, number>();
  return {
    async upsertCheck(check, signal) {
      const { context, state, description } = toPlainStatus(check);
      const body = { state: states[state], name: context, description, target_url: check.detailsUrl };
      const [key, text] = [`${check.sha}/${context}`, JSON.stringify(body)];
      if (said.isSaid(key, text)) return;
      await client.call('POST', `${project}/statuses/${check.sha}`, body, signal).catch(unlessSameState);
      said.say(key, text);
    },
    async upsertDeployment({ externalId, sha, ref, environment, state }, signal) {
      const status = deploymentStates[state];
      const known =
        deployments.get(externalId) ?? (await findDeployment(client, project, { environment, sha }, signal));
      const path = `${project}/deployments`;
      if (known !== undefined) {
        await client.call('PUT', `${path}/${known}`, { status }, signal).catch(unlessSameState);
        deployments.set(externalId, known);
        return;
      }
      const name = ref.replace(/^refs\/(?:heads|tags)\//, '');
      const body = { environment, sha, ref: name, tag: ref.startsWith('refs/tags/'), status };
      deployments.set(externalId, ((await client.call('POST', path, body, signal)) as { readonly id: number }).id);
    },
    listHeads: (signal) => listHeads(client, project, signal),
    async permissionOf({ id }, signal): Promise<Permission> {
      if (!/^[0-9]{1,20}$/.test(id)) return 'none';
      const member = (await client.find(`${project}/members/all/${id}`, signal)) as Member | undefined;
      const level = member && String(member.id) === id && member.state !== 'blocked' ? member.access_level : 0;
      if (level >= mayAdminister) return 'admin';
      return level >= mayWrite ? 'write' : level >= mayRead ? 'read' : 'none';
    },
  };
}

type Member = { readonly id: number; readonly access_level: number; readonly state?: string };

/** GitLab refuses to say the same twice: "Cannot transition status via :run from :running". */
function unlessSameState(error: unknown): undefined {
  if (error instanceof TerminalError && error.reason === 'ForgeRefused' && error.message.includes('Cannot transition'))
    return undefined;
  throw error;
}

async function findDeployment(
  client: RestClient,
  project: string,
  { environment, sha }: { readonly environment: string; readonly sha: string },
  signal: AbortSignal,
): Promise<number | undefined> {
  const query = new URLSearchParams({ environment, order_by: 'id', sort: 'desc', per_page: '50' });
  const found = (await client.call(
    'GET',
    `${project}/deployments?${query.toString()}`,
    undefined,
    signal,
  )) as readonly {
    readonly id: number;
    readonly sha: string;
    readonly status: string;
  }[];
  const [last] = found;
  // The newest one of the environment is gone on with while it is this commit's and not over.
  return last?.sha === sha && ['created', 'running'].includes(last.status) ? last.id : undefined;
}

type Ref = { readonly name: string; readonly commit: { readonly id: string } };
type MergeRequest = {
  readonly iid: number;
  readonly sha: string | null;
  readonly source_branch: string;
  readonly target_branch: string;
  readonly source_project_id: number | null;
  readonly target_project_id: number;
  readonly draft?: boolean;
  readonly author?: { readonly id: number; readonly username: string };
};

async function listHeads(client: RestClient, project: string, signal: AbortSignal): Promise<readonly Head[]> {
  const pages = (path: string): Promise<readonly unknown[]> => {
    const next = ({ next: page }: RestAnswer): string | undefined => (page ? `${path}&page=${page}` : undefined);
    return client.list(path, next, signal);
  };
  const branches = (await pages(`${project}/repository/branches?per_page=100`)) as readonly Ref[];
  const tags = (await pages(`${project}/repository/tags?per_page=100`)) as readonly Ref[];
  const requests = (await pages(`${project}/merge_requests?state=opened&per_page=100`)) as readonly MergeRequest[];
  const tips = new Map(branches.map(({ name, commit }) => [name, commit.id]));
  return [
    ...branches.map(({ name, commit }) => ({ ref: `refs/heads/${name}`, sha: commit.id })),
    ...tags.map(({ name, commit }) => ({ ref: `refs/tags/${name}`, sha: commit.id })),
    ...requests.flatMap((request) => toPull(request, tips)),
  ];
}

/** A request without commits, or into a branch that is gone, is not listed. */
function toPull(request: MergeRequest, tips: ReadonlyMap<string, string>): Head[] {
  const { iid: number, sha, source_branch: source, target_branch: target, author } = request;
  const baseSha = tips.get(target);
  if (!sha || baseSha === undefined) return [];
  const fork = request.source_project_id !== request.target_project_id;
  return [
    {
      ref: `refs/pull/${number}/head`,
      sha,
      pullRequest: {
        number,
        baseRef: `refs/heads/${target}`,
        baseSha,
        draft: request.draft ?? false,
        fork,
        ...(fork ? {} : { headRef: `refs/heads/${source}` }),
        ...(author ? { author: { id: String(author.id), login: author.username } } : {}),
      },
    },
  ];
}
