import type { Result } from '@sluice/model';

export type AddOptions = {
  /** Made from what is asked, so that asking twice is one job. At most 200 characters, no colon, no control characters. */
  readonly id: string;
  /** Jobs of one key run one at a time, in the order in which they were added. */
  readonly key?: string;
  /** A second name, under the rules of `id`: while another job is known by it, this one is a `conflict` and not added. */
  readonly alias?: string;
  /** Not before this time has passed. Later jobs of the key do not wait for it. */
  readonly delayMs?: number;
};

/** What a handler knows about the job besides its content. */
export type JobContext = {
  readonly id: string;
  /** From 1. */
  readonly attempt: number;
  /** Fires when the worker is closed and its patience is over: stop, the job will run again. */
  readonly signal: AbortSignal;
};

export type Handler<T> = (job: T, context: JobContext) => Promise<void>;

export type WorkOptions = {
  /** Jobs at a time. */
  readonly concurrency: number;
  /** Attempts before a job becomes a dead letter. Default 10. */
  readonly attempts?: number;
  /** Wait after the first failure, doubled with each further one, at most five minutes. Default 1000. */
  readonly backoffMs?: number;
  /** How long `close` lets running jobs go on before it aborts them. Default 10 s. */
  readonly drainMs?: number;
};

export type QueueWorker = {
  /** Take no more jobs and let the running ones end; those that do not end in time run again later. */
  close(): Promise<void>;
};

/** A job that is not tried again: its attempts are used up, or it failed terminally, or could not be read. */
export type DeadLetter<T> = {
  readonly id: string;
  /** Absent when the content cannot be read. */
  readonly job?: T;
  readonly data: unknown;
  /** Attempts that were made. */
  readonly attempts: number;
  readonly error: string;
  readonly failedAt: string;
};

/** `waiting`: to be run, now or later. `done` is remembered for at least three days. */
export type JobState = 'waiting' | 'active' | 'done' | 'dead';

export type JobStatus = { readonly id: string; readonly state: JobState; readonly attempts: number };

/** What `add` came to. */
export type AddOutcome = 'added' | 'duplicate' | 'conflict';

/** One job as a log of the queue shows it. */
export type JobEntry<T> = JobStatus & {
  /** Absent when the content cannot be read or is no longer kept. */
  readonly job?: T;
  /** Of a dead letter. */
  readonly error?: string;
};

/** Durable jobs of one type, run at least once. */
export type Queue<T> = {
  /** Resolves when the job is durable. A job of this id that waits, runs, is done or dead makes it a duplicate. */
  add(job: T, options: AddOptions): Promise<AddOutcome>;
  /** Run jobs. What the handler throws is tried again with backoff; a TerminalError makes a dead letter at once. */
  work(handler: Handler<T>, options: WorkOptions): QueueWorker;
  /** Dead letters, oldest first, at most 1000. */
  deadLetters(): Promise<readonly DeadLetter<T>[]>;
  /** Run a dead letter, or a done job whose content is kept, again with all its attempts. False for anything else. */
  replay(id: string): Promise<boolean>;
  /** The newest jobs of each state: waiting and running ones first, then dead letters, then done ones; newest first. */
  list(limit: number): Promise<readonly JobEntry<T>[]>;
  /** One job with its content, where that is kept; undefined when the queue does not know it. */
  show(id: string): Promise<JobEntry<T> | undefined>;
  /** Where a job is; undefined when the queue does not know it. */
  get(id: string): Promise<JobStatus | undefined>;
};

/** All queues over one place of storage. */
export type Queues = {
  /** The queue of this name. `parse` reads what an older version may have written; a job that it refuses is a dead letter. */
  queue<T>(name: string, parse: (data: unknown) => Result<T>): Queue<T>;
  /** Close all workers, then the connections that the queues made. */
  close(): Promise<void>;
};

export const defaultAttempts = 10;
export const defaultBackoffMs = 1_000;
export const defaultDrainMs = 10_000;
export const maxDeadLetters = 1_000;
/** Content of a done job beyond this many bytes of JSON is not kept for the log. */
export const maxKeptBytes = 65_536;
/** Most jobs of one state that `list` gives. */
export const maxListed = 1_000;
const maxBackoffMs = 300_000;
const maxErrorLength = 4_096;

/** How long the ids of finished jobs are remembered. */
export const rememberDoneMs = 4 * 86_400_000;

/** Wait before the attempt after this one. `attempt` counts from 1. */
export function backoffDelayMs(attempt: number, baseMs: number): number {
  return Math.min(maxBackoffMs, baseMs * 2 ** Math.min(attempt - 1, 30));
}

/** What is kept of an error. */
export function errorText(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.slice(0, maxErrorLength);
}

/** Throws for a name that not every implementation could store: a mistake in the program. */
export function checkQueueName(name: string): void {
  if (!/^[a-z][a-z0-9-]{0,63}$/.test(name)) throw new RangeError(`queue name ${JSON.stringify(name)} is not like-this`);
}

/** Throws for an id or key that not every implementation could store. */
export function checkJobId(what: 'id' | 'key' | 'alias', id: string): void {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (id === '' || id.length > 200 || /[:\u0000-\u001f\u007f]/.test(id)) {
    throw new RangeError(
      `job ${what} ${JSON.stringify(id.slice(0, 80))}: 1 to 200 characters without colons and controls`,
    );
  }
}
