import type { KubeObject } from '@sluice/model';
import type { LabelSelector } from '@sluice/reconcile';
import { decideJobEnd } from './job-end.ts';
import { isActive, isDeleting, isEnded, isReady } from './pod-state.ts';
import { type Pod, type PodTemplate, timeText, type WorkloadCondition } from './workload.ts';

export type JobSpec = {
  readonly completions?: number;
  readonly parallelism?: number;
  readonly backoffLimit?: number;
  readonly activeDeadlineSeconds?: number;
  readonly ttlSecondsAfterFinished?: number;
  readonly completionMode?: string;
  readonly suspend?: boolean;
  readonly selector?: LabelSelector;
  readonly template?: PodTemplate;
  readonly podFailurePolicy?: unknown;
  readonly successPolicy?: unknown;
  readonly backoffLimitPerIndex?: number;
  readonly managedBy?: string;
};

export type JobStatus = {
  readonly active?: number;
  readonly ready?: number;
  readonly terminating?: number;
  readonly succeeded?: number;
  readonly failed?: number;
  readonly startTime?: string | undefined;
  readonly completionTime?: string;
  readonly completedIndexes?: string;
  readonly conditions?: readonly WorkloadCondition[];
};

export type Job = KubeObject<JobSpec, JobStatus>;

/** What a pass over a job does. `create` holds completion indexes, or undefined for jobs without. */
export type JobDecision = {
  readonly status: JobStatus;
  readonly create: readonly (number | undefined)[];
  readonly remove: readonly Pod[];
  /** When to look again though nothing happens. */
  readonly lookInMs?: number;
};

/** Where the completion index of a pod is written. */
export const indexAnnotation = 'batch.kubernetes.io/job-completion-index';

const backoffBaseMs = 10_000;
const backoffMaxMs = 360_000;

export function isIndexed({ spec }: Job): boolean {
  return spec?.completionMode === 'Indexed';
}

/** The condition that ended the job, if one did. */
export function finishedCondition({ status }: Job): WorkloadCondition | undefined {
  return status?.conditions?.find(
    ({ type, status: value }) => (type === 'Complete' || type === 'Failed') && value === 'True',
  );
}

/** Counts over the pods of a job. Counters in the status never fall, whatever happens to the pods. */
export type JobCounts = {
  readonly active: readonly Pod[];
  readonly terminating: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly completed: readonly number[];
};

/** Decide. Pure. */
export function decideJob(job: Job, pods: readonly Pod[], nowMs: number): JobDecision {
  const counts = countPods(job, pods);
  const suspended = job.spec?.suspend === true;
  const startTime = suspended ? undefined : (job.status?.startTime ?? timeText(nowMs));
  const base: JobStatus = {
    active: counts.active.length,
    ready: counts.active.filter(isReady).length,
    terminating: counts.terminating,
    succeeded: counts.succeeded,
    failed: counts.failed,
    startTime,
    conditions: job.status?.conditions ?? [],
    ...(isIndexed(job) && { completedIndexes: formatIndexes(counts.completed) }),
  };
  const end = decideJobEnd(job, counts, startTime, nowMs);
  if (end) {
    const conditions = end.conditions.reduce(
      (all, condition) => withCondition(all, condition, nowMs),
      base.conditions ?? [],
    );
    const done = end.conditions.some(({ type }) => type === 'Complete');
    const status = { ...base, conditions, ...(done && { completionTime: timeText(nowMs) }) };
    return { status, create: [], remove: counts.active };
  }
  const conditions = suspension(base.conditions ?? [], suspended, nowMs);
  const status = { ...base, conditions };
  if (suspended) return { status, create: [], remove: counts.active };
  return { status, ...decidePods(job, pods, counts, startTime, nowMs) };
}

function countPods(job: Job, pods: readonly Pod[]): JobCounts {
  const active = pods.filter(isActive);
  const succeededPods = pods.filter(({ status }) => status?.phase === 'Succeeded');
  const failedPods = pods.filter(({ status }) => status?.phase === 'Failed');
  const completions = job.spec?.completions ?? 1;
  const completed = isIndexed(job)
    ? [...new Set([...parseIndexes(job.status?.completedIndexes ?? ''), ...succeededPods.map(indexOf)])]
        .filter((index) => index >= 0 && index < completions)
        .toSorted((a, b) => a - b)
    : [];
  return {
    active,
    terminating: pods.filter((pod) => isDeleting(pod) && !isEnded(pod)).length,
    succeeded: isIndexed(job) ? completed.length : Math.max(succeededPods.length, job.status?.succeeded ?? 0),
    failed: Math.max(failedPods.length, job.status?.failed ?? 0),
    completed,
  };
}

function decidePods(
  job: Job,
  pods: readonly Pod[],
  counts: JobCounts,
  startTime: string | undefined,
  nowMs: number,
): Omit<JobDecision, 'status'> {
  const { parallelism = 1, completions, activeDeadlineSeconds } = job.spec ?? {};
  const deadlineInMs =
    activeDeadlineSeconds && startTime ? Date.parse(startTime) + activeDeadlineSeconds * 1_000 - nowMs : undefined;
  const look = (more?: number): { lookInMs?: number } => {
    const times = [deadlineInMs, more].filter((time) => time !== undefined);
    return times.length > 0 ? { lookInMs: Math.max(1, Math.min(...times)) } : {};
  };
  const open =
    completions === undefined
      ? counts.succeeded > 0
        ? counts.active.length
        : parallelism
      : completions - counts.succeeded;
  const wanted = Math.min(parallelism, Math.max(0, open));
  const surplus = counts.active.length - wanted;
  if (surplus > 0) {
    const newestFirst = counts.active.toSorted((a, b) => Number(isReady(a)) - Number(isReady(b)));
    return { create: [], remove: newestFirst.slice(0, surplus), ...look() };
  }
  // A pod that is on its way out still counts against the parallelism.
  const missing = wanted - counts.active.length - counts.terminating;
  if (missing <= 0) return { create: [], remove: [], ...look() };
  const waitMs = retryWaitMs(pods, nowMs);
  if (waitMs > 0) return { create: [], remove: [], ...look(waitMs) };
  const create = isIndexed(job)
    ? freeIndexes(completions ?? 1, pods, counts.completed, missing)
    : Array.from({ length: missing }, () => undefined);
  return { create, remove: [], ...look() };
}

/** Retries wait 10 s, 20 s ... after the last failure, until a pod succeeds. */
function retryWaitMs(pods: readonly Pod[], nowMs: number): number {
  const lastSuccessMs = Math.max(0, ...pods.filter(({ status }) => status?.phase === 'Succeeded').map(endedAtMs));
  const failures = pods.filter(({ status }) => status?.phase === 'Failed').map(endedAtMs);
  const since = failures.filter((at) => at > lastSuccessMs);
  if (since.length === 0) return 0;
  return Math.max(...since) + Math.min(backoffMaxMs, backoffBaseMs * 2 ** (since.length - 1)) - nowMs;
}

function endedAtMs(pod: Pod): number {
  const times = (pod.status?.containerStatuses ?? []).map(({ state }) =>
    Date.parse(state?.terminated?.finishedAt ?? ''),
  );
  const known = times.filter((time) => !Number.isNaN(time));
  return known.length > 0 ? Math.max(...known) : Date.parse(pod.metadata.creationTimestamp ?? '') || 0;
}

function freeIndexes(completions: number, pods: readonly Pod[], completed: readonly number[], count: number): number[] {
  const taken = new Set([...completed, ...pods.filter((pod) => !isEnded(pod)).map(indexOf)]);
  const free: number[] = [];
  for (let index = 0; index < completions && free.length < count; index++) if (!taken.has(index)) free.push(index);
  return free;
}

function indexOf(pod: Pod): number {
  const index = Number(pod.metadata.annotations?.[indexAnnotation] ?? '-1');
  return Number.isInteger(index) ? index : -1;
}

/** `0-2,5`: as the status of an indexed job shows what is done. */
export function formatIndexes(indexes: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const index of indexes) {
    const last = ranges.at(-1);
    if (last && last[1] === index - 1) last[1] = index;
    else ranges.push([index, index]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
}

/** The inverse of {@link formatIndexes}. */
export function parseIndexes(text: string): readonly number[] {
  return text
    .split(',')
    .filter(Boolean)
    .flatMap((range) => {
      const [from = NaN, to = from] = range.split('-').map(Number);
      return Number.isNaN(from) ? [] : Array.from({ length: to - from + 1 }, (_, offset) => from + offset);
    });
}

function suspension(
  conditions: readonly WorkloadCondition[],
  suspended: boolean,
  nowMs: number,
): readonly WorkloadCondition[] {
  const before = conditions.find(({ type }) => type === 'Suspended');
  if (!suspended && (!before || before.status === 'False')) return conditions;
  const [reason, message] = suspended ? ['JobSuspended', 'Job suspended'] : ['JobResumed', 'Job resumed'];
  return withCondition(conditions, { type: 'Suspended', status: suspended ? 'True' : 'False', reason, message }, nowMs);
}

function withCondition(
  conditions: readonly WorkloadCondition[],
  condition: WorkloadCondition,
  nowMs: number,
): readonly WorkloadCondition[] {
  const before = conditions.find(({ type }) => type === condition.type);
  if (before?.status === condition.status && before.reason === condition.reason) return conditions;
  const time = timeText(nowMs);
  const after = { ...condition, lastProbeTime: time, lastTransitionTime: time };
  return [...conditions.filter(({ type }) => type !== condition.type), after];
}
