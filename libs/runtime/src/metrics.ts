import type * as Client from 'prom-client';
import type { Gauge, Histogram, Registry } from 'prom-client';

/** How a reconcile ended. */
export type ReconcileResultLabel = 'success' | 'requeue_after' | 'error' | 'terminal' | 'timeout';

/** State of a controller's queue when metrics are read. */
export type QueueReading = {
  readonly waiting: number;
  readonly waitingLow: number;
  readonly active: number;
  readonly unfinishedSeconds: number;
  readonly longestRunningSeconds: number;
};

/** What one controller and its queue report. Times are seconds. */
export type ControllerMetrics = {
  queueAdded(): void;
  queueTaken(waitedSeconds: number): void;
  queueFinished(workedSeconds: number): void;
  queueRetried(): void;
  reconciled(result: ReconcileResultLabel, seconds: number): void;
  /** A reconcile threw what only a mistake in the program throws. */
  panicked(): void;
  /** Stop reading this controller's queue. */
  close(): void;
};

/** Where the parts of the runtime report to. */
export type Metrics = {
  controller(name: string, maxConcurrent: number, read: () => QueueReading): ControllerMetrics;
  /** An answer of the API server; `code` is `<error>` when there was none. */
  request(request: { method: string; host: string; code: string; seconds: number }): void;
  leader(name: string, leading: boolean): void;
};

/** Metrics that can be read as Prometheus text. */
export type MetricsRegistry = Metrics & {
  readonly contentType: string;
  text(): Promise<string>;
  close(): void;
};

const reconcileBuckets = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 1.75, 2,
  2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
];
const queueBuckets = Array.from({ length: 12 }, (_, power) => Number((1e-8 * 10 ** power).toPrecision(3)));
const requestBuckets = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];

/**
 * Metrics under the names of Go's controller-runtime and client-go, so that existing dashboards work, besides the delay
 * of the event loop (`nodejs_eventloop_lag_*`) and the usual figures of the process. The library is loaded here and not before.
 */
export async function createMetrics(): Promise<MetricsRegistry> {
  const client = await import('prom-client');
  const registry = new client.Registry();
  client.collectDefaultMetrics({ register: registry });
  const families = defineFamilies(client, registry);
  const readers = new Map<string, () => QueueReading>();
  families.watchQueues(readers);
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    close: () => registry.clear(),
    controller: (name, maxConcurrent, read) => controllerMetrics(families, readers, { name, maxConcurrent, read }),
    request({ method, host, code, seconds }) {
      families.requests.inc({ method, host, code });
      families.requestSeconds.observe({ verb: method, host }, seconds);
    },
    leader: (name, leading) => families.leader.set({ name }, leading ? 1 : 0),
  };
}

type Families = ReturnType<typeof defineFamilies>;

function defineFamilies(client: typeof Client, registry: Registry) {
  const registers = [registry];
  const queue = ['name', 'controller'];
  const counter = (name: string, help: string, labelNames: string[]) =>
    new client.Counter({ name, help, labelNames, registers });
  const gauge = (name: string, help: string, labelNames: string[]) =>
    new client.Gauge({ name, help, labelNames, registers });
  const histogram = (name: string, help: string, labelNames: string[], buckets: number[]) =>
    new client.Histogram({ name, help, labelNames, buckets, registers });
  const controller = ['controller'];
  const prefix = 'controller_runtime_';
  const depth = gauge('workqueue_depth', 'Keys that wait', [...queue, 'priority']);
  const active = gauge(`${prefix}active_workers`, 'Keys that are being worked on', controller);
  const unfinished = gauge('workqueue_unfinished_work_seconds', 'Time spent so far on keys in work', queue);
  const longest = gauge('workqueue_longest_running_processor_seconds', 'Longest time spent so far on one key', queue);
  return {
    reconciles: counter(`${prefix}reconcile_total`, 'Reconciles by result', ['controller', 'result']),
    errors: counter(`${prefix}reconcile_errors_total`, 'Reconciles that failed', controller),
    terminal: counter(`${prefix}terminal_reconcile_errors_total`, 'Reconciles that failed for good', controller),
    panics: counter(`${prefix}reconcile_panics_total`, 'Reconciles that threw a mistake of the program', controller),
    timeouts: counter(`${prefix}reconcile_timeouts_total`, 'Reconciles past their time', controller),
    seconds: histogram(`${prefix}reconcile_time_seconds`, 'Time of a reconcile', controller, reconcileBuckets),
    maxConcurrent: gauge(`${prefix}max_concurrent_reconciles`, 'Keys worked on at most at a time', controller),
    adds: counter('workqueue_adds_total', 'Keys added', queue),
    waited: histogram('workqueue_queue_duration_seconds', 'Time a key waited', queue, queueBuckets),
    worked: histogram('workqueue_work_duration_seconds', 'Time a key was worked on', queue, queueBuckets),
    retries: counter('workqueue_retries_total', 'Keys added again after a failure', queue),
    requests: counter('rest_client_requests_total', 'Requests by answer', ['code', 'host', 'method']),
    requestSeconds: histogram(
      'rest_client_request_duration_seconds',
      'Time until the head of an answer',
      ['verb', 'host'],
      requestBuckets,
    ),
    leader: gauge('leader_election_master_status', '1 while this process holds the lease', ['name']),
    watchQueues(readers: ReadonlyMap<string, () => QueueReading>) {
      collectWith(depth, () => {
        for (const [name, read] of readers) writeReading({ depth, active, unfinished, longest }, name, read());
      });
    },
  };
}

type QueueGauges = Readonly<Record<'depth' | 'active' | 'unfinished' | 'longest', Gauge>>;

function writeReading(gauges: QueueGauges, name: string, reading: QueueReading): void {
  const labels = { name, controller: name };
  gauges.depth.set({ ...labels, priority: '0' }, reading.waiting);
  gauges.depth.set({ ...labels, priority: '-100' }, reading.waitingLow);
  gauges.active.set({ controller: name }, reading.active);
  gauges.unfinished.set(labels, reading.unfinishedSeconds);
  gauges.longest.set(labels, reading.longestRunningSeconds);
}

/** prom-client calls a metric's `collect` when the text is read; the constructor is the only other place to set it. */
function collectWith(metric: Gauge | Histogram, collect: () => void): void {
  Object.assign(metric, { collect });
}

type ControllerFacts = { readonly name: string; readonly maxConcurrent: number; readonly read: () => QueueReading };

function controllerMetrics(
  families: Families,
  readers: Map<string, () => QueueReading>,
  { name, maxConcurrent, read }: ControllerFacts,
): ControllerMetrics {
  const controller = { controller: name };
  const queue = { name, controller: name };
  readers.set(name, read);
  families.maxConcurrent.set(controller, maxConcurrent);
  for (const result of ['success', 'requeue_after', 'requeue', 'error']) {
    families.reconciles.inc({ ...controller, result }, 0);
  }
  for (const zero of [families.errors, families.terminal, families.panics, families.timeouts]) zero.inc(controller, 0);
  families.retries.inc(queue, 0);
  return {
    queueAdded: () => families.adds.inc(queue),
    queueTaken: (seconds) => families.waited.observe(queue, seconds),
    queueFinished: (seconds) => families.worked.observe(queue, seconds),
    queueRetried: () => families.retries.inc(queue),
    reconciled(result, seconds) {
      const failed = result === 'error' || result === 'terminal' || result === 'timeout';
      families.reconciles.inc({ ...controller, result: failed ? 'error' : result });
      families.seconds.observe(controller, seconds);
      if (failed) families.errors.inc(controller);
      if (result === 'terminal') families.terminal.inc(controller);
      if (result === 'timeout') families.timeouts.inc(controller);
    },
    panicked: () => families.panics.inc(controller),
    close: () => void readers.delete(name),
  };
}
