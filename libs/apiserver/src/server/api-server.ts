import { randomUUID } from 'node:crypto';
import { type HttpHandler, type HttpRequest, type HttpResponse, type Log, serveHttp } from '@sluice/runtime';
import type { Store } from '@sluice/store';
import { ResourceQuotas } from '../admission/resource-quota.ts';
import { OpenApi } from '../discovery/open-api.ts';
import { errorResponse, forNetwork } from '../http/respond.ts';
import { StatusError, tooManyRequests } from '../http/status-error.ts';
import { builtinKinds, usageKinds } from '../kinds/builtin-kinds.ts';
import type { HistoryLimits } from '../objects/collection.ts';
import { ObjectStore } from '../objects/object-store.ts';
import { KindRegistry } from '../registry/kind-registry.ts';
import type { Api, User } from '../rest/api.ts';
import { OpenWatches } from '../rest/open-watches.ts';
import type { PodLogs } from '../rest/pod-streams.ts';
import type { Reviewers } from '../rest/reviews.ts';
import type { UsageReader } from '../rest/usage.ts';
import { admin, type Authenticator, bearerToken, createAuthenticator } from '../security/authenticator.ts';
import { createAuthorizer } from '../security/authorizer.ts';
import { actingUser } from '../security/impersonation.ts';
import { ensureCredentials } from '../security/credentials.ts';
import { kubeconfigText } from '../security/kubeconfig.ts';
import { ServiceAccountTokens } from '../security/service-account-tokens.ts';
import { defaultServiceNetwork } from '../strategies/service.ts';
import { strategyTable } from '../strategies/strategy-table.ts';
import { type AuditSink, auditLine } from './audit.ts';
import { serveCustomKinds } from './custom-kinds.ts';
import { ensureInitialObjects } from './initial-objects.ts';
import type { PodSessions } from '../streams/pod-sessions.ts';
import { serveUpgrades } from '../streams/upgrade.ts';
import { Admission } from '../webhooks/admission.ts';
import { Conversions } from '../webhooks/conversions.ts';
import { createWebhookCall } from '../webhooks/webhook-call.ts';
import type { Health } from './health.ts';
import { RequestMetrics } from './request-metrics.ts';
import { createRouter, handlerFor, type Router } from './router.ts';

export type ApiServerOptions = {
  /** Holds the objects. The server does not close it. */
  readonly store: Store;
  /** A loopback address. */
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** Certificates, keys and the admin token live here, readable by their owner only. */
  readonly directory: string;
  /** Where logs of containers come from; without it `/log` answers 501. */
  readonly podLogs?: PodLogs;
  /** Where exec, attach and port-forward lead; without it they answer 501. */
  readonly podSessions?: PodSessions;
  /** What pods and nodes use, for `kubectl top`; without it the group metrics.k8s.io is not served. */
  readonly usage?: UsageReader;
  readonly log: Log;
  /** Takes a line for each request from the network; without it there is no audit log. */
  readonly audit?: AuditSink;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** First two numbers of the ClusterIPs, loopback addresses. Default `127.96`; give each cluster of a machine its own. */
  readonly serviceNetwork?: string;
  /** Default: random UUIDs. */
  readonly newId?: () => string;
  /** How much history is kept of each resource, for tests. */
  readonly history?: HistoryLimits;
};

export type ApiServer = {
  /** `https://127.0.0.1:7443`. */
  readonly url: string;
  /** Certificate of the authority that signed the server's, PEM. */
  readonly ca: string;
  /** In-process calls, as a member of system:masters. Bodies of responses are JSON text. */
  readonly handle: HttpHandler;
  /** Token of the administrator. */
  readonly token: string;
  /** A kubeconfig for the administrator. */
  kubeconfig(): string;
  /** Ends all watches and stops listening. */
  close(): Promise<void>;
};

/** Start a Kubernetes API server over a store. Rejects with ListenError when the port is taken. */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { store, host, port, directory, log, now } = options;
  const serviceIp = `${options.serviceNetwork ?? defaultServiceNetwork}.0.1`;
  const credentials = await ensureCredentials(directory, [host, serviceIp], now());
  const api = createApi(options, ObjectStore.load(store, options.history));
  const tokens = new ServiceAccountTokens(credentials.tokenKey);
  const authenticator = createAuthenticator(credentials.adminToken, tokens, api.objects, now);
  const reviewers = { authenticator, authorizer: createAuthorizer(api.objects), tokens };
  const stopCustomKinds = serveCustomKinds(api);
  const traffic = { inFlight: 0, closing: false };
  const requests = new RequestMetrics(now());
  const documents = {
    openApi: new OpenApi(api.registry),
    health: healthOf(store, traffic),
    metrics: () =>
      requests.text({ inFlight: traffic.inFlight, watches: api.watches.size, objects: api.objects.sizes() }),
  };
  const router = createRouter(api, documents, { reviewers, podLogs: options.podLogs, usage: options.usage });
  const server = await serveHttp(networkHandler(router, reviewers, { ...options, traffic, requests }), {
    host,
    port,
    tls: credentials.server,
    onError: (error) => log.warn('an answer could not be sent', { error }),
  });
  // A watch whose client has gone without a word ends once the system notices.
  server.server.on('connection', (socket) => socket.setKeepAlive(true, 30_000));
  serveUpgrades(server.server, {
    api,
    authorizer: reviewers.authorizer,
    userOf: async (request) => {
      const user = await userOf(request, authenticator);
      return user && actingUser(user, request.headers, reviewers.authorizer);
    },
    sessions: options.podSessions,
    log,
  });
  await ensureInitialObjects(api, host, server.port, serviceIp);
  return {
    url: server.url,
    ca: credentials.authority.cert,
    handle: handlerFor(router, admin),
    token: credentials.adminToken,
    kubeconfig: () => kubeconfigText(server.url, credentials.authority.cert, credentials.adminToken),
    async close() {
      traffic.closing = true;
      stopCustomKinds();
      api.quotas.close();
      api.watches.end();
      await server.close();
    },
  };
}

function createApi(options: ApiServerOptions, objects: ObjectStore): Api {
  const { log, now, newId = randomUUID, serviceNetwork = defaultServiceNetwork } = options;
  const registry = new KindRegistry(options.usage ? [...builtinKinds, ...usageKinds] : builtinKinds);
  const call = createWebhookCall(objects.collection('services'));
  const conversions = new Conversions(call, newId);
  return {
    objects,
    registry,
    strategyOf: strategyTable(objects, registry, serviceNetwork, now),
    watches: new OpenWatches(),
    admission: new Admission(objects, call, conversions),
    conversions,
    quotas: new ResourceQuotas(objects, (error) => log.error('the status of a quota could not be written', { error })),
    log,
    now,
    newId,
  };
}

/** What everybody may ask, and the parts of the first three. */
const anonymousPaths = ['/healthz', '/livez', '/readyz', '/version'];
const anonymous: User = { username: 'system:anonymous', groups: ['system:unauthenticated'] };

/** Requests from the network that may be worked on at the same time; open watches do not count. */
const maxInFlight = 600;

function networkHandler(
  router: Router,
  { authenticator, authorizer }: Reviewers,
  {
    audit,
    now,
    traffic,
    requests,
  }: ApiServerOptions & { readonly traffic: Traffic; readonly requests: RequestMetrics },
): HttpHandler {
  const serve = async (request: HttpRequest): Promise<HttpResponse> => {
    const user = await userOf(request, authenticator);
    if (!user) return unauthorized();
    return forNetwork(request, await router(request, actingUser(user, request.headers, authorizer)));
  };
  const audited = async (request: HttpRequest): Promise<HttpResponse> => {
    if (!audit) return serve(request);
    const receivedMs = now();
    const response = await serve(request).catch((error: unknown) => {
      if (error instanceof StatusError) return errorResponse(error);
      throw error;
    });
    audit(auditLine(request, await userOf(request, authenticator), response, { receivedMs, answeredMs: now() }));
    return response;
  };
  const answered = async (request: HttpRequest): Promise<HttpResponse> => {
    if (traffic.inFlight >= maxInFlight) return errorResponse(tooManyRequests());
    traffic.inFlight++;
    try {
      return await audited(request);
    } catch (error) {
      if (error instanceof StatusError) return errorResponse(error);
      throw error;
    } finally {
      traffic.inFlight--;
    }
  };
  return async (request) => {
    const started = performance.now();
    const response = await answered(request);
    requests.observe(request, response.status, (performance.now() - started) / 1_000);
    return response;
  };
}

type Traffic = { inFlight: number; closing: boolean };

/** Alive: requests are answered. Ready: also, writes become durable and the server is not about to end. */
function healthOf(store: Store, traffic: Traffic): Health {
  const ping = { name: 'ping', holds: () => true };
  const etcd = { name: 'etcd', holds: () => store.commit([]).then(() => true) };
  const shutdown = { name: 'shutdown', holds: () => !traffic.closing };
  return { livez: [ping], readyz: [ping, etcd, shutdown], healthz: [ping, etcd] };
}

async function userOf(request: HttpRequest, authenticator: Authenticator): Promise<User | undefined> {
  const token = bearerToken(request.headers['authorization']);
  if (token !== undefined) return authenticator.authenticate(token);
  const path = request.path.split('?', 1)[0] ?? '';
  return anonymousPaths.some((open) => path === open || path.startsWith(`${open}/`)) ? anonymous : undefined;
}

function unauthorized(): HttpResponse {
  const response = errorResponse(new StatusError(401, 'Unauthorized', 'Unauthorized'));
  return { ...response, headers: { ...response.headers, 'www-authenticate': 'Bearer realm="sluice"' } };
}
