import { type ObjectKey, resources } from '@sluice/model';
import type { Log, Metrics } from '@sluice/runtime';
import { isKubeError, type KubeApi } from './kube-api.ts';
import { type Clock, fenceWrites, type Leadership, NotLeaderError, processClock } from './leadership.ts';
import { buildLease, type Lease, mayTake, microTime, type Observation, observe, takenSpec } from './lease-record.ts';

export type LeaderElectionOptions = {
  /** Unfenced: it writes the lease. */
  readonly kube: KubeApi;
  readonly lease: ObjectKey & { readonly namespace: string };
  /** Different for every process: the name of the pod and something random. */
  readonly identity: string;
  /** How long others wait for a silent holder. Default 15 s. */
  readonly leaseDurationMs?: number;
  /** How long after its last renewal the holder still acts. Default 10 s; it must be shorter than the lease. */
  readonly renewDeadlineMs?: number;
  /** Time between attempts. Default 2 s; candidates wait up to 1.2 times longer, at random. */
  readonly retryPeriodMs?: number;
  readonly log: Log;
  readonly metrics?: Metrics;
  readonly clock?: Clock;
  /** Wall clock: what people read in the lease, and how the holder notices that its machine slept. */
  readonly now?: () => number;
  readonly random?: () => number;
  /** Wait this long before taking a lease that somebody else could take. Default 0. See {@link createShardedElection}. */
  readonly yieldMs?: number;
  /** Told when the lease was lost, not when it was given back. A process that can be restarted should exit. */
  readonly onLost?: (reason: string) => void;
};

export type LeaderElection = Leadership & {
  /** Begin to stand for election. Once is enough. */
  start(): void;
  leading(): boolean;
  /** Resolves when this process leads; rejects when the signal fires first. */
  elected(signal?: AbortSignal): Promise<void>;
  /** Stop leading and give the lease back, so that the next one need not wait. */
  close(): Promise<void>;
};

const jitterFactor = 1.2;

type Moment = { readonly atMs: number; readonly wallMs: number };

/** Leader election by a Lease. Safe against pauses: every right to write ends by this process's own clock. */
export function createLeaderElection(options: LeaderElectionOptions): LeaderElection {
  return new LeaseElection(options);
}

class LeaseElection implements LeaderElection {
  readonly #options: LeaderElectionOptions;
  readonly #clock: Clock;
  readonly #leaseMs: number;
  readonly #deadlineMs: number;
  readonly #retryMs: number;
  readonly #name: string;
  readonly #stop = new AbortController();
  readonly #listeners = new Set<() => void>();
  #running: Promise<void> | undefined;
  #observation: Observation | undefined;
  #vacantSinceMs: number | undefined;
  /** Set while leading; its signal fires when the term ends. */
  #term: AbortController | undefined;
  /** When the last renewal that succeeded was sent, by the monotonic clock and by the wall's. */
  #renewed = { atMs: 0, wallMs: 0 };
  #cancelDeadline: () => void = () => {};

  constructor(options: LeaderElectionOptions) {
    this.#options = options;
    this.#clock = options.clock ?? processClock;
    this.#leaseMs = options.leaseDurationMs ?? 15_000;
    this.#deadlineMs = options.renewDeadlineMs ?? 10_000;
    this.#retryMs = options.retryPeriodMs ?? 2_000;
    this.#name = options.lease.name;
    if (!(this.#leaseMs > this.#deadlineMs && this.#deadlineMs > this.#retryMs * jitterFactor)) {
      throw new Error(`lease ${this.#name}: the lease must outlast the renew deadline, and that 1.2 retry periods`);
    }
  }

  start(): void {
    this.#running ??= this.#run();
  }

  leading(): boolean {
    if (!this.#term) return false;
    if (this.#sinceMs(this.#renewed) < this.#deadlineMs) return true;
    this.#lose('RenewDeadlinePassed');
    return false;
  }

  owns(): boolean {
    return this.leading();
  }

  term(): AbortSignal | undefined {
    return this.leading() ? this.#term?.signal : undefined;
  }

  onGained(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  fence(kube: KubeApi): KubeApi {
    return fenceWrites(kube, () => {
      const term = this.term();
      if (!term) throw new NotLeaderError(`lease ${this.#name} is not held: nothing is written`);
      return term;
    });
  }

  async elected(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.leading()) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = (): void => reject(signal?.reason as Error);
    const forget = this.onGained(resolve);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      await promise;
    } finally {
      forget();
      signal?.removeEventListener('abort', abort);
    }
  }

  async close(): Promise<void> {
    if (this.#stop.signal.aborted) return this.#running;
    const held = this.leading();
    this.#stop.abort();
    this.#endTerm();
    await this.#running;
    if (held) await this.#release();
  }

  async #run(): Promise<void> {
    const { random = Math.random } = this.#options;
    while (!this.#stop.signal.aborted) {
      try {
        await this.#attempt();
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        if (isKubeError(error, 'Conflict', 'AlreadyExists')) this.#options.log.debug('lease was written by another');
        else this.#options.log.warn('lease could not be renewed', { lease: this.#name, error });
      }
      const jitter = this.#term ? 1 : 1 + random() * jitterFactor;
      await this.#pause(this.#retryMs * jitter);
    }
  }

  async #attempt(): Promise<void> {
    const { kube, lease: key, identity } = this.#options;
    const sent = { atMs: this.#clock.now(), wallMs: this.#wallMs() };
    const limit = new AbortController();
    const cancel = this.#clock.timer(this.#deadlineMs / 2, () =>
      limit.abort(new Error('the lease request took too long')),
    );
    const abort = (): void => limit.abort(this.#stop.signal.reason);
    this.#stop.signal.addEventListener('abort', abort, { once: true });
    try {
      const lease = await kube.get<Lease>(resources.leases, key, limit.signal);
      if (this.#mustWait(lease)) return;
      const spec = takenSpec(lease, identity, this.#leaseMs, microTime(sent.wallMs));
      await this.#write(lease, spec, limit.signal);
      this.#noteRenewal(sent);
    } finally {
      cancel();
      this.#stop.signal.removeEventListener('abort', abort);
    }
  }

  /** True when somebody else holds the lease, or may take it first. */
  #mustWait(lease: Lease | undefined): boolean {
    const { identity, yieldMs = 0 } = this.#options;
    const nowMs = this.#clock.now();
    const held = lease?.spec?.holderIdentity === identity;
    if (this.#term && !held) this.#lose('HeldByAnother');
    if (lease) {
      this.#observation = observe(this.#observation, lease, nowMs);
      if (!mayTake(lease, identity, this.#observation, nowMs)) {
        this.#vacantSinceMs = undefined;
        return true;
      }
    }
    if (held) return false;
    this.#vacantSinceMs ??= nowMs;
    return nowMs - this.#vacantSinceMs < yieldMs;
  }

  async #write(lease: Lease | undefined, spec: Lease['spec'], signal: AbortSignal): Promise<void> {
    const { kube, lease: key } = this.#options;
    const options = { signal, fieldManager: 'leader-election' };
    if (!lease) {
      await kube.create(resources.leases, buildLease(key, spec ?? {}), options);
      return;
    }
    const { resourceVersion } = lease.metadata;
    const body = { metadata: { resourceVersion }, spec };
    await kube.patch(resources.leases, key, { type: 'merge', body }, options);
  }

  #noteRenewal(sent: Moment): void {
    if (this.#stop.signal.aborted) return;
    // Sent, not answered: the others count from a moment after this one.
    const leftMs = this.#deadlineMs - this.#sinceMs(sent);
    if (leftMs <= 0) return this.#lose('RenewDeadlinePassed');
    this.#renewed = sent;
    this.#vacantSinceMs = undefined;
    this.#cancelDeadline();
    this.#cancelDeadline = this.#clock.timer(leftMs, () => void this.leading());
    if (this.#term) return;
    this.#term = new AbortController();
    this.#options.metrics?.leader(this.#name, true);
    this.#options.log.info('lease acquired', { lease: this.#name, identity: this.#options.identity });
    for (const listener of this.#listeners) listener();
  }

  /**
   * The longer of what both clocks say: the monotonic one may stand still while a machine sleeps, and the other may be set. A
   * holder that believes that more time has passed than did only gives up early.
   */
  #sinceMs({ atMs, wallMs }: Moment): number {
    return Math.max(this.#clock.now() - atMs, this.#wallMs() - wallMs);
  }

  #wallMs(): number {
    return (this.#options.now ?? Date.now)();
  }

  #lose(reason: string): void {
    if (!this.#term) return;
    this.#endTerm();
    this.#options.log.error('lease lost', { lease: this.#name, identity: this.#options.identity, reason });
    this.#options.onLost?.(reason);
  }

  #endTerm(): void {
    this.#cancelDeadline();
    const term = this.#term;
    this.#term = undefined;
    if (!term) return;
    this.#options.metrics?.leader(this.#name, false);
    term.abort(new NotLeaderError(`lease ${this.#name} is no longer held`));
  }

  /** Leave the lease vacant. Only if it is still ours; a failure costs the next one a wait, nothing more. */
  async #release(): Promise<void> {
    const { kube, lease: key, identity, log } = this.#options;
    const limit = new AbortController();
    const cancel = this.#clock.timer(this.#deadlineMs / 2, () => limit.abort(new Error('the release took too long')));
    try {
      const lease = await kube.get<Lease>(resources.leases, key, limit.signal);
      if (lease?.spec?.holderIdentity !== identity) return;
      await this.#write(lease, { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1 }, limit.signal);
      log.info('lease released', { lease: this.#name, identity });
    } catch (error) {
      log.warn('lease not released', { lease: this.#name, error });
    } finally {
      cancel();
    }
  }

  #pause(delayMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#stop.signal.aborted) return Promise.resolve();
    const cancel = this.#clock.timer(delayMs, resolve);
    const stop = (): void => {
      cancel();
      resolve();
    };
    this.#stop.signal.addEventListener('abort', stop, { once: true });
    return promise.finally(() => this.#stop.signal.removeEventListener('abort', stop));
  }
}
