import type { KubeObject } from '@sluice/model';
import { ownerReferenceTo } from '@sluice/reconcile';
import { dueRuns, parseSchedule } from './cron-schedule.ts';
import { finishedCondition, type Job, type JobSpec } from './job.ts';
import { timeText } from './workload.ts';

export type CronJob = KubeObject<
  {
    readonly schedule?: string;
    readonly timeZone?: string;
    readonly concurrencyPolicy?: string;
    readonly suspend?: boolean;
    readonly startingDeadlineSeconds?: number;
    readonly successfulJobsHistoryLimit?: number;
    readonly failedJobsHistoryLimit?: number;
    readonly jobTemplate?: { readonly metadata?: Partial<KubeObject['metadata']>; readonly spec?: JobSpec };
  },
  {
    readonly active?: readonly JobReference[];
    readonly lastScheduleTime?: string;
    readonly lastSuccessfulTime?: string;
  }
>;

type JobReference = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
};

/** News about a schedule, for an event. */
export type CronNote = { readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string };

export type CronDecision = {
  /** The run to start, by the time that it was due. */
  readonly start?: Date;
  /** Runs to give up: those that `Replace` ends, and finished ones beyond the history. */
  readonly remove: readonly Job[];
  readonly notes: readonly CronNote[];
  readonly lookInMs?: number;
};

/** Decide. Pure but for the schedule library, which reads only what it is given. */
export function decideCronJob(cronJob: CronJob, jobs: readonly Job[], nowMs: number): CronDecision {
  const remove = decideHistory(cronJob, jobs);
  const { schedule = '', timeZone, suspend, startingDeadlineSeconds, concurrencyPolicy } = cronJob.spec ?? {};
  let runs: ReturnType<typeof dueRuns>;
  try {
    const last = cronJob.status?.lastScheduleTime ?? cronJob.metadata.creationTimestamp;
    const sinceMs = Date.parse(last ?? '') || nowMs;
    const deadlineMs = startingDeadlineSeconds === undefined ? 0 : nowMs - startingDeadlineSeconds * 1_000;
    runs = dueRuns(parseSchedule(schedule, timeZone), Math.max(sinceMs, deadlineMs), nowMs);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const message = `unparseable schedule: ${JSON.stringify(schedule)} in time zone ${timeZone ?? 'UTC'}: ${why}`;
    return { remove, notes: [{ type: 'Warning', reason: 'UnparseableSchedule', message }] };
  }
  if (suspend) return { remove, notes: [] };
  const lookInMs = runs.next && Math.max(1, runs.next.getTime() - nowMs);
  const wait = { remove, ...(lookInMs !== undefined && { lookInMs }) };
  const notes: CronNote[] = [];
  if (runs.tooMany) {
    const message =
      'too many missed start times: set or lower startingDeadlineSeconds, or check the clock; only the last is started';
    notes.push({ type: 'Warning', reason: 'TooManyMissedTimes', message });
  }
  const { lastDue } = runs;
  if (!lastDue || jobs.some(({ metadata }) => metadata.name === jobName(cronJob, lastDue))) return { ...wait, notes };
  const active = jobs.filter((job) => !finishedCondition(job));
  if (active.length > 0 && concurrencyPolicy === 'Forbid') {
    const message = 'Not starting job because prior execution is running and concurrency policy is Forbid';
    return { ...wait, notes: [...notes, { type: 'Normal', reason: 'JobAlreadyActive', message }] };
  }
  const replaced = concurrencyPolicy === 'Replace' ? active : [];
  return { ...wait, start: lastDue, remove: [...remove, ...replaced], notes };
}

function decideHistory({ spec }: CronJob, jobs: readonly Job[]): readonly Job[] {
  const { successfulJobsHistoryLimit = 3, failedJobsHistoryLimit = 1 } = spec ?? {};
  const surplus = (type: string, limit: number): readonly Job[] => {
    const finished = jobs.filter((job) => finishedCondition(job)?.type === type);
    const newestFirst = finished.toSorted((a, b) => (startOf(a) < startOf(b) ? 1 : -1));
    return newestFirst.slice(limit);
  };
  return [...surplus('Complete', successfulJobsHistoryLimit), ...surplus('Failed', failedJobsHistoryLimit)];
}

function startOf({ status, metadata }: Job): string {
  return status?.startTime ?? metadata.creationTimestamp ?? '';
}

/** The name of a run is made of the minute that it was due, so that starting it twice is starting it once. */
export function jobName({ metadata }: CronJob, due: Date): string {
  return `${metadata.name}-${Math.floor(due.getTime() / 60_000)}`;
}

/** The job of a run. */
export function buildCronRun(cronJob: CronJob, due: Date): Job {
  const { metadata, spec } = cronJob.spec?.jobTemplate ?? {};
  const { namespace } = cronJob.metadata;
  const annotations = {
    ...metadata?.annotations,
    'batch.kubernetes.io/cronjob-scheduled-timestamp': timeText(due.getTime()),
  };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: jobName(cronJob, due),
      ...(namespace !== undefined && { namespace }),
      ...(metadata?.labels && { labels: metadata.labels }),
      annotations,
      ownerReferences: [ownerReferenceTo(cronJob)],
    },
    ...(spec && { spec }),
  };
}

/** The status that these jobs make. Pure. */
export function cronJobStatus(cronJob: CronJob, jobs: readonly Job[], started: Date | undefined): object {
  const active = jobs
    .filter((job) => !finishedCondition(job) && !job.metadata.deletionTimestamp)
    .map(({ apiVersion, kind, metadata: { name, namespace, uid } }) => ({ apiVersion, kind, name, namespace, uid }));
  const ends = jobs.map(({ status }) => status?.completionTime).filter((time) => time !== undefined);
  const lastSuccess = [...ends, cronJob.status?.lastSuccessfulTime ?? ''].toSorted().at(-1);
  return {
    active,
    ...(started && { lastScheduleTime: timeText(started.getTime()) }),
    ...(lastSuccess && { lastSuccessfulTime: lastSuccess }),
  };
}
