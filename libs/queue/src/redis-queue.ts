import { randomUUID } from 'node:crypto';
import { formatProblems, type Result, TerminalError } from '@sluice/model';
import { DelayedError, type Job, Queue as BullQueue, UnrecoverableError, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
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
  rememberDoneMs,
  type WorkOptions,
} from './queue.ts';
import { RedisOrder } from './redis-order.ts';

/** How BullMQ stores a job. `nonce` tells whose add made it; `tries` are the failures under the present lifetime. */
type Envelope = { readonly nonce: string; readonly key?: string; readonly data: unknown; readonly tries?: number };

export type RedisQueueOptions<T> = {
  readonly name: string;
  readonly prefix: string;
  readonly redis: Redis;
  /** Connection for a worker, which blocks on it. */
  readonly connect: () => Redis;
  readonly parse: (data: unknown) => Result<T>;
  /** Time after which a job whose worker has died may be run by another. */
  readonly lockMs: number;
  readonly onError: (error: unknown) => void;
};

/** A worker that dies is no fault of the job. Attempts that failed are counted by us. */
const maxStalledCount = 1_000_000;
/** A job that is not the first of its key looks again after this time, if nobody wakes it before. */
const turnMs = 1_000;
/** An id that has a place but no job: its add died in between. */
const orphanMs = 30_000;

/** One queue over BullMQ. */
export class RedisQueue<T> implements Queue<T> {
  readonly #options: RedisQueueOptions<T>;
  readonly #queue: BullQueue<Envelope>;
  readonly #order: RedisOrder;
  readonly #orphans = new Map<string, number>();
  readonly #abort = new AbortController();
  #worker: { readonly worker: Worker<Envelope>; readonly connection: Redis; readonly drainMs: number } | undefined;

  constructor(options: RedisQueueOptions<T>) {
    this.#options = options;
    const { name, prefix, redis } = options;
    this.#queue = new BullQueue<Envelope>(name, { connection: redis, prefix });
    this.#queue.on('error', options.onError);
    this.#order = new RedisOrder(redis, `${prefix}:${name}`);
  }

  async add(job: T, { id, key, alias, delayMs = 0 }: AddOptions): Promise<AddOutcome> {
    checkJobId('id', id);
    if (key !== undefined) checkJobId('key', key);
    if (alias !== undefined) checkJobId('alias', alias);
    const jobId = toJobId(id);
    if (await this.#queue.getJob(jobId)) return 'duplicate';
    if (alias !== undefined && !(await this.#takeAlias(alias, id))) return 'conflict';
    // A delayed job takes its place when it comes to its turn: later jobs of the key do not wait for it.
    if (key !== undefined && delayMs <= 0) await this.#order.enter(key, jobId);
    const envelope: Envelope = { nonce: randomUUID(), data: job, ...(key !== undefined && { key }) };
    await this.#queue.add('job', envelope, {
      jobId,
      delay: Math.max(0, delayMs),
      removeOnComplete: { age: rememberDoneMs / 1_000 },
      removeOnFail: false,
    });
    const stored = await this.#queue.getJob(jobId);
    return stored && stored.data.nonce !== envelope.nonce ? 'duplicate' : 'added';
  }

  /** An alias is taken before its job is made: an add that died in between may take it again, as it has the same id. */
  async #takeAlias(alias: string, id: string): Promise<boolean> {
    const { redis, prefix, name } = this.#options;
    const key = `${prefix}:${name}:alias:${alias}`;
    const taken = await redis.set(key, id, 'PX', rememberDoneMs, 'NX');
    return taken === 'OK' || (await redis.get(key)) === id;
  }

  work(handler: Handler<T>, options: WorkOptions): QueueWorker {
    if (this.#worker) throw new Error(`queue ${this.#options.name} has a worker already`);
    const { name, prefix, lockMs } = this.#options;
    const { concurrency, drainMs = defaultDrainMs } = options;
    const connection = this.#options.connect();
    const worker = new Worker<Envelope>(name, (job, token) => this.#run(job, token, handler, options), {
      connection,
      prefix,
      concurrency,
      lockDuration: lockMs,
      stalledInterval: lockMs,
      maxStalledCount,
    });
    worker.on('error', this.#options.onError);
    this.#worker = { worker, connection, drainMs };
    return { close: () => this.#stopWork() };
  }

  async deadLetters(): Promise<readonly DeadLetter<T>[]> {
    const jobs = await this.#queue.getFailed(0, maxDeadLetters - 1);
    jobs.sort((a, b) => (a.finishedOn ?? 0) - (b.finishedOn ?? 0));
    return jobs.map((job) => {
      const parsed = this.#options.parse(job.data.data);
      return {
        id: fromJobId(job.id),
        ...(parsed.ok && { job: parsed.value }),
        data: job.data.data,
        attempts: (job.data.tries ?? 0) + 1,
        error: job.failedReason,
        failedAt: new Date(job.finishedOn ?? 0).toISOString(),
      };
    });
  }

  async replay(id: string): Promise<boolean> {
    const job = await this.#queue.getJob(toJobId(id));
    const state = job && (await job.getState());
    if (!job || (state !== 'failed' && state !== 'completed')) return false;
    const { key } = job.data;
    if (key !== undefined) await this.#order.enter(key, toJobId(id));
    await job.updateData({ ...job.data, tries: 0 });
    await job.retry(state);
    return true;
  }

  async list(limit: number): Promise<readonly JobEntry<T>[]> {
    const last = Math.min(limit, maxListed) - 1;
    const waiting = await this.#queue.getJobs(['active', 'waiting', 'delayed', 'prioritized'], 0, last, false);
    const ended = [await this.#queue.getFailed(0, last), await this.#queue.getCompleted(0, last)];
    const entries = await Promise.all([...waiting, ...ended.flat()].map((job) => this.show(fromJobId(job.id))));
    return entries.filter((entry) => entry !== undefined);
  }

  async show(id: string): Promise<JobEntry<T> | undefined> {
    const [status, job] = [await this.get(id), await this.#queue.getJob(toJobId(id))];
    if (!status || !job) return undefined;
    const parsed = this.#options.parse(job.data.data);
    const error = status.state === 'dead' ? { error: job.failedReason } : {};
    return { ...status, ...(parsed.ok && { job: parsed.value }), ...error };
  }

  async get(id: string): Promise<JobStatus | undefined> {
    const job = await this.#queue.getJob(toJobId(id));
    if (!job) return undefined;
    const state = await job.getState();
    const tries = job.data.tries ?? 0;
    if (state === 'completed') return { id, state: 'done', attempts: tries + 1 };
    if (state === 'failed') return { id, state: 'dead', attempts: tries + 1 };
    if (state === 'active') return { id, state: 'active', attempts: tries + 1 };
    return state === 'unknown' ? undefined : { id, state: 'waiting', attempts: tries };
  }

  async close(): Promise<void> {
    await this.#stopWork();
    await this.#queue.close();
  }

  /** For tests: lose the connections as a killed process does. */
  kill(): void {
    this.#abort.abort();
    this.#worker?.connection.disconnect();
    this.#worker?.worker.close(true).catch(this.#options.onError);
  }

  async #stopWork(): Promise<void> {
    const running = this.#worker;
    if (!running) return;
    this.#worker = undefined;
    const timer = setTimeout(() => {
      this.#abort.abort();
      running.worker.close(true).catch(this.#options.onError);
    }, running.drainMs);
    await running.worker.close();
    clearTimeout(timer);
    this.#abort.abort();
    running.connection.disconnect();
  }

  async #run(job: Job<Envelope>, token: string | undefined, handler: Handler<T>, options: WorkOptions): Promise<void> {
    const { key, data, tries = 0 } = job.data;
    const jobId = job.id ?? '';
    if (key !== undefined && !(await this.#isFirst(key, jobId))) {
      await job.moveToDelayed(Date.now() + turnMs, token);
      throw new DelayedError();
    }
    const { signal } = this.#abort;
    const attempt = tries + 1;
    try {
      const parsed = this.#options.parse(data);
      if (!parsed.ok) throw new TerminalError('UnreadableJob', formatProblems(parsed.problems));
      await handler(parsed.value, { id: fromJobId(jobId), attempt, signal });
    } catch (error) {
      const last = error instanceof TerminalError || attempt >= (options.attempts ?? defaultAttempts);
      if (last && key !== undefined) await this.#passOn(key, jobId);
      if (last) throw new UnrecoverableError(errorText(error));
      const delayMs = backoffDelayMs(attempt, options.backoffMs ?? defaultBackoffMs);
      await job.updateData({ ...job.data, tries: attempt });
      await job.moveToDelayed(Date.now() + delayMs, token);
      throw new DelayedError();
    }
    if (key !== undefined) await this.#passOn(key, jobId);
  }

  /** True when the job is the first of its key. Heals an order whose first entry has no job. */
  async #isFirst(key: string, jobId: string): Promise<boolean> {
    await this.#order.enter(key, jobId);
    const first = await this.#order.first(key);
    if (first === jobId || first === undefined) return true;
    const state = await this.#queue.getJobState(first);
    const ended = state === 'completed' || state === 'failed';
    if (!ended && state !== 'unknown') return false;
    const sinceMs = this.#orphans.get(first) ?? Date.now();
    this.#orphans.set(first, sinceMs);
    if (!ended && Date.now() - sinceMs < orphanMs) return false;
    this.#orphans.delete(first);
    return (await this.#order.leave(key, first)) === jobId;
  }

  /** Give the turn to the next job of the key, and wake it if it waits for its turn. */
  async #passOn(key: string, jobId: string): Promise<void> {
    const next = await this.#order.leave(key, jobId);
    const job = next === undefined ? undefined : await this.#queue.getJob(next);
    if (job && (await job.isDelayed())) await job.promote().catch(this.#options.onError);
  }
}

/** BullMQ refuses ids that are numbers. */
function toJobId(id: string): string {
  return `j-${id}`;
}

function fromJobId(jobId: string | undefined): string {
  return (jobId ?? '').slice(2);
}
