import { type HttpRequest, jsonResponse, readBody, serveHttp } from '@sluice/runtime';

/** A commit status as a stand-in keeps it: the fields under the names of the forge. */
export type KeptStatus = {
  readonly sha: string;
  readonly context: string;
  readonly state: string;
  readonly description: string;
};

/** A branch, tag or pull request that a stand-in shows. */
export type TokenForgeState = {
  readonly branches: Map<string, string>;
  readonly tags: Map<string, string>;
  readonly pulls: { readonly number: number; readonly branch: string; readonly sha: string; readonly fork: boolean }[];
  /** What people may do, in the words of the forge, by numeric id. */
  readonly members: Map<string, { readonly login: string; readonly permission: string | number }>;
  readonly statuses: KeptStatus[];
  readonly deployments: { readonly id: number; readonly environment: string; readonly sha: string; status: string }[];
};

/** A forge that takes a token, with the part of its documented API that our adapter uses. */
export type TokenForgeStandIn = {
  readonly url: string;
  readonly state: TokenForgeState;
  /** Requests that the documentation does not allow. */
  readonly violations: string[];
  readonly requests: string[];
  close(): Promise<void>;
};

type Call = {
  readonly state: TokenForgeState;
  readonly params: readonly string[];
  readonly query: URLSearchParams;
  readonly body: Readonly<Record<string, unknown>>;
};
type Answer = { readonly status: number; readonly body: unknown; readonly headers?: Record<string, string> };
type Route = { readonly method: string; readonly path: RegExp; readonly answer: (call: Call) => Answer };
type Dialect = { readonly isSignedIn: (headers: HttpRequest['headers']) => boolean; readonly routes: readonly Route[] };

/** The token that all of them take, and the repository that all of them have. */
export const tokenForge = Object.freeze({ token: 'a-token-of-the-forge', repository: 'octo/hello' });

const ok = (body: unknown, headers: Record<string, string> = {}): Answer => ({ status: 200, body, headers });
const created = (body: unknown): Answer => ({ status: 201, body });
const refused = (status: number, message: string): Answer => ({ status, body: { message } });
const word = (value: unknown, words: readonly string[]): boolean => typeof value === 'string' && words.includes(value);

function route(method: string, path: string, answer: Route['answer']): Route {
  return { method, path: new RegExp(`^${path}$`), answer };
}

const project = '/projects/octo%2Fhello';
const gitlabStates = ['pending', 'running', 'success', 'failed', 'canceled', 'skipped'];
const gitlabDeployments = ['created', 'running', 'success', 'failed', 'canceled'];

function page<T>(all: readonly T[], query: URLSearchParams): Answer {
  const [size, number] = [Number(query.get('per_page') ?? 20), Number(query.get('page') ?? 1)];
  const more = all.length > size * number;
  return ok(all.slice(size * (number - 1), size * number), { 'x-next-page': more ? String(number + 1) : '' });
}

const gitlab: Dialect = {
  isSignedIn: (headers) => headers['private-token'] === tokenForge.token,
  routes: [
    route('POST', `${project}/statuses/([0-9a-f]{40})`, ({ state, params: [sha = ''], body }) => {
      if (!word(body['state'], gitlabStates)) return refused(400, 'state does not have a valid value');
      const [context, next] = [String(body['name']), String(body['state'])];
      const last = state.statuses.findLast((status) => status.sha === sha && status.context === context);
      if (last?.state === next) return refused(400, `Cannot transition status via :run from :${next}`);
      state.statuses.push({ sha, context, state: next, description: String(body['description']) });
      return created({ id: 1, sha, name: context, status: next });
    }),
    route('GET', `${project}/repository/(branches|tags)`, ({ state, params: [kind], query }) =>
      page(
        [...(kind === 'tags' ? state.tags : state.branches)].map(([name, id]) => ({ name, commit: { id } })),
        query,
      ),
    ),
    route('GET', `${project}/merge_requests`, ({ state, query }) =>
      page(
        state.pulls.map(({ number, branch, sha, fork }) => ({
          iid: number,
          sha,
          source_branch: branch,
          target_branch: 'main',
          source_project_id: fork ? 8 : 7,
          target_project_id: 7,
          draft: false,
          author: { id: 5, username: 'contributor' },
        })),
        query,
      ),
    ),
    route('GET', `${project}/members/all/([0-9]+)`, ({ state, params: [id = ''] }) => {
      const member = state.members.get(id);
      if (!member) return refused(404, '404 Not found');
      return ok({ id: Number(id), username: member.login, state: 'active', access_level: member.permission });
    }),
    route('GET', `${project}/deployments`, ({ state, query }) =>
      ok(state.deployments.filter(({ environment }) => environment === query.get('environment')).toReversed()),
    ),
    route('POST', `${project}/deployments`, ({ state, body }) => {
      if (!word(body['status'], gitlabDeployments)) return refused(400, 'status does not have a valid value');
      if (typeof body['ref'] !== 'string' || typeof body['tag'] !== 'boolean')
        return refused(400, 'ref, tag are missing');
      const id = state.deployments.length + 1;
      const deployment = {
        id,
        environment: String(body['environment']),
        sha: String(body['sha']),
        status: String(body['status']),
      };
      state.deployments.push(deployment);
      return created(deployment);
    }),
    route('PUT', `${project}/deployments/([0-9]+)`, ({ state, params: [id], body }) => {
      const found = state.deployments.find((deployment) => String(deployment.id) === id);
      if (!found) return refused(404, '404 Deployment Not Found');
      if (found.status === body['status']) return refused(400, 'Cannot transition status');
      found.status = String(body['status']);
      return ok(found);
    }),
  ],
};

const repo = '/repos/octo/hello';

function slice<T>(all: readonly T[], query: URLSearchParams): Answer {
  const [size, number] = [Math.min(50, Number(query.get('limit') ?? 30)), Number(query.get('page') ?? 1)];
  return ok(all.slice(size * (number - 1), size * number));
}

const gitea: Dialect = {
  isSignedIn: (headers) => headers['authorization'] === `token ${tokenForge.token}`,
  routes: [
    route('POST', `${repo}/statuses/([0-9a-f]{40})`, ({ state, params: [sha = ''], body }) => {
      if (!word(body['state'], ['pending', 'success', 'error', 'failure', 'warning']))
        return refused(422, 'state is unknown');
      state.statuses.push({
        sha,
        context: String(body['context']),
        state: String(body['state']),
        description: String(body['description']),
      });
      return created({ id: state.statuses.length, status: body['state'] });
    }),
    route('GET', `${repo}/branches`, ({ state, query }) =>
      slice(
        [...state.branches].map(([name, id]) => ({ name, commit: { id } })),
        query,
      ),
    ),
    route('GET', `${repo}/tags`, ({ state, query }) =>
      slice(
        [...state.tags].map(([name, sha]) => ({ name, commit: { sha } })),
        query,
      ),
    ),
    route('GET', `${repo}/pulls`, ({ state, query }) =>
      slice(
        state.pulls.map(({ number, branch, sha, fork }) => ({
          number,
          draft: false,
          user: { id: 5, login: 'contributor' },
          head: { ref: branch, sha, repo_id: fork ? 8 : 7 },
          base: { ref: 'main', sha: state.branches.get('main'), repo_id: 7 },
        })),
        query,
      ),
    ),
    route('GET', `${repo}/collaborators/([^/]+)/permission`, ({ state, params: [login] }) => {
      const found = [...state.members].find(([, member]) => member.login === login);
      if (!found) return refused(404, 'user does not exist');
      return ok({ permission: found[1].permission, role_name: '', user: { id: Number(found[0]), login } });
    }),
  ],
};

const repository = '/repositories/octo/hello';

function values<T>(all: readonly T[], query: URLSearchParams): Answer {
  const [size, number] = [Number(query.get('pagelen') ?? 10), Number(query.get('page') ?? 1)];
  const more = all.length > size * number ? { next: `https://bitbucket.test/?page=${number + 1}` } : {};
  return ok({ pagelen: size, values: all.slice(size * (number - 1), size * number), ...more });
}

const bitbucket: Dialect = {
  isSignedIn: (headers) => headers['authorization'] === `Bearer ${tokenForge.token}`,
  routes: [
    route('POST', `${repository}/commit/([0-9a-f]{40})/statuses/build`, ({ state, params: [sha = ''], body }) => {
      if (!word(body['state'], ['INPROGRESS', 'SUCCESSFUL', 'FAILED', 'STOPPED'])) return refused(400, 'Bad state');
      const key = String(body['key']);
      if (key.length > 40 || typeof body['url'] !== 'string') return refused(400, 'Bad request');
      state.statuses.push({
        sha,
        context: key,
        state: String(body['state']),
        description: String(body['description']),
      });
      return created({ key });
    }),
    route('GET', `${repository}/refs/(branches|tags)`, ({ state, params: [kind], query }) =>
      values(
        [...(kind === 'tags' ? state.tags : state.branches)].map(([name, hash]) => ({ name, target: { hash } })),
        query,
      ),
    ),
    route('GET', `${repository}/pullrequests`, ({ state, query }) =>
      values(
        state.pulls.map(({ number, branch, sha, fork }) => ({
          id: number,
          draft: false,
          author: { uuid: `{${'5'.repeat(8)}-1111-1111-1111-111111111111}`, nickname: 'contributor' },
          source: {
            branch: { name: branch },
            commit: { hash: sha.slice(0, 12) },
            repository: { uuid: fork ? '{fork}' : '{own}' },
          },
          destination: { branch: { name: 'main' }, commit: { hash: 'x' }, repository: { uuid: '{own}' } },
        })),
        query,
      ),
    ),
    route('GET', `${repository}/commit/([0-9a-f]+)`, ({ state, params: [short = ''] }) => {
      const found = state.pulls.find(({ sha }) => sha.startsWith(short));
      return found ? ok({ hash: found.sha }) : refused(404, 'Commit not found');
    }),
    route('GET', `${repository}/permissions-config/users/%7B([0-9a-f-]+)%7D`, ({ state, params: [id = ''] }) => {
      const member = state.members.get(id);
      return member ? ok({ permission: member.permission, user: { uuid: `{${id}}` } }) : refused(404, 'No permission');
    }),
  ],
};

const dialects = { gitlab, gitea, bitbucket } as const;

/** Start a stand-in for a forge that takes a token. */
export async function startTokenForge(kind: keyof typeof dialects): Promise<TokenForgeStandIn> {
  const { isSignedIn, routes } = dialects[kind];
  const state: TokenForgeState = {
    branches: new Map(),
    tags: new Map(),
    pulls: [],
    members: new Map(),
    statuses: [],
    deployments: [],
  };
  const violations: string[] = [];
  const requests: string[] = [];
  const server = await serveHttp(
    async (request) => {
      const [path = '', search = ''] = request.path.split('?');
      const asked = `${request.method} ${path}`;
      requests.push(asked);
      if (!isSignedIn(request.headers)) return jsonResponse(401, { message: '401 Unauthorized' });
      const found = routes.find((each) => each.method === request.method && each.path.test(path));
      if (!found) {
        violations.push(`${asked} is not part of the stand-in`);
        return jsonResponse(404, { message: '404 Not Found' });
      }
      const bytes = await readBody(request.body, 1_000_000);
      const body =
        bytes.length === 0 ? {} : (JSON.parse(Buffer.from(bytes).toString('utf8')) as Record<string, unknown>);
      const params = (found.path.exec(path) ?? []).slice(1);
      const {
        status,
        body: answer,
        headers,
      } = found.answer({ state, params, query: new URLSearchParams(search), body });
      if (status === 400 && !JSON.stringify(answer).includes('Cannot transition'))
        violations.push(`${asked}: ${JSON.stringify(answer)}`);
      return jsonResponse(status, answer, headers);
    },
    { host: '127.0.0.1', port: 0, onError: (error) => void violations.push(String(error)) },
  );
  return { url: server.url, state, violations, requests, close: () => server.close(0) };
}
