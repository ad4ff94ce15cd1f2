import type { HttpResponse } from '@sluice/runtime';
import { methodNotAllowed, notSupported, unknownResource } from '../http/status-error.ts';
import type { Api, ResourceRequest } from '../rest/api.ts';
import { deleteCollection, deleteFromRequest } from '../rest/delete.ts';
import { finalizeNamespace } from '../rest/namespace-finalize.ts';
import { patchFromBody } from '../rest/patch.ts';
import { bindPod, evictPod } from '../rest/pod-actions.ts';
import { podLog, type PodLogs } from '../rest/pod-streams.ts';
import { getObject, listObjects } from '../rest/read.ts';
import { answerReview, requestToken, type Reviewers } from '../rest/reviews.ts';
import { scaleRequest } from '../rest/scale.ts';
import { usageRequest, type UsageReader } from '../rest/usage.ts';
import { watchObjects } from '../rest/watch.ts';
import { createFromBody, updateFromBody } from '../rest/write.ts';
import { requireAllowed } from '../security/authorizer.ts';
import { rbacGroup, requireNoEscalation } from '../security/escalation.ts';

/** What routes need besides the objects. */
export type RouterPorts = {
  readonly reviewers: Reviewers;
  readonly podLogs: PodLogs | undefined;
  readonly usage: UsageReader | undefined;
};

/** Serve one request for a resource: authorise it, then hand it to its verb. */
export function serveResource(
  api: Api,
  request: ResourceRequest,
  ports: RouterPorts,
  watch: boolean,
): Promise<HttpResponse> | HttpResponse {
  const { path, kind, user } = request;
  const verb = verbOf(request, watch);
  const { group, namespace, name, plural: resource, subresource } = path;
  const scope = resource === 'namespaces' && group === '' ? name : namespace;
  requireAllowed(ports.reviewers.authorizer, user, {
    verb,
    group,
    resource,
    subresource,
    namespace: scope,
    name,
    path: '',
  });
  if (kind.namespaced && namespace === '' && (name !== '' || verb === 'create')) throw unknownResource();
  if (!kind.namespaced && namespace !== '') throw unknownResource();
  if (subresource !== '') return serveSubresource(api, request, ports);
  if (!kind.stored) return serveUnstored(api, request, ports);
  const checked = withoutEscalation(api, request, ports);
  return name === '' ? serveCollection(checked, request, watch) : serveObject(checked, request);
}

/** Roles and bindings may not give more than their author has. */
function withoutEscalation(api: Api, { kind, user }: ResourceRequest, { reviewers }: RouterPorts): Api {
  if (kind.group !== rbacGroup) return api;
  const scope = { user, authorizer: reviewers.authorizer };
  return { ...api, checkStored: (stored, object) => requireNoEscalation(scope, stored, object) };
}

function verbOf({ http, path }: ResourceRequest, watch: boolean): string {
  const collection = path.name === '';
  switch (http.method) {
    case 'GET':
    case 'HEAD':
      return watch ? 'watch' : collection ? 'list' : 'get';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return collection ? 'deletecollection' : 'delete';
    default:
      throw methodNotAllowed();
  }
}

function serveCollection(api: Api, request: ResourceRequest, watch: boolean): Promise<HttpResponse> | HttpResponse {
  switch (request.http.method) {
    case 'GET':
    case 'HEAD':
      return watch ? watchObjects(api, request) : listObjects(api, request);
    case 'POST':
      return createFromBody(api, request);
    case 'DELETE':
      return deleteCollection(api, request);
    default:
      throw methodNotAllowed();
  }
}

function serveObject(api: Api, request: ResourceRequest): Promise<HttpResponse> | HttpResponse {
  switch (request.http.method) {
    case 'GET':
    case 'HEAD':
      return getObject(api, request);
    case 'PUT':
      return updateFromBody(api, request);
    case 'PATCH':
      return patchFromBody(api, request);
    case 'DELETE':
      return deleteFromRequest(api, request);
    default:
      throw methodNotAllowed();
  }
}

async function serveUnstored(api: Api, request: ResourceRequest, ports: RouterPorts): Promise<HttpResponse> {
  const { http, kind, path } = request;
  if (kind.verbs.includes('get')) {
    if (!ports.usage) throw unknownResource();
    return usageRequest(api, request, ports.usage);
  }
  if (http.method !== 'POST' || path.name !== '') throw methodNotAllowed();
  if (kind.kind !== 'Binding') return answerReview(request, ports.reviewers);
  throw notSupported('POST to bindings (POST to pods/NAME/binding instead)');
}

const streams: ReadonlySet<string> = new Set([
  'exec',
  'attach',
  'portforward',
  'proxy',
  'ephemeralcontainers',
  'resize',
]);

function serveSubresource(
  api: Api,
  request: ResourceRequest,
  ports: RouterPorts,
): Promise<HttpResponse> | HttpResponse {
  const { path, kind, http } = request;
  const { subresource } = path;
  if (subresource === 'status' && kind.subresources.status) return serveStatus(api, request);
  if (subresource === 'scale' && kind.subresources.scale) {
    if (!['GET', 'PUT', 'PATCH'].includes(http.method)) throw methodNotAllowed();
    return scaleRequest(api, request);
  }
  if (kind.group !== '') throw unknownResource();
  const action = `${kind.plural}/${subresource}`;
  if (http.method === 'GET' && action === 'pods/log') return podLog(api, request, ports.podLogs);
  if (http.method === 'PUT' && action === 'namespaces/finalize') return finalizeNamespace(api, request);
  if (http.method === 'POST' && action === 'pods/binding') return bindPod(api, request);
  if (http.method === 'POST' && action === 'pods/eviction') return evictPod(api, request);
  if (http.method === 'POST' && action === 'serviceaccounts/token') {
    return requestToken(api, request, ports.reviewers.tokens);
  }
  if (streams.has(subresource) && ['pods', 'services', 'nodes'].includes(kind.plural)) throw notSupported(action);
  throw unknownResource();
}

function serveStatus(api: Api, request: ResourceRequest): Promise<HttpResponse> | HttpResponse {
  switch (request.http.method) {
    case 'GET':
      return getObject(api, request);
    case 'PUT':
      return updateFromBody(api, request);
    case 'PATCH':
      return patchFromBody(api, request);
    default:
      throw methodNotAllowed();
  }
}
