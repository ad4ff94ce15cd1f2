import { type HttpRequest, type HttpResponse, jsonResponse } from '@sluice/runtime';
import { type JsonInput, readJson } from './api-input.ts';
import { identify } from './credentials.ts';
import { addComment } from './comments.ts';
import { type Forge, Refusal } from './forge-context.ts';
import { closePull, mergePull } from './pull-requests.ts';
import type { PullRecord, RepoRecord } from './records.ts';
import { putCheck, putDeployment } from './reports.ts';
import { createRepo, updateWebhook } from './repos.ts';

/** The JSON half of the handler, for paths under `/api/v1/`. Reading is open, writing needs the token. */
export function createApi(forge: Forge, token: string): (request: HttpRequest) => Promise<HttpResponse> {
  return async (request) => {
    try {
      return await dispatch(forge, token, request);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return jsonResponse(error.status, { code: error.code, message: error.message }, refusalHeaders[error.status]);
    }
  };
}

/** After 413 the rest of the body is still on its way: it must not be read as the next request. */
const refusalHeaders: Readonly<Record<number, Record<string, string>>> = {
  401: { 'www-authenticate': 'Bearer realm="Sluice"' },
  413: { connection: 'close' },
};

type Call = {
  readonly forge: Forge;
  readonly request: HttpRequest;
  readonly params: readonly string[];
  readonly query: URLSearchParams;
  readonly login: string;
};
type Route = {
  readonly method: string;
  readonly path: RegExp;
  readonly answer: (call: Call) => Promise<HttpResponse> | HttpResponse;
};

const repoPath = '/api/v1/repos/([a-z0-9][a-z0-9._-]{0,62})';
const routes: readonly Route[] = [
  get('/api/v1/repos', ({ forge }) => items(forge.state.repos().map((repo) => shownRepo(forge, repo)))),
  route('POST', '/api/v1/repos', postRepo),
  get(repoPath, (call) => jsonResponse(200, shownRepo(call.forge, repoOf(call)))),
  get(`${repoPath}/refs`, getRefs),
  get(`${repoPath}/deliveries`, getDeliveries),
  get(`${repoPath}/pulls`, getPulls),
  get(`${repoPath}/pulls/(\\d{1,9})`, (call) => jsonResponse(200, shownPull(call, pullOf(call)))),
  route('POST', `${repoPath}/pulls/(\\d{1,9})/merge`, postMerge),
  route('POST', `${repoPath}/pulls/(\\d{1,9})/close`, postClose),
  get(`${repoPath}/pulls/(\\d{1,9})/comments`, (call) =>
    items(call.forge.state.comments(repoOf(call).id, pullOf(call).number)),
  ),
  route('POST', `${repoPath}/pulls/(\\d{1,9})/comments`, postComment),
  get(`${repoPath}/commits/([0-9a-f]{40})/checks`, (call) =>
    items(call.forge.state.checks(repoOf(call).id, call.params[1] ?? '')),
  ),
  route('PUT', `${repoPath}/commits/([0-9a-f]{40})/checks/([^/]+)`, async (call) => {
    const ids = { sha: call.params[1] ?? '', externalId: externalId(call.params[2]) };
    return jsonResponse(200, await putCheck(call.forge, repoOf(call), ids, await readJson(call.request)));
  }),
  get(`${repoPath}/deployments`, getDeployments),
  route('PUT', `${repoPath}/deployments/([^/]+)`, async (call) => {
    const input = await readJson(call.request);
    return jsonResponse(200, await putDeployment(call.forge, repoOf(call), externalId(call.params[1]), input));
  }),
];

function get(path: string, answer: Route['answer']): Route {
  return route('GET', path, answer);
}

function route(method: string, path: string, answer: Route['answer']): Route {
  return { method, path: new RegExp(`^${path}$`), answer };
}

async function dispatch(forge: Forge, token: string, request: HttpRequest): Promise<HttpResponse> {
  const [path = '', query = ''] = request.path.split('?');
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const matching = routes.filter((candidate) => candidate.path.test(path));
  const chosen = matching.find((candidate) => candidate.method === method);
  if (matching.length === 0) throw new Refusal(404, 'NotFound', `there is nothing at ${path.slice(0, 200)}`);
  if (!chosen) throw new Refusal(405, 'MethodNotAllowed', `${method} is not possible here`);
  const identity = identify(request.headers['authorization'], token);
  if (method !== 'GET' && !identity) {
    throw new Refusal(401, 'Unauthorized', 'writing needs "authorization: Bearer <token>", the token of this forge');
  }
  const params = (chosen.path.exec(path) ?? []).slice(1);
  return chosen.answer({
    forge,
    request,
    params,
    query: new URLSearchParams(query),
    login: identity?.login ?? 'anonymous',
  });
}

/** Lists are bare arrays, bounded by what the forge keeps. */
function items(list: readonly unknown[]): HttpResponse {
  return jsonResponse(200, list);
}

function repoOf({ forge, params: [name = ''] }: Call): RepoRecord {
  const repo = forge.state.repo(name);
  if (!repo)
    throw new Refusal(
      404,
      'RepositoryNotFound',
      `there is no repository ${name}; add it with: sluice repo add ${name}`,
    );
  return repo;
}

function pullOf(call: Call): PullRecord {
  const repo = repoOf(call);
  const pull = call.forge.state.pull(repo.id, Number(call.params[1]));
  if (!pull) throw new Refusal(404, 'PullNotFound', `repository ${repo.name} has no pull request #${call.params[1]}`);
  return pull;
}

function externalId(text: string | undefined): string {
  const id = /%[0-9A-Fa-f]{2}/.test(text ?? '') ? safeDecode(text ?? '') : (text ?? '');
  if (/^[A-Za-z0-9][A-Za-z0-9._:@+-]{0,199}$/.test(id)) return id;
  throw new Refusal(422, 'BadExternalId', 'an external id has 1 to 200 letters, digits or any of . _ : @ + -');
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

function shownRepo(forge: Forge, { webhook, ...repo }: RepoRecord): Record<string, unknown> {
  const base = forge.publicUrl();
  const shown = { ...repo, cloneUrl: `${base}/${repo.name}.git`, url: `${base}/api/v1/repos/${repo.name}` };
  return webhook ? { ...shown, webhook: { url: webhook.url } } : shown;
}

function shownPull({ forge, params }: Call, pull: PullRecord): Record<string, unknown> {
  return { ...pull, url: `${forge.publicUrl()}/api/v1/repos/${params[0]}/pulls/${pull.number}` };
}

async function postRepo({ forge, request }: Call): Promise<HttpResponse> {
  const input = await readJson(request);
  const name = input.requiredText('name', 63);
  const webhook = webhookOf(input);
  const existing = forge.state.repo(name);
  if (existing) {
    const repo = webhook ? await updateWebhook(forge, existing, webhook) : existing;
    return jsonResponse(200, shownRepo(forge, repo));
  }
  const defaultBranch = input.text('defaultBranch', 255) ?? 'main';
  return jsonResponse(201, shownRepo(forge, await createRepo(forge, { name, defaultBranch, webhook })));
}

function webhookOf(input: JsonInput): RepoRecord['webhook'] {
  const webhook = input.object('webhook');
  if (!webhook) return undefined;
  const url = webhook.requiredText('url', 2_000);
  if (!URL.canParse(url) || !/^https?:/.test(url)) {
    throw new Refusal(422, 'BadField', 'webhook.url must be an http or https URL');
  }
  return { url, secret: webhook.requiredText('secret', 500) };
}

async function getRefs(call: Call): Promise<HttpResponse> {
  const repo = repoOf(call);
  const refs = await call.forge.open(repo).refs(['refs/heads', 'refs/tags', 'refs/pull'], true);
  return items([...refs].map(([ref, sha]) => ({ ref, sha })));
}

function getPulls(call: Call): HttpResponse {
  const state = call.query.get('state') ?? 'open';
  if (!['open', 'closed', 'all'].includes(state)) {
    throw new Refusal(422, 'BadField', `state must be one of open, closed, all, not ${state}`);
  }
  const pulls = call.forge.state.pulls(repoOf(call).id);
  const wanted = pulls.filter((pull) => state === 'all' || (pull.state === 'open') === (state === 'open'));
  return items(wanted.map((pull) => shownPull(call, pull)));
}

async function postMerge(call: Call): Promise<HttpResponse> {
  const { forge, login } = call;
  const repo = repoOf(call);
  const { number } = pullOf(call);
  const input = await readJson(call.request);
  const expectedSha = input.text('sha', 40);
  const method = input.word('method', ['merge', 'fast-forward']);
  const sha = await mergePull(forge, repo, {
    number,
    login,
    ...(expectedSha === undefined ? {} : { expectedSha }),
    ...(method === undefined ? {} : { method }),
  });
  return jsonResponse(200, { merged: true, sha });
}

async function postClose(call: Call): Promise<HttpResponse> {
  const closed = await closePull(call.forge, repoOf(call), pullOf(call).number, call.login);
  return jsonResponse(200, shownPull(call, closed));
}

async function postComment(call: Call): Promise<HttpResponse> {
  const { forge, login } = call;
  const repo = repoOf(call);
  const { number } = pullOf(call);
  const body = (await readJson(call.request)).requiredText('body', 65_535);
  return jsonResponse(201, await addComment(forge, repo, { number, body, login }));
}

/** Newest first. */
function getDeployments(call: Call): HttpResponse {
  const sha = call.query.get('sha');
  const environment = call.query.get('environment');
  const found = call.forge.state.deployments(repoOf(call).id).filter((deployment) => {
    return (sha === null || deployment.sha === sha) && (environment === null || deployment.environment === environment);
  });
  return items(found.sort((a, b) => b.id - a.id));
}

function getDeliveries(call: Call): HttpResponse {
  const { id } = repoOf(call);
  const shown = [...call.forge.state.deliveries(id, 100), ...call.forge.state.deadDeliveries(id, 100)].map(
    ({ sequence, event, delivery, createdAt, attempts, givenUp }) => {
      const facts = { sequence, event, delivery, createdAt, attempts };
      return givenUp === undefined ? facts : { ...facts, givenUp };
    },
  );
  return items(shown);
}
