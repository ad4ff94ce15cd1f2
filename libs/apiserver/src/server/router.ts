import type { HttpHandler, HttpRequest, HttpResponse } from '@sluice/runtime';
import { StoreFullError } from '@sluice/store';
import { groupResponse, groupsResponse, resourcesResponse } from '../discovery/discovery.ts';
import type { OpenApi } from '../discovery/open-api.ts';
import { negotiate } from '../http/accept.ts';
import { flag } from '../http/query.ts';
import { parseResourcePath, type ResourcePath } from '../http/request-path.ts';
import { errorResponse, json, plain } from '../http/respond.ts';
import { badRequest, StatusError, unknownResource } from '../http/status-error.ts';
import type { Api, ResourceRequest, User } from '../rest/api.ts';
import { requireAllowed } from '../security/authorizer.ts';
import { issuerConfiguration } from '../security/service-account-tokens.ts';
import { type Health, healthResponse } from './health.ts';
import { type RouterPorts, serveResource } from './resource-routes.ts';

/** The Kubernetes version that this server behaves like. */
export const kubernetesVersion = {
  major: '1',
  minor: '35',
  gitVersion: 'v1.35.2+sluice',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: 'none',
  compiler: 'none',
  platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
};

/** The server as a function from a request of a known user to its response. Never throws for what a client can do. */
export type Router = (request: HttpRequest, user: User) => Promise<HttpResponse>;

/** What is answered besides resources. */
export type Documents = {
  readonly openApi: OpenApi;
  readonly health: Health;
  /** Text of `/metrics`. */
  readonly metrics: () => string;
};

type Parts = { readonly api: Api; readonly documents: Documents; readonly ports: RouterPorts };

/** Put the parts of the server behind their paths. */
export function createRouter(api: Api, documents: Documents, ports: RouterPorts): Router {
  const parts: Parts = { api, documents, ports };
  return async (request, user) => {
    try {
      return await route(parts, request, user);
    } catch (error) {
      return errorResponse(toStatusError(api, error, request));
    }
  };
}

/** The router for one user, as a plain handler. */
export function handlerFor(router: Router, user: User): HttpHandler {
  return (request) => router(request, user);
}

async function route(parts: Parts, http: HttpRequest, user: User): Promise<HttpResponse> {
  const { api, ports } = parts;
  const mark = http.path.indexOf('?');
  const pathname = mark < 0 ? http.path : http.path.slice(0, mark);
  const query = new URLSearchParams(mark < 0 ? '' : http.path.slice(mark + 1));
  const path = resourcePath(pathname);
  if (!path) return serveOther(parts, http, user, { pathname, query });
  const kind = api.registry.find(path.group, path.version, path.plural);
  if (!kind) throw unknownResource();
  const accept = http.headers['accept'];
  const representation = negotiate(accept);
  const raw = path.subresource !== '' && path.subresource !== 'status' && path.subresource !== 'scale';
  if (!representation && !raw) {
    throw new StatusError(
      406,
      'NotAcceptable',
      'only the following media types are accepted: application/json, application/json;as=Table;v=v1;g=meta.k8s.io',
    );
  }
  if (path.watch) query.set('watch', 'true');
  const request: ResourceRequest = {
    http,
    path,
    query,
    kind,
    user,
    representation: representation ?? { as: 'object' },
  };
  return serveResource(api, request, ports, path.name === '' && flag(query, 'watch'));
}

function resourcePath(pathname: string): ResourcePath | undefined {
  try {
    return parseResourcePath(pathname);
  } catch (error) {
    if (error instanceof URIError) throw badRequest('the path holds a malformed percent escape');
    throw error;
  }
}

/** Discovery, documents and health. */
async function serveOther(
  { api, documents, ports }: Parts,
  http: HttpRequest,
  user: User,
  { pathname, query }: { readonly pathname: string; readonly query: URLSearchParams },
): Promise<HttpResponse> {
  const { openApi, health, metrics } = documents;
  const path = pathname.length > 1 && pathname.endsWith('/') ? pathname.slice(0, -1) : pathname;
  requireAllowed(ports.reviewers.authorizer, user, {
    verb: http.method.toLowerCase(),
    group: '',
    resource: '',
    subresource: '',
    namespace: '',
    name: '',
    path,
  });
  if (http.method !== 'GET' && http.method !== 'HEAD') throw unknownResource();
  const accept = http.headers['accept'];
  switch (path) {
    case '/version':
      return json(200, kubernetesVersion);
    case '/metrics': {
      const response = plain(200, metrics());
      return { ...response, headers: { ...response.headers, 'content-type': 'text/plain; version=0.0.4' } };
    }
    case '/api':
      return groupsResponse(api.registry, true, accept);
    case '/apis':
      return groupsResponse(api.registry, false, accept);
    case '/openapi/v3':
      return openApi.index();
    case '/openapi/v2':
      return openApi.legacy(accept ?? '');
    case '/openid/v1/jwks':
      return json(200, ports.reviewers.tokens.keySet());
    case '/.well-known/openid-configuration':
      return json(200, issuerConfiguration);
    default:
      return (
        (await healthResponse(health, path, query)) ??
        serveNested(api, openApi, path, http.headers['if-none-match']) ??
        plain(404, '404 page not found\n')
      );
  }
}

function serveNested(
  api: Api,
  openApi: OpenApi,
  path: string,
  ifNoneMatch: string | undefined,
): HttpResponse | undefined {
  if (path.startsWith('/openapi/v3/')) return openApi.document(path.slice('/openapi/v3/'.length), ifNoneMatch);
  const [, root, first = '', second = '', ...more] = path.split('/');
  if (more.length > 0) return undefined;
  if (root === 'api' && second === '') return resourcesResponse(api.registry, '', first);
  if (root !== 'apis') return undefined;
  return second === '' ? groupResponse(api.registry, first) : resourcesResponse(api.registry, first, second);
}

function toStatusError(api: Api, error: unknown, request: HttpRequest): StatusError {
  if (error instanceof StatusError) return error;
  if (error instanceof StoreFullError) {
    api.log.error('the store is full', { error });
    return new StatusError(507, 'InsufficientStorage', error.message);
  }
  if (error instanceof RangeError) return badRequest(`the request cannot be stored: ${error.message}`);
  api.log.error('a request failed', { method: request.method, path: request.path, error });
  const message = error instanceof Error ? error.message : 'unknown';
  return new StatusError(500, 'InternalError', `Internal error occurred: ${message}`);
}
