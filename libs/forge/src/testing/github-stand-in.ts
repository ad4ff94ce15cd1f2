import { type HttpRequest, type HttpResponse, jsonResponse, readBody, serveHttp } from '@sluice/runtime';
import { callerOf, type TestApp } from './authentication.ts';
import { type ApiDescription, loadDescription } from './description.ts';
import { createRepresentations } from './representations.ts';
import { Refused, type Route, type RouteAnswer, routes } from './routes.ts';
import { createScenario, type Scenario } from './scenario.ts';
import type { StandInState } from './state.ts';

export type StandInOptions = {
  /** The App whose JWTs hold. */
  readonly app?: TestApp;
  /** A personal access token that holds. */
  readonly token?: string;
  readonly now?: () => number;
};

/** One request as the stand-in saw it. */
export type SeenRequest = { readonly operation: string; readonly status: number };

/** An answer to give instead of the real one. */
export type Fault = {
  /** Method and path template of GitHub's description; default: any. */
  readonly operation?: string;
  /** Default 1. */
  readonly times?: number;
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly message?: string;
  /** Do what was asked all the same: the answer got lost on its way. */
  readonly afterwards?: boolean;
};

/** A stateful GitHub on a loopback port. It checks every exchange and every webhook against GitHub's own description. */
export type GithubStandIn = Scenario & {
  readonly url: string;
  readonly state: StandInState;
  /** What did not fit the description or could not be answered. Tests end with expecting this to be empty. */
  readonly violations: string[];
  readonly requests: SeenRequest[];
  fail(fault: Fault): void;
  /** Lose webhooks from now on, or deliver them again. */
  lose(losing: boolean): void;
  /** Make all installation tokens invalid, as if their hour were over. */
  expireTokens(): void;
  close(): Promise<void>;
};

/** Start a stand-in for GitHub. */
export async function startGithubStandIn(options: StandInOptions = {}): Promise<GithubStandIn> {
  const description = loadDescription();
  const state: StandInState = {
    repositories: new Map(),
    tokens: new Map(),
    nextId: 1_000,
    deliveries: [],
    losing: false,
  };
  const violations: string[] = [];
  const requests: SeenRequest[] = [];
  const faults: { readonly fault: Fault; left: number }[] = [];
  let url = '';
  const show = createRepresentations(description, () => url);
  const now = options.now ?? Date.now;
  const world: World = { description, state, violations, requests, faults, show, options, now };
  const server = await serveHttp((request) => answer(world, request), {
    host: '127.0.0.1',
    port: 0,
    onError: (error) => violations.push(`the stand-in failed: ${String(error)}`),
  });
  url = server.url;
  return {
    url,
    state,
    violations,
    requests,
    ...createScenario({ state, show, description, violations }),
    fail: (fault) => void faults.push({ fault, left: fault.times ?? 1 }),
    lose: (losing) => void (state.losing = losing),
    expireTokens: () => state.tokens.clear(),
    close: () => server.close(0),
  };
}

type World = {
  readonly description: ApiDescription;
  readonly state: StandInState;
  readonly violations: string[];
  readonly requests: SeenRequest[];
  readonly faults: { readonly fault: Fault; left: number }[];
  readonly show: ReturnType<typeof createRepresentations>;
  readonly options: StandInOptions;
  readonly now: () => number;
};

const matchers = routes.map((route) => ({ route, pattern: patternOf(route.operation.split(' ')[1] ?? '') }));

/** `{ref}` may hold slashes, the other parts of a path not. */
function patternOf(template: string): RegExp {
  const source = template.replace(/\{(\w+)\}/g, (_, name: string) => `(?<${name}>${name === 'ref' ? '.+?' : '[^/]+'})`);
  return new RegExp(`^${source}$`);
}

async function answer(world: World, request: HttpRequest): Promise<HttpResponse> {
  const [path = '', search = ''] = request.path.split('?');
  const method = request.method.toLowerCase();
  const found = matchers
    .filter(({ route }) => route.operation.startsWith(`${method} `))
    .map(({ route, pattern }) => ({ route, match: pattern.exec(decodeURIComponent(path)) }))
    .find(({ match }) => match !== null);
  if (!found) {
    world.violations.push(`${method} ${path} is not part of the stand-in`);
    return jsonResponse(404, { message: 'Not Found' });
  }
  const { route, match } = found;
  const fault = takeFault(world, route.operation);
  if (fault && fault.afterwards !== true) return faultAnswer(world, route, fault);
  const bytes = await readBody(request.body, 10_000_000);
  const body = bytes.length === 0 ? undefined : (JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown);
  const query = new URLSearchParams(search);
  const result = settle(world, route, request, { params: { ...match?.groups }, query, body });
  if (fault) return faultAnswer(world, route, fault);
  world.requests.push({ operation: route.operation, status: result.status });
  world.violations.push(...world.description.checkResponse(route.operation, result.status, result.body));
  return jsonResponse(result.status, result.body);
}

function settle(
  world: World,
  route: Route,
  request: HttpRequest,
  { params, query, body }: { params: Record<string, string>; query: URLSearchParams; body: unknown },
): RouteAnswer {
  const { description, state, show, options, now, violations } = world;
  const problems = description.checkRequest(route.operation, query, body);
  violations.push(...problems);
  const { app, token } = options;
  const caller = callerOf(request.headers['authorization'], { state, app, token, now: now() });
  if (caller === undefined) return { status: 401, body: { message: 'Bad credentials' } };
  if (!route.callers.includes(caller)) {
    const message = 'You must authenticate via a GitHub App.';
    return { status: 403, body: { message } };
  }
  if (problems.length > 0) return refusal(422, problems.join('; '));
  try {
    const fields = (body ?? {}) as Record<string, unknown>;
    return route.answer({ state, show, app, caller, params, query, body: fields, now: now() });
  } catch (error) {
    if (error instanceof Refused) return refusal(error.status, error.message);
    throw error;
  }
}

function faultAnswer({ requests }: World, { operation }: Route, { status, message, headers }: Fault): HttpResponse {
  requests.push({ operation, status });
  return jsonResponse(status, { message: message ?? 'made to fail' }, { ...headers });
}

function refusal(status: number, message: string): RouteAnswer {
  return { status, body: { message, documentation_url: 'https://docs.github.test/rest' } };
}

function takeFault(world: World, operation: string): Fault | undefined {
  const entry = world.faults.find(({ fault, left }) => left > 0 && (fault.operation ?? operation) === operation);
  if (!entry) return undefined;
  entry.left--;
  return entry.fault;
}
