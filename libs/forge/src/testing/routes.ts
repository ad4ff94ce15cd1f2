import { randomBytes } from 'node:crypto';
import type { Caller, TestApp } from './authentication.ts';
import type { Representations } from './representations.ts';
import type { StandInDeployment, StandInRepository, StandInState } from './state.ts';

export type RouteCall = {
  readonly state: StandInState;
  readonly show: Representations;
  readonly app: TestApp | undefined;
  readonly caller: Caller;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: Readonly<Record<string, unknown>>;
  readonly now: number;
};

export type RouteAnswer = { readonly status: number; readonly body: unknown };

export type Route = {
  /** Method and path template of GitHub's description. */
  readonly operation: string;
  readonly callers: readonly Caller[];
  readonly answer: (call: RouteCall) => RouteAnswer;
};

const both: readonly Caller[] = ['installation', 'token'];
const repo = '/repos/{owner}/{repo}';
const longestDescription = 140;
const statusesPerContext = 1_000;
const tokenLifeMs = 3_600_000;
/** The one installation of the App. */
const installationId = 99;

/** The operations that our adapter uses. */
export const routes: readonly Route[] = [
  { operation: `get ${repo}/installation`, callers: ['app'], answer: getInstallation },
  { operation: 'post /app/installations/{installation_id}/access_tokens', callers: ['app'], answer: postToken },
  { operation: 'get /app/hook/deliveries', callers: ['app'], answer: getDeliveries },
  { operation: 'get /app/hook/deliveries/{delivery_id}', callers: ['app'], answer: getDelivery },
  { operation: `post ${repo}/check-runs`, callers: ['installation'], answer: postCheckRun },
  { operation: `patch ${repo}/check-runs/{check_run_id}`, callers: ['installation'], answer: patchCheckRun },
  { operation: `get ${repo}/commits/{ref}/check-runs`, callers: both, answer: getCheckRuns },
  { operation: `post ${repo}/statuses/{sha}`, callers: both, answer: postStatus },
  { operation: `get ${repo}/deployments`, callers: both, answer: getDeployments },
  { operation: `post ${repo}/deployments`, callers: both, answer: postDeployment },
  { operation: `get ${repo}/deployments/{deployment_id}/statuses`, callers: both, answer: getDeploymentStatuses },
  { operation: `post ${repo}/deployments/{deployment_id}/statuses`, callers: both, answer: postDeploymentStatus },
  { operation: `get ${repo}/git/matching-refs/{ref}`, callers: both, answer: getRefs },
  { operation: `get ${repo}/git/tags/{tag_sha}`, callers: both, answer: getTag },
  { operation: `get ${repo}/collaborators/{username}/permission`, callers: both, answer: getPermission },
  { operation: `get ${repo}/pulls`, callers: both, answer: getPulls },
];

function getInstallation({ show, app, state, params }: RouteCall): RouteAnswer {
  repositoryOf(state, params);
  return ok(show.installation(installationId, app?.appId ?? 0));
}

function postToken({ state, params, now }: RouteCall): RouteAnswer {
  if (params['installation_id'] !== String(installationId)) throw new Refused(404, 'Not Found');
  // The stateless form that is rolling out since April 2026: nobody may count on forty characters.
  const token = `ghs_4711_${randomBytes(40).toString('base64url')}.${randomBytes(60).toString('base64url')}`;
  state.tokens.set(token, now + tokenLifeMs);
  return { status: 201, body: { token, expires_at: new Date(now + tokenLifeMs).toISOString(), permissions: {} } };
}

function getDeliveries({ state, show, query }: RouteCall): RouteAnswer {
  const size = Math.min(Number(query.get('per_page') ?? '30'), 100);
  return ok(state.deliveries.toReversed().slice(0, size).map(show.deliveryItem));
}

function getDelivery({ state, show, params }: RouteCall): RouteAnswer {
  const found = state.deliveries.find(({ id }) => String(id) === params['delivery_id']);
  if (!found) throw new Refused(404, 'Not Found');
  return ok(show.delivery(found));
}

function postCheckRun({ state, show, params, body }: RouteCall): RouteAnswer {
  const repository = repositoryOf(state, params);
  const headSha = requireCommit(repository, text(body['head_sha']));
  const id = state.nextId++;
  const run = {
    id,
    headSha,
    name: text(body['name']),
    externalId: '',
    status: 'queued',
    conclusion: null,
    title: null,
    summary: null,
    text: null,
    annotations: [],
    startedAt: null,
    completedAt: null,
    detailsUrl: null,
    actions: [],
    history: [],
  };
  repository.checkRuns.set(id, run);
  writeCheckRun(repository, id, body);
  return { status: 201, body: show.checkRun(run) };
}

function patchCheckRun({ state, show, params, body }: RouteCall): RouteAnswer {
  const repository = repositoryOf(state, params);
  const run = repository.checkRuns.get(Number(params['check_run_id']));
  if (!run) throw new Refused(404, 'Not Found');
  writeCheckRun(repository, run.id, body);
  return ok(show.checkRun(run));
}

function writeCheckRun({ checkRuns }: StandInRepository, id: number, body: RouteCall['body']): void {
  const run = checkRuns.get(id);
  if (!run) throw new Refused(404, 'Not Found');
  const output = (body['output'] ?? {}) as Record<string, unknown>;
  const annotations = (output['annotations'] ?? []) as unknown[];
  if (annotations.length > 50) throw new Refused(422, 'annotations exceeds a maximum quantity of 50');
  if (body['status'] === 'completed' && body['conclusion'] === undefined) {
    throw new Refused(422, 'conclusion is required when status is completed');
  }
  run.name = text(body['name'] ?? run.name);
  run.externalId = text(body['external_id'] ?? run.externalId);
  // As at GitHub, a conclusion completes the run whatever the status says.
  const completes = body['conclusion'] !== undefined;
  run.status = completes ? 'completed' : text(body['status'] ?? run.status);
  run.conclusion = completes ? text(body['conclusion']) : run.status === 'completed' ? run.conclusion : null;
  run.title = textOr(output['title'], run.title);
  run.summary = textOr(output['summary'], run.summary);
  run.text = textOr(output['text'], run.text);
  run.annotations.push(...annotations);
  run.startedAt = textOr(body['started_at'], run.startedAt);
  run.completedAt = completes ? text(body['completed_at'] ?? '2026-01-01T00:00:00Z') : null;
  run.detailsUrl = textOr(body['details_url'], run.detailsUrl);
  if (Array.isArray(body['actions'])) run.actions = body['actions'] as typeof run.actions;
  run.history.push(run.conclusion ?? run.status);
}

function getCheckRuns({ state, show, params, query }: RouteCall): RouteAnswer {
  const name = query.get('check_name');
  const all = [...repositoryOf(state, params).checkRuns.values()].filter(
    (run) => run.headSha === params['ref'] && (name === null || run.name === name),
  );
  return ok({ total_count: all.length, check_runs: pageOf(all, query).map(show.checkRun) });
}

function postStatus({ state, show, params, body }: RouteCall): RouteAnswer {
  const repository = repositoryOf(state, params);
  const sha = requireCommit(repository, params['sha'] ?? '');
  const context = text(body['context'] ?? 'default');
  const same = repository.statuses.filter((status) => status.sha === sha && sameContext(status.context, context));
  if (same.length >= statusesPerContext) {
    throw new Refused(422, 'This SHA and context has reached the maximum number of statuses.');
  }
  const status = {
    id: state.nextId++,
    sha,
    context,
    state: text(body['state']),
    description: describe(body['description']),
    targetUrl: textOr(body['target_url'], null),
  };
  repository.statuses.push(status);
  return { status: 201, body: show.status(status) };
}

/** Contexts differ only by more than case. */
function sameContext(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function getDeployments({ state, show, params, query }: RouteCall): RouteAnswer {
  const all = [...repositoryOf(state, params).deployments.values()].filter(
    ({ sha, environment }) =>
      (query.get('sha') ?? sha) === sha && (query.get('environment') ?? environment) === environment,
  );
  return ok(pageOf(all.reverse(), query).map(show.deployment));
}

function postDeployment({ state, show, params, body }: RouteCall): RouteAnswer {
  const repository = repositoryOf(state, params);
  const ref = text(body['ref']);
  const sha = requireCommit(repository, repository.refs.get(`refs/heads/${ref}`) ?? ref);
  if (body['required_contexts'] === undefined && hasRed(repository, sha)) {
    throw new Refused(409, 'Conflict: Commit status checks failed for this ref.');
  }
  const deployment: StandInDeployment = {
    id: state.nextId++,
    sha,
    ref,
    environment: text(body['environment'] ?? 'production'),
    payload: body['payload'] ?? '',
    description: describe(body['description']),
    statuses: [],
  };
  repository.deployments.set(deployment.id, deployment);
  return { status: 201, body: show.deployment(deployment) };
}

function hasRed({ statuses, checkRuns }: StandInRepository, sha: string): boolean {
  const red = statuses.some((status) => status.sha === sha && status.state !== 'success');
  return red || [...checkRuns.values()].some((run) => run.headSha === sha && run.conclusion !== 'success');
}

function getDeploymentStatuses(call: RouteCall): RouteAnswer {
  const { statuses } = deploymentOf(call);
  return ok(pageOf([...statuses].reverse(), call.query).map(call.show.deploymentStatus));
}

function postDeploymentStatus(call: RouteCall): RouteAnswer {
  const deployment = deploymentOf(call);
  const status = {
    id: call.state.nextId++,
    state: text(call.body['state']),
    description: describe(call.body['description']) ?? '',
  };
  deployment.statuses.push(status);
  return { status: 201, body: call.show.deploymentStatus(status) };
}

function deploymentOf({ state, params }: RouteCall): StandInDeployment {
  const deployment = repositoryOf(state, params).deployments.get(Number(params['deployment_id']));
  if (!deployment) throw new Refused(404, 'Not Found');
  return deployment;
}

function getRefs({ state, show, params }: RouteCall): RouteAnswer {
  const { refs, tagObjects } = repositoryOf(state, params);
  const prefix = `refs/${params['ref'] ?? ''}`;
  const found = [...refs].filter(([ref]) => ref.startsWith(prefix));
  return ok(found.map(([ref, sha]) => show.ref(ref, sha, tagObjects.has(sha) ? 'tag' : 'commit')));
}

function getTag({ state, show, params }: RouteCall): RouteAnswer {
  const sha = params['tag_sha'] ?? '';
  const commit = repositoryOf(state, params).tagObjects.get(sha);
  if (commit === undefined) throw new Refused(404, 'Not Found');
  return ok(show.tag(sha, commit));
}

function getPermission({ state, show, params }: RouteCall): RouteAnswer {
  const login = params['username'] ?? '';
  const known = repositoryOf(state, params).collaborators.get(login);
  if (!known) throw new Refused(404, `${login} is not a user`);
  return ok(show.permission(login, known));
}

function getPulls({ state, show, params, query }: RouteCall): RouteAnswer {
  const repository = repositoryOf(state, params);
  const wanted = query.get('state') ?? 'open';
  const all = [...repository.pulls.values()].filter((pull) => wanted === 'all' || pull.state === wanted);
  return ok(pageOf(all, query).map((pull) => show.pull('pull-request-simple', 'repository', repository, pull)));
}

/** An answer that is an error, as a throw. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

function ok(body: unknown): RouteAnswer {
  return { status: 200, body };
}

function pageOf<T>(all: readonly T[], query: URLSearchParams): T[] {
  const size = Math.min(Number(query.get('per_page') ?? '30'), 100);
  const start = (Number(query.get('page') ?? '1') - 1) * size;
  return all.slice(start, start + size);
}

function repositoryOf(state: StandInState, { owner, repo: name }: RouteCall['params']): StandInRepository {
  const repository = state.repositories.get(`${owner}/${name}`.toLowerCase());
  if (!repository) throw new Refused(404, 'Not Found');
  return repository;
}

function requireCommit({ commits }: StandInRepository, sha: string): string {
  if (!commits.has(sha)) throw new Refused(422, `No commit found for SHA: ${sha}`);
  return sha;
}

function describe(value: unknown): string | null {
  const description = textOr(value, null);
  if (description !== null && description.length > longestDescription) {
    throw new Refused(422, `description is too long (maximum is ${longestDescription} characters)`);
  }
  return description;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function textOr<T>(value: unknown, otherwise: T): string | T {
  return typeof value === 'string' ? value : otherwise;
}
