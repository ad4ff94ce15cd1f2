import type { KeyValueStore, StoreChange } from './key-value-store.ts';
import { maxKeptBytes, rememberDoneMs } from './queue.ts';

/** A job that waits or runs, as stored. */
export type JobRecord = {
  readonly id: string;
  /** Place in the order of the queue. */
  readonly seq: number;
  readonly key?: string;
  readonly alias?: string;
  readonly data: unknown;
  /** Attempts that have failed. */
  readonly failed: number;
  /** Not before this time, in milliseconds since 1970. */
  readonly notBeforeMs: number;
};

/** What is stored under the id of a job. */
export type IdRecord =
  | { readonly state: 'pending'; readonly seq: number }
  | {
      readonly state: 'done';
      readonly attempts: number;
      readonly key?: string;
      readonly alias?: string;
      /** Kept for the log where it is small. */
      readonly data?: unknown;
    }
  | {
      readonly state: 'dead';
      readonly attempts: number;
      readonly error: string;
      readonly failedAtMs: number;
      readonly key?: string;
      readonly alias?: string;
      readonly data: unknown;
    };

const sweepLimit = 500;

/**
 * Layout of one queue in the store:
 * `queue/NAME/job/SEQ` the job, `queue/NAME/id/ID` its state, `queue/NAME/alias/ALIAS` the id that has the alias, `queue/NAME/dead/SEQ` and `queue/NAME/done/EXPIRY/ID` to find
 * dead letters in order and ids that may be forgotten.
 */
export class JobRecords {
  readonly #store: KeyValueStore;
  readonly #prefix: string;

  constructor(store: KeyValueStore, name: string) {
    this.#store = store;
    this.#prefix = `queue/${name}/`;
  }

  /** All jobs that wait or ran when the process ended, in order. */
  pending(): readonly JobRecord[] {
    return Array.from(this.#range('job/'), ([, value]) => decode<JobRecord>(value));
  }

  /** Above every place ever given to a job that is still stored. */
  nextSeq(): number {
    const [lastJob] = this.#range('job/', { reverse: true, limit: 1 });
    const [lastDead] = this.#range('dead/', { reverse: true, limit: 1 });
    const seqs = [lastJob, lastDead].map((entry) => (entry ? Number.parseInt(entry[0].slice(-14), 16) : 0));
    return Math.max(...seqs) + 1;
  }

  job(seq: number): JobRecord | undefined {
    const value = this.#store.get(this.#jobKey(seq));
    return value && decode<JobRecord>(value);
  }

  byId(id: string): IdRecord | undefined {
    const value = this.#store.get(this.#idKey(id));
    return value && decode<IdRecord>(value);
  }

  /** Ids of dead letters with their state, oldest first. */
  *dead(limit: number): Iterable<readonly [string, IdRecord]> {
    for (const [, value] of this.#range('dead/', { limit })) {
      const id = decode<string>(value);
      const record = this.byId(id);
      if (record) yield [id, record];
    }
  }

  async add(job: JobRecord): Promise<void> {
    const state: IdRecord = { state: 'pending', seq: job.seq };
    const alias = job.alias === undefined ? [] : [put(this.#aliasKey(job.alias), job.id)];
    await this.#store.commit([put(this.#jobKey(job.seq), job), put(this.#idKey(job.id), state), ...alias]);
  }

  /** The id of the job that has this alias. */
  byAlias(alias: string): string | undefined {
    const value = this.#store.get(this.#aliasKey(alias));
    return value && decode<string>(value);
  }

  /** Jobs that wait or run, newest first. */
  newestPending(limit: number): readonly JobRecord[] {
    return Array.from(this.#range('job/', { reverse: true, limit }), ([, value]) => decode<JobRecord>(value));
  }

  /** Ids of dead letters or done jobs, newest first. */
  newestEnded(state: 'dead' | 'done', limit: number): readonly string[] {
    const entries = Array.from(this.#range(`${state}/`, { reverse: true, limit }));
    return entries.map(([key, value]) => (state === 'dead' ? decode<string>(value) : this.#doneId(key)));
  }

  /** A failed attempt that is followed by another. */
  async retry(job: JobRecord): Promise<void> {
    await this.#store.commit([put(this.#jobKey(job.seq), job)]);
  }

  async done(job: JobRecord, nowMs: number): Promise<void> {
    const { key, alias, data } = job;
    const kept = JSON.stringify(data ?? null).length <= maxKeptBytes ? { data } : {};
    const state: IdRecord = { state: 'done', attempts: job.failed + 1, ...named(key, alias), ...kept };
    await this.#store.commit([
      { type: 'delete', key: this.#jobKey(job.seq) },
      put(this.#idKey(job.id), state),
      put(`${this.#prefix}done/${hex(nowMs + rememberDoneMs)}/${job.id}`, 0),
    ]);
  }

  async bury(job: JobRecord, error: string, nowMs: number): Promise<void> {
    const { id, seq, key, alias, data, failed } = job;
    const state: IdRecord = { state: 'dead', attempts: failed, error, failedAtMs: nowMs, ...named(key, alias), data };
    await this.#store.commit([
      { type: 'delete', key: this.#jobKey(seq) },
      put(this.#idKey(id), state),
      put(`${this.#prefix}dead/${hex(seq)}`, id),
    ]);
  }

  /** Make a dead letter or a done job a job again, at the end of the queue. */
  async revive(job: JobRecord): Promise<void> {
    const state: IdRecord = { state: 'pending', seq: job.seq };
    const changes: StoreChange[] = [put(this.#jobKey(job.seq), job), put(this.#idKey(job.id), state)];
    for (const [key, value] of this.#range('dead/')) {
      if (decode<string>(value) === job.id) changes.push({ type: 'delete', key });
    }
    for (const [key] of this.#range('done/')) {
      if (this.#doneId(key) === job.id) changes.push({ type: 'delete', key });
    }
    await this.#store.commit(changes);
  }

  /** Forget ids of jobs that were done long ago. Returns whether there may be more of them. */
  async sweep(nowMs: number): Promise<boolean> {
    const changes: StoreChange[] = [];
    let swept = 0;
    for (const [key] of this.#range('done/', { limit: sweepLimit, below: hex(nowMs) })) {
      const id = this.#doneId(key);
      const record = this.byId(id);
      const alias = record && record.state !== 'pending' ? record.alias : undefined;
      swept++;
      changes.push({ type: 'delete', key }, { type: 'delete', key: this.#idKey(id) });
      if (alias !== undefined) changes.push({ type: 'delete', key: this.#aliasKey(alias) });
    }
    if (changes.length > 0) await this.#store.commit(changes);
    return swept === sweepLimit;
  }

  #doneId(key: string): string {
    return key.slice(`${this.#prefix}done/`.length + 15);
  }

  #aliasKey(alias: string): string {
    return `${this.#prefix}alias/${alias}`;
  }

  #range(
    part: string,
    options: { readonly reverse?: boolean; readonly limit?: number; readonly below?: string } = {},
  ): Iterable<readonly [string, Uint8Array]> {
    const { below, ...rest } = options;
    const start = this.#prefix + part;
    // '0' is the character after '/'.
    return this.#store.range({ gte: start, lt: below ? start + below : `${start.slice(0, -1)}0`, ...rest });
  }

  #jobKey(seq: number): string {
    return `${this.#prefix}job/${hex(seq)}`;
  }

  #idKey(id: string): string {
    return `${this.#prefix}id/${id}`;
  }
}

function named(key: string | undefined, alias: string | undefined): { key?: string; alias?: string } {
  return { ...(key && { key }), ...(alias && { alias }) };
}

function hex(value: number): string {
  return Math.max(0, Math.floor(value)).toString(16).padStart(14, '0');
}

function put(key: string, value: unknown): StoreChange {
  return { type: 'put', key, value: new TextEncoder().encode(JSON.stringify(value)) };
}

function decode<T>(value: Uint8Array): T {
  return JSON.parse(new TextDecoder().decode(value)) as T;
}
