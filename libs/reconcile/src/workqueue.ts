import { exponentialDelayMs, maxTimerMs } from './backoff.ts';
import { FairKeys } from './fair-keys.ts';
import { TokenBucket } from './token-bucket.ts';

export type WorkqueueOptions = {
  /** Delay after the first failure of a key, 5 ms by default; doubled with each further one. */
  readonly baseDelayMs?: number;
  /** Cap of the delay, 1000 s by default. */
  readonly maxDelayMs?: number;
  /** Retries of all keys together: 10 a second after a burst of 100, by default. `false`: no such limit. */
  readonly retryRate?: { readonly perSecond: number; readonly burst: number } | false;
  /** Told what happens, for metrics. */
  readonly observer?: WorkqueueObserver;
};

/** What a queue tells about itself. Times are seconds. */
export type WorkqueueObserver = {
  added(): void;
  taken(waitedSeconds: number): void;
  finished(workedSeconds: number): void;
  retried(): void;
};

/** The state of a queue at one moment. */
export type WorkqueueState = {
  readonly waiting: number;
  readonly waitingLow: number;
  readonly active: number;
  readonly delayed: number;
  /** Sum of the times that keys have been worked on so far. */
  readonly unfinishedSeconds: number;
  /** Time that the key worked on longest has taken so far. */
  readonly longestRunningSeconds: number;
};

/** How urgent a key is. `low` is for initial lists and resyncs: served when nothing else waits, and every tenth time. */
export type WorkPriority = 'normal' | 'low';

const lowShare = 10;

/**
 * Keys to work on. A key waits at most once and is never handed out while it is being worked on; a key added meanwhile is
 * handed out again after `done`. Namespaces take turns within a priority; within a namespace first in, first out.
 */
export class Workqueue {
  readonly #baseDelayMs: number;
  readonly #maxDelayMs: number;
  readonly #retryRate: TokenBucket | undefined;
  readonly #observer: WorkqueueObserver | undefined;
  readonly #normal = new FairKeys();
  readonly #low = new FairKeys();
  /** Keys that were added while being worked on. */
  readonly #again = new Map<string, WorkPriority>();
  /** Since when a key is being worked on. */
  readonly #processing = new Map<string, number>();
  readonly #failures = new Map<string, number>();
  readonly #delayed = new Map<string, { readonly atMs: number; readonly timer: NodeJS.Timeout }>();
  readonly #takers: ((key: string | undefined) => void)[] = [];
  readonly #drained: (() => void)[] = [];
  #served = 0;
  #closed = false;

  constructor(options: WorkqueueOptions = {}) {
    this.#baseDelayMs = options.baseDelayMs ?? 5;
    this.#maxDelayMs = options.maxDelayMs ?? 1_000_000;
    const { retryRate = { perSecond: 10, burst: 100 } } = options;
    this.#retryRate = retryRate ? new TokenBucket(retryRate) : undefined;
    this.#observer = options.observer;
  }

  /** Counts and times, for metrics. */
  state(): WorkqueueState {
    const nowMs = performance.now();
    let sumMs = 0;
    let longestMs = 0;
    for (const sinceMs of this.#processing.values()) {
      sumMs += nowMs - sinceMs;
      longestMs = Math.max(longestMs, nowMs - sinceMs);
    }
    return {
      waiting: this.#normal.size,
      waitingLow: this.#low.size,
      active: this.#processing.size,
      delayed: this.#delayed.size,
      unfinishedSeconds: sumMs / 1_000,
      longestRunningSeconds: longestMs / 1_000,
    };
  }

  /** Keys that wait to be handed out now. */
  get depth(): number {
    return this.#normal.size + this.#low.size;
  }

  /** Keys that are being worked on. */
  get active(): number {
    return this.#processing.size;
  }

  /** Keys that wait for their time. */
  get delayed(): number {
    return this.#delayed.size;
  }

  add(key: string, priority: WorkPriority = 'normal'): void {
    if (this.#closed) return;
    if (this.#processing.has(key)) {
      if (this.#again.get(key) !== 'normal') this.#again.set(key, priority);
      return;
    }
    if (this.#normal.has(key)) return;
    const waitsLowSince = this.#low.since(key);
    if (priority === 'low' && waitsLowSince !== undefined) return;
    if (waitsLowSince === undefined) {
      (priority === 'low' ? this.#low : this.#normal).add(key, performance.now());
      this.#observer?.added();
    } else {
      this.#low.delete(key);
      this.#normal.add(key, waitsLowSince);
    }
    this.#serve();
  }

  /** Add later. Of several delays for one key the soonest counts. */
  addAfter(key: string, delayMs: number): void {
    if (this.#closed) return;
    if (!(delayMs > 0)) return this.add(key);
    const atMs = performance.now() + Math.min(delayMs, maxTimerMs);
    const before = this.#delayed.get(key);
    if (before && before.atMs <= atMs) return;
    if (before) clearTimeout(before.timer);
    const fire = (): void => {
      this.#delayed.delete(key);
      this.add(key);
    };
    this.#delayed.set(key, { atMs, timer: setTimeout(fire, Math.min(delayMs, maxTimerMs)) });
  }

  /** Count a failure of the key and add it after its backoff, or after `atLeastMs` where that is longer. */
  addRateLimited(key: string, atLeastMs = 0): void {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    this.#observer?.retried();
    const delayMs = exponentialDelayMs(failures, this.#baseDelayMs, this.#maxDelayMs);
    this.addAfter(key, Math.max(atLeastMs, delayMs, this.#retryRate?.reserve() ?? 0));
  }

  /** Forget the failures of a key: its next failure starts at the base delay. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** Failures of a key since it was last forgotten. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** The next key; undefined once the queue is closed. Every key handed out must be given back with {@link done}. */
  next(): Promise<string | undefined> {
    const key = this.#take();
    if (key !== undefined || this.#closed) return Promise.resolve(key);
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  /** Work on the key has ended. */
  done(key: string): void {
    const sinceMs = this.#processing.get(key);
    if (sinceMs === undefined) return;
    this.#processing.delete(key);
    this.#observer?.finished((performance.now() - sinceMs) / 1_000);
    const again = this.#again.get(key);
    this.#again.delete(key);
    if (again) this.add(key, again);
    if (this.#processing.size === 0) for (const resolve of this.#drained.splice(0)) resolve();
  }

  /** Take no more keys and hand none out; {@link drain} waits for those being worked on. */
  close(): void {
    this.#closed = true;
    for (const { timer } of this.#delayed.values()) clearTimeout(timer);
    this.#delayed.clear();
    this.#normal.clear();
    this.#low.clear();
    this.#again.clear();
    for (const resolve of this.#takers.splice(0)) resolve(undefined);
  }

  /** Resolves once no key is being worked on. */
  drain(): Promise<void> {
    if (this.#processing.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  #serve(): void {
    while (this.#takers.length > 0 && this.depth > 0) this.#takers.shift()?.(this.#take());
  }

  #take(): string | undefined {
    if (this.#closed) return undefined;
    const lowFirst = this.#served % lowShare === lowShare - 1;
    const [first, second] = lowFirst ? [this.#low, this.#normal] : [this.#normal, this.#low];
    const from = first.size > 0 ? first : second;
    const taken = from.take();
    if (!taken) return undefined;
    this.#served++;
    const nowMs = performance.now();
    this.#processing.set(taken.key, nowMs);
    this.#observer?.taken((nowMs - taken.sinceMs) / 1_000);
    return taken.key;
  }
}
