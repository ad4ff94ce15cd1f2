import type { KubeApi } from '@sluice/reconcile';
import {
  Closers,
  type HttpHandler,
  type HttpRequest,
  type HttpResponse,
  type Log,
  type Running,
  type Secret,
  serveHttp,
} from '@sluice/runtime';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { DeliveryJob } from '@sluice/events';
import { answerDeliveryLog, type LoggedDeliveries } from './delivery-log.ts';
import { createHookRoutes } from './hook-routes.ts';
import { type HookPorts, postHook } from './post-hook.ts';

export type ReceiverConfig = {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** Only Repositories of this namespace; default: all. */
  readonly namespace?: string;
  /** Default 25 MiB, GitHub's own limit. */
  readonly maxBodyBytes?: number;
  /** How long a body may take. Default 30 s. */
  readonly bodyTimeoutMs?: number;
  /** Opens the delivery log to whoever has it; without one there is no log. */
  readonly logToken?: Secret;
};

export type ReceiverPorts = {
  readonly kube: KubeApi;
  /** The queue `deliveries`. */
  readonly deliveries: LoggedDeliveries & {
    add(
      job: DeliveryJob,
      options: { readonly id: string; readonly key: string; readonly alias: string },
    ): Promise<'added' | 'duplicate' | 'conflict'>;
  };
  readonly log: Log;
  readonly now: () => number;
};

/** A running receiver. */
export type RunningReceiver = Running & { readonly url: string };

const defaultMaxBodyBytes = 25 * 1024 * 1024;
const defaultBodyTimeoutMs = 30_000;
const addTimeoutMs = 8_000;
const bodiesInMemory = 8;

/** Listen for webhooks. Resolves when it listens; `/readyz` says when the routes are known. */
export async function start(config: ReceiverConfig, ports: ReceiverPorts): Promise<RunningReceiver> {
  const closers = new Closers();
  const routes = createHookRoutes(ports.kube, {
    ...(config.namespace === undefined ? {} : { namespace: config.namespace }),
    onError: (error) => ports.log.warn('watching the cluster failed, going on', { error }),
  });
  const maxBodyBytes = config.maxBodyBytes ?? defaultMaxBodyBytes;
  const hookPorts: HookPorts = {
    find: (route) => routes.find(route),
    ready: () => routes.ready(),
    add: (job, options) => ports.deliveries.add(job, options),
    log: ports.log,
    now: ports.now,
    maxBodyBytes,
    bodyTimeoutMs: config.bodyTimeoutMs ?? defaultBodyTimeoutMs,
    addTimeoutMs,
    load: { bytes: 0, maxBytes: bodiesInMemory * maxBodyBytes },
  };
  routes.start();
  closers.add(() => routes.close());
  try {
    const server = await serveHttp(createHandler(hookPorts, logOf(config, ports)), {
      host: config.host,
      port: config.port,
      onError: (error) => ports.log.error('request failed', { error }),
    });
    closers.add(() => server.close());
    return { url: server.url, close: () => closers.close() };
  } catch (error) {
    await closers.close();
    throw error;
  }
}

type DeliveryLog = (request: HttpRequest) => Promise<HttpResponse | undefined>;

function logOf({ logToken }: ReceiverConfig, { deliveries }: ReceiverPorts): DeliveryLog {
  return async (request) => (logToken ? answerDeliveryLog(request, deliveries, logToken) : undefined);
}

function createHandler(ports: HookPorts, log: DeliveryLog): HttpHandler {
  const metrics = createMetrics(ports);
  return async (request) => {
    const path = request.path.split('?')[0] ?? '';
    const route = /^\/hooks\/([A-Za-z0-9_-]{1,128})$/.exec(path)?.[1];
    if (route === undefined) return (await log(request)) ?? answerOther(request, path, ports, metrics.registry);
    if (request.method !== 'POST') return text(405, 'POST webhooks here\n', { allow: 'POST' });
    const stop = metrics.duration.startTimer();
    const response = await postHook(request, route, ports);
    stop();
    metrics.deliveries.inc({ status: String(response.status) });
    return response;
  };
}

async function answerOther(
  { method }: HttpRequest,
  path: string,
  ports: HookPorts,
  registry: Registry,
): Promise<HttpResponse> {
  if (method !== 'GET' && method !== 'HEAD') return text(404, 'not found\n');
  switch (path) {
    case '/healthz':
      return text(200, 'ok\n');
    case '/readyz':
      return ports.ready() ? text(200, 'ok\n') : text(503, 'the repositories of the cluster are being read\n');
    case '/metrics':
      return { status: 200, headers: { 'content-type': registry.contentType }, body: await registry.metrics() };
    default:
      return text(404, 'not found\n');
  }
}

function createMetrics({ load }: HookPorts): {
  readonly registry: Registry;
  readonly deliveries: Counter<'status'>;
  readonly duration: Histogram;
} {
  const registry = new Registry();
  const registers = [registry];
  new Gauge({
    name: 'sluice_webhook_bodies_bytes',
    help: 'Bytes reserved for bodies that are being read.',
    registers,
    collect() {
      this.set(load.bytes);
    },
  });
  return {
    registry,
    deliveries: new Counter({
      name: 'sluice_webhook_deliveries_total',
      help: 'Answered webhooks by status code.',
      labelNames: ['status'],
      registers,
    }),
    duration: new Histogram({
      name: 'sluice_webhook_duration_seconds',
      help: 'From the headers of a webhook to its answer.',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 10, 30],
      registers,
    }),
  };
}

function text(status: number, body: string, headers: Record<string, string> = {}): HttpResponse {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body };
}
