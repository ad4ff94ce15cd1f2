import { formatProblems, type Result, TerminalError } from '@sluice/model';
import { type IdRecord, type JobRecord, JobRecords } from './job-records.ts';
import type { KeyValueStore } from './key-value-store.ts';
import { Lanes } from './lanes.ts';
import {
  type AddOptions,
  type AddOutcome,
  backoffDelayMs,
  checkJobId,
  type DeadLetter,
  defaultAttempts,
  defaultBackoffMs,
  defaultDrainMs,
  errorText,
  type Handler,
  type JobEntry,
  type JobStatus,
  maxDeadLetters,
  maxListed,
  type Queue,
  type QueueWorker,
  type WorkOptions,
} from './queue.ts';

const maxTimerMs = 2_147_483_647;
const sweepEveryMs = 3_600_000;
const commitRetryMs = 1_000;

export type EmbeddedQueueOptions<T> = {
  readonly name: string;
  readonly store: KeyValueStore;
  readonly now: () => number;
  readonly parse: (data: unknown) => Result<T>;
  /** Told when the end of a job could not be stored; it is tried again until it can. */
  readonly onError: (error: unknown) => void;
};

/** One queue over a key-value store. What waits is in memory too; the store is the truth. */
export class EmbeddedQueue<T> implements Queue<T> {
  readonly #options: EmbeddedQueueOptions<T>;
  readonly #records: JobRecords;
  readonly #lanes = new Lanes();
  readonly #adding = new Map<string, Promise<void>>();
  readonly #addingAliases = new Map<string, string>();
  readonly #active = new Map<string, JobRecord>();
  readonly #running = new Set<Promise<void>>();
  readonly #abort = new AbortController();
  #worker: { readonly handler: Handler<T>; readonly options: WorkOptions } | undefined;
  #nextSeq: number;
  #timer: NodeJS.Timeout | undefined;
  readonly #sweeper: NodeJS.Timeout;
  #closed = false;

  constructor(options: EmbeddedQueueOptions<T>) {
    this.#options = options;
    this.#records = new JobRecords(options.store, options.name);
    this.#nextSeq = this.#records.nextSeq();
    for (const job of this.#records.pending()) this.#lanes.add(job);
    this.#sweeper = setInterval(() => void this.#sweep(), sweepEveryMs).unref();
    void this.#sweep();
  }

  async add(job: T, { id, key, alias, delayMs = 0 }: AddOptions): Promise<AddOutcome> {
    checkJobId('id', id);
    if (key !== undefined) checkJobId('key', key);
    if (alias !== undefined) checkJobId('alias', alias);
    if (this.#closed) throw new Error(`queue ${this.#options.name} is closed`);
    for (let before = this.#adding.get(id); before; before = this.#adding.get(id)) await before.catch(() => {});
    if (this.#records.byId(id)) return 'duplicate';
    if (alias !== undefined && this.#aliasTaken(alias, id)) return 'conflict';
    const notBeforeMs = delayMs > 0 ? this.#options.now() + delayMs : 0;
    const names = { ...(key && { key }), ...(alias && { alias }) };
    const record: JobRecord = { id, seq: this.#nextSeq++, ...names, data: job, failed: 0, notBeforeMs };
    const committed = this.#records.add(record);
    this.#adding.set(id, committed);
    if (alias !== undefined) this.#addingAliases.set(alias, id);
    try {
      await committed;
    } finally {
      this.#adding.delete(id);
      if (alias !== undefined) this.#addingAliases.delete(alias);
    }
    this.#lanes.add(record);
    this.#dispatch();
    return 'added';
  }

  work(handler: Handler<T>, options: WorkOptions): QueueWorker {
    if (this.#worker) throw new Error(`queue ${this.#options.name} has a worker already`);
    this.#worker = { handler, options };
    this.#dispatch();
    return { close: () => this.#stopWork() };
  }

  async deadLetters(): Promise<readonly DeadLetter<T>[]> {
    return Array.from(this.#records.dead(maxDeadLetters)).flatMap(([id, record]) =>
      record.state === 'dead' ? [this.#toDeadLetter(id, record)] : [],
    );
  }

  async replay(id: string): Promise<boolean> {
    const ended = this.#records.byId(id);
    if (ended === undefined || ended.state === 'pending' || ended.data === undefined) return false;
    if (this.#adding.has(id) || this.#active.has(id)) return false;
    const { key, alias, data } = ended;
    const names = { ...(key && { key }), ...(alias && { alias }) };
    const record: JobRecord = { id, seq: this.#nextSeq++, ...names, data, failed: 0, notBeforeMs: 0 };
    const committed = this.#records.revive(record);
    this.#adding.set(id, committed);
    try {
      await committed;
    } finally {
      this.#adding.delete(id);
    }
    this.#lanes.add(record);
    this.#dispatch();
    return true;
  }

  async get(id: string): Promise<JobStatus | undefined> {
    const active = this.#active.get(id);
    if (active) return { id, state: 'active', attempts: active.failed + 1 };
    const record = this.#records.byId(id);
    if (!record) return undefined;
    if (record.state !== 'pending') return { id, state: record.state, attempts: record.attempts };
    return { id, state: 'waiting', attempts: this.#records.job(record.seq)?.failed ?? 0 };
  }

  async list(limit: number): Promise<readonly JobEntry<T>[]> {
    const most = Math.min(limit, maxListed);
    const waiting = this.#records.newestPending(most).map(({ id }) => id);
    const dead = this.#records.newestEnded('dead', most);
    const done = this.#records.newestEnded('done', most);
    const ids = [...new Set([...waiting, ...dead, ...done])];
    const entries = await Promise.all(ids.map((id) => this.show(id)));
    return entries.filter((entry) => entry !== undefined);
  }

  async show(id: string): Promise<JobEntry<T> | undefined> {
    const status = await this.get(id);
    const record = this.#records.byId(id);
    if (!status || !record) return undefined;
    const data = record.state === 'pending' ? this.#records.job(record.seq)?.data : record.data;
    const parsed = data === undefined ? undefined : this.#options.parse(data);
    return {
      ...status,
      ...(parsed?.ok && { job: parsed.value }),
      ...(record.state === 'dead' && { error: record.error }),
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#sweeper);
    await this.#stopWork();
    await Promise.allSettled(this.#adding.values());
  }

  /** For tests: stop as a killed process does, without storing anything more. */
  kill(): void {
    this.#closed = true;
    this.#worker = undefined;
    clearTimeout(this.#timer);
    clearInterval(this.#sweeper);
    this.#abort.abort();
  }

  async #stopWork(): Promise<void> {
    const drainMs = this.#worker?.options.drainMs ?? defaultDrainMs;
    this.#worker = undefined;
    clearTimeout(this.#timer);
    if (this.#abort.signal.aborted) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, drainMs)));
    await Promise.race([Promise.all(this.#running), late]);
    clearTimeout(timer);
    this.#abort.abort();
  }

  #aliasTaken(alias: string, id: string): boolean {
    const holder = this.#addingAliases.get(alias) ?? this.#records.byAlias(alias);
    return holder !== undefined && holder !== id;
  }

  #dispatch(): void {
    const worker = this.#worker;
    if (!worker) return;
    clearTimeout(this.#timer);
    const nowMs = this.#options.now();
    while (this.#active.size < worker.options.concurrency) {
      const job = this.#lanes.take(nowMs);
      if (!job) break;
      this.#active.set(job.id, job);
      const run = this.#run(job, worker.handler, worker.options).finally(() => this.#running.delete(run));
      this.#running.add(run);
    }
    const dueMs = this.#active.size < worker.options.concurrency ? this.#lanes.nextDueMs() : undefined;
    if (dueMs === undefined) return;
    const delayMs = Math.min(Math.max(0, dueMs - nowMs), maxTimerMs);
    this.#timer = setTimeout(() => this.#dispatch(), delayMs);
  }

  async #run(job: JobRecord, handler: Handler<T>, options: WorkOptions): Promise<void> {
    const { attempts = defaultAttempts, backoffMs = defaultBackoffMs } = options;
    const attempt = job.failed + 1;
    const { signal } = this.#abort;
    let again: JobRecord | undefined;
    try {
      const parsed = this.#options.parse(job.data);
      if (!parsed.ok) throw new TerminalError('UnreadableJob', formatProblems(parsed.problems));
      await handler(parsed.value, { id: job.id, attempt, signal });
      if (!signal.aborted) await this.#store(() => this.#records.done(job, this.#options.now()));
    } catch (error) {
      if (signal.aborted) return;
      const failed: JobRecord = { ...job, failed: attempt };
      if (error instanceof TerminalError || attempt >= attempts) {
        await this.#store(() => this.#records.bury(failed, errorText(error), this.#options.now()));
      } else {
        again = { ...failed, notBeforeMs: this.#options.now() + backoffDelayMs(attempt, backoffMs) };
        const retry = again;
        await this.#store(() => this.#records.retry(retry));
      }
    }
    this.#active.delete(job.id);
    this.#lanes.release(job, again);
    this.#dispatch();
  }

  /** The work is done: storing that must succeed sooner or later, a full disk or not. */
  async #store(commit: () => Promise<void>): Promise<void> {
    while (!this.#abort.signal.aborted) {
      try {
        return await commit();
      } catch (error) {
        this.#options.onError(error);
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, commitRetryMs);
          this.#abort.signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
        });
      }
    }
  }

  async #sweep(): Promise<void> {
    try {
      while (!this.#closed && (await this.#records.sweep(this.#options.now())));
    } catch (error) {
      this.#options.onError(error);
    }
  }

  #toDeadLetter(id: string, record: Extract<IdRecord, { state: 'dead' }>): DeadLetter<T> {
    const parsed = this.#options.parse(record.data);
    const { data, attempts, error, failedAtMs } = record;
    const failedAt = new Date(failedAtMs).toISOString();
    return { id, ...(parsed.ok && { job: parsed.value }), data, attempts, error, failedAt };
  }
}
