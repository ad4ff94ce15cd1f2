import type { KubeObject, ObjectKey } from '@sluice/model';
import { keyOf, keyText, parseKey, TerminalError } from '@sluice/model';
import { type ControllerMetrics, type Log, noTracer, type Reporting, reportingOf, type Tracer } from '@sluice/runtime';
import type { Reconcile, WatchSource } from './controller.ts';
import type { Informer } from './informer.ts';
import { createInformerSet, type InformerSet } from './informer-set.ts';
import { isKubeError, KubeApiError, type KubeApi } from './kube-api.ts';
import { type Leadership, NotLeaderError } from './leadership.ts';
import type { CacheEvent } from './object-cache.ts';
import { pause } from './backoff.ts';
import { isProgramMistake, type ReconcileEnd, ReconcileRuns } from './run-reconcile.ts';
import { Workqueue, type WorkqueueOptions } from './workqueue.ts';

/** How a reconcile ended; for metrics. */
export type ReconcileOutcome = {
  readonly controller: string;
  readonly key: string;
  readonly result: 'done' | 'requeue' | 'error' | 'terminal' | 'timeout';
  readonly durationMs: number;
};

/** `metrics` and `tracer`: those of `informers` by default. */
export type ControllerOptions = Reporting & {
  /** Names the controller in logs and metrics. */
  readonly name: string;
  /** Shared informers. Give these or `kube`; with `kube` the controller has informers of its own. */
  readonly informers?: InformerSet;
  readonly kube?: KubeApi;
  readonly watches: readonly WatchSource[];
  readonly reconcile: Reconcile;
  /** Keys worked on at a time. Default 4. One key is never worked on twice at once. */
  readonly concurrency?: number;
  /** Its signal fires after this time. Default 120 s. The key stays busy until the reconcile has really ended. */
  readonly timeoutMs?: number;
  readonly baseBackoffMs?: number;
  readonly maxBackoffMs?: number;
  /** Retries of all keys together: 10 a second after a burst of 100, by default. */
  readonly retryRate?: WorkqueueOptions['retryRate'];
  /** Look at every cached object again this often, at low priority. Default: never, for watches do not lose events. */
  readonly resyncMs?: number;
  /** Work only on keys that this process owns. Caches are filled meanwhile, so that taking over is immediate. */
  readonly leadership?: Leadership;
  /** How long `close` waits for reconciles that are under way. Default 10 s. */
  readonly drainMs?: number;
  readonly log: Log;
  /** Called after each reconcile. */
  readonly onOutcome?: (outcome: ReconcileOutcome) => void;
};

export type Controller = {
  /** Start informers, wait until they have synced, start working. Rejects when the signal fires before that. */
  start(signal?: AbortSignal): Promise<void>;
  /** Have a key looked at, now or after a delay. */
  enqueue(key: ObjectKey, delayMs?: number): void;
  /** Keys waiting and keys being worked on. */
  pending(): { readonly waiting: number; readonly active: number; readonly delayed: number };
  /** Take no more work, abort what is under way after `drainMs`, stop own informers. */
  close(): Promise<void>;
};

/**
 * Least wait after an answer that says that the cache is older than the server. What the cache lacks comes by the watch,
 * and its coming has the key looked at at once: to ask again before that is to be refused again.
 */
const staleRetryMs = 500;

/** Runs a reconciler over keys: level-based, deduplicated, retried with backoff, never the same key twice at once. */
export function createController(options: ControllerOptions): Controller {
  return new WatchingController(options);
}

class WatchingController implements Controller {
  readonly #options: ControllerOptions;
  readonly #informers: InformerSet;
  readonly #ownsInformers: boolean;
  readonly #queue: Workqueue;
  readonly #log: Log;
  readonly #stop = new AbortController();
  readonly #unsubscribe: (() => void)[] = [];
  readonly #workers: Promise<void>[] = [];
  readonly #sources: { readonly informer: Informer; readonly keysOf: (object: KubeObject) => readonly ObjectKey[] }[] =
    [];
  readonly #runs: ReconcileRuns;
  readonly #tracer: Tracer;
  readonly #metrics: ControllerMetrics | undefined;

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#log = options.log.with({ controller: options.name });
    if (!options.informers && !options.kube) throw new Error(`controller ${options.name}: give informers or kube`);
    this.#ownsInformers = !options.informers;
    this.#informers = options.informers ?? createInformerSet(options.kube as KubeApi, { log: this.#log });
    this.#runs = new ReconcileRuns(options.timeoutMs ?? 120_000);
    const { metrics: registry, tracer = noTracer } = { ...this.#informers.reporting, ...reportingOf(options) };
    this.#tracer = tracer;
    const metrics = registry?.controller(options.name, this.#concurrency(), () => this.#queue.state());
    this.#metrics = metrics;
    this.#queue = new Workqueue({
      ...(options.retryRate !== undefined && { retryRate: options.retryRate }),
      ...(metrics && { observer: observerOf(metrics) }),
      ...(options.baseBackoffMs !== undefined && { baseDelayMs: options.baseBackoffMs }),
      ...(options.maxBackoffMs !== undefined && { maxDelayMs: options.maxBackoffMs }),
    });
  }

  async start(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const informers = this.#options.watches.map((watch) => this.#subscribe(watch));
    for (const informer of informers) informer.start();
    const until = signal ? AbortSignal.any([signal, this.#stop.signal]) : this.#stop.signal;
    await Promise.all(informers.map((informer) => informer.synced(until)));
    for (let worker = 0; worker < this.#concurrency(); worker++) this.#workers.push(this.#work());
    const { leadership, resyncMs } = this.#options;
    if (leadership) this.#unsubscribe.push(leadership.onGained(() => this.#enqueueAll()));
    if (resyncMs !== undefined) {
      const timer = setInterval(() => this.#enqueueAll(), resyncMs);
      this.#unsubscribe.push(() => clearInterval(timer));
    }
    signal?.addEventListener('abort', () => void this.close(), { once: true });
  }

  enqueue(key: ObjectKey, delayMs = 0): void {
    this.#queue.addAfter(keyText(key), delayMs);
  }

  pending(): { waiting: number; active: number; delayed: number } {
    return { waiting: this.#queue.depth, active: this.#queue.active, delayed: this.#queue.delayed };
  }

  async close(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    this.#queue.close();
    this.#metrics?.close();
    if (this.#ownsInformers) await this.#informers.close();
    const late = new AbortController();
    await Promise.race([this.#queue.drain(), pause(this.#options.drainMs ?? 10_000, late.signal)]);
    late.abort();
    this.#stop.abort();
    this.#runs.abort(new Error(`controller ${this.#options.name} is closing`));
    if (this.#queue.active === 0) await Promise.all(this.#workers);
    else this.#log.warn('reconciles did not end in time', { active: this.#queue.active });
  }

  #concurrency(): number {
    return this.#options.concurrency ?? 4;
  }

  /** Have every object looked at, when nothing more urgent waits. */
  #enqueueAll(): void {
    for (const { informer, keysOf } of this.#sources) {
      for (const object of informer.list()) for (const key of keysOf(object)) this.#queue.add(keyText(key), 'low');
    }
  }

  #subscribe(watch: WatchSource): Informer {
    const { resource, keysOf = (object: KubeObject) => [keyOf(object)] } = watch;
    const informer = this.#informers.informer(resource, {
      ...(watch.namespace !== undefined && { namespace: watch.namespace }),
      ...(watch.labelSelector !== undefined && { labelSelector: watch.labelSelector }),
      ...(watch.fieldSelector !== undefined && { fieldSelector: watch.fieldSelector }),
      ...(watch.metadataOnly && { metadataOnly: true }),
    });
    const listener = (event: CacheEvent): void => {
      const priority = event.type === 'added' && event.initial ? 'low' : 'normal';
      const keys = new Set(keysOf(event.object).map(keyText));
      if (event.type === 'updated') for (const key of keysOf(event.previous)) keys.add(keyText(key));
      for (const key of keys) this.#queue.add(key, priority);
    };
    this.#unsubscribe.push(informer.subscribe(listener, { keysOnly: true }));
    this.#sources.push({ informer, keysOf });
    return informer;
  }

  async #work(): Promise<void> {
    for (let key = await this.#queue.next(); key !== undefined; key = await this.#queue.next()) {
      try {
        await this.#reconcile(key);
      } finally {
        this.#queue.done(key);
      }
    }
  }

  async #reconcile(key: string): Promise<void> {
    const { leadership, name, reconcile } = this.#options;
    const term = leadership?.term(key);
    // Not ours: whoever owns the key has it in its own queue, and all keys come back when this process gains it.
    if (leadership && !term) return this.#queue.forget(key);
    const startedMs = performance.now();
    const end = await this.#tracer.span('reconcile', { controller: name, key }, () =>
      this.#runs.run(reconcile, key, term),
    );
    const result = this.#settle(key, end);
    const durationMs = performance.now() - startedMs;
    const label = result === 'done' ? 'success' : result === 'requeue' ? 'requeue_after' : result;
    this.#metrics?.reconciled(label, durationMs / 1_000);
    this.#report({ controller: name, key, result, durationMs });
  }

  /** Decide when the key is looked at again. */
  #settle(key: string, end: ReconcileEnd): ReconcileOutcome['result'] {
    if (end.kind === 'failed') return this.#failed(key, end.error, end.result);
    this.#queue.forget(key);
    const requeueAfterMs = end.result?.requeueAfterMs;
    if (requeueAfterMs === undefined) return 'done';
    this.#queue.addAfter(key, requeueAfterMs);
    return 'requeue';
  }

  #failed(key: string, error: unknown, result: 'error' | 'terminal' | 'timeout'): ReconcileOutcome['result'] {
    const { namespace, name } = parseKey(key);
    const facts = { namespace, name, error, failures: this.#queue.failures(key) + 1 };
    if (isProgramMistake(error)) this.#metrics?.panicked();
    if (error instanceof TerminalError) {
      this.#queue.forget(key);
      this.#log.error('reconcile refused', { ...facts, reason: error.reason });
      return result;
    }
    if (this.#stop.signal.aborted) return result;
    if (error instanceof NotLeaderError || (this.#options.leadership && !this.#options.leadership.owns(key))) {
      this.#queue.forget(key);
      this.#log.debug('reconcile broken off: the lease was lost', facts);
      return result;
    }
    const retryAfterMs = error instanceof KubeApiError ? error.retryAfterMs : undefined;
    const staleMs = isKubeError(error, 'Conflict', 'AlreadyExists', 'NotFound') ? staleRetryMs : 0;
    this.#queue.addRateLimited(key, Math.max(retryAfterMs ?? 0, staleMs));
    const conflict = isKubeError(error, 'Conflict');
    this.#log[conflict ? 'debug' : 'warn'](result === 'timeout' ? 'reconcile timed out' : 'reconcile failed', facts);
    return result;
  }

  #report(outcome: ReconcileOutcome): void {
    try {
      this.#options.onOutcome?.(outcome);
    } catch (error) {
      this.#log.error('outcome listener failed', { error });
    }
  }
}

function observerOf(metrics: ControllerMetrics): NonNullable<WorkqueueOptions['observer']> {
  return {
    added: () => metrics.queueAdded(),
    taken: (seconds) => metrics.queueTaken(seconds),
    finished: (seconds) => metrics.queueFinished(seconds),
    retried: () => metrics.queueRetried(),
  };
}
