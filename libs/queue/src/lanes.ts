import type { JobRecord } from './job-records.ts';

type Lane = { readonly jobs: JobRecord[]; busy: boolean };

/**
 * Decides which job runs next. Jobs of one key form a lane: one at a time, in order. A job that waits for a retry holds its
 * lane; one that has not been tried and is delayed does not. Lanes are served in turn.
 */
export class Lanes {
  /** In the order of service: a lane that was served goes to the end. */
  readonly #lanes = new Map<string, Lane>();

  /** Jobs that wait. */
  get size(): number {
    let size = 0;
    for (const { jobs } of this.#lanes.values()) size += jobs.length;
    return size;
  }

  add(job: JobRecord): void {
    const name = laneOf(job);
    const lane = this.#lanes.get(name) ?? { jobs: [], busy: false };
    this.#lanes.set(name, lane);
    const after = lane.jobs.findLastIndex(({ seq }) => seq < job.seq);
    lane.jobs.splice(after + 1, 0, job);
  }

  /** Take the next job that is due; its lane is busy until {@link release}. */
  take(nowMs: number): JobRecord | undefined {
    for (const [name, lane] of this.#lanes) {
      if (lane.busy) continue;
      const index = nextIndex(lane.jobs, nowMs);
      const job = lane.jobs[index];
      if (!job) continue;
      lane.jobs.splice(index, 1);
      lane.busy = true;
      this.#lanes.delete(name);
      this.#lanes.set(name, lane);
      return job;
    }
    return undefined;
  }

  /** The job taken has ended; pass it on when it is to be tried again. */
  release(job: JobRecord, again?: JobRecord): void {
    const name = laneOf(job);
    const lane = this.#lanes.get(name);
    if (lane) lane.busy = false;
    if (again) this.add(again);
    else if (lane?.jobs.length === 0) this.#lanes.delete(name);
  }

  /** The earliest time at which a job of a lane that is not busy becomes due; undefined when there is none. */
  nextDueMs(): number | undefined {
    let due: number | undefined;
    for (const { jobs, busy } of this.#lanes.values()) {
      if (busy) continue;
      for (const { notBeforeMs, failed } of jobs) {
        if (due === undefined || notBeforeMs < due) due = notBeforeMs;
        if (failed > 0) break;
      }
    }
    return due;
  }
}

function laneOf({ id, key }: JobRecord): string {
  return key === undefined ? `id:${id}` : `key:${key}`;
}

function nextIndex(jobs: readonly JobRecord[], nowMs: number): number {
  for (const [index, { notBeforeMs, failed }] of jobs.entries()) {
    if (notBeforeMs <= nowMs) return index;
    if (failed > 0) return -1;
  }
  return -1;
}
