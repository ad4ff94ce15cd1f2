import type { KubeObject } from '@sluice/model';
import type { LabelSelector } from '@sluice/reconcile';
import { countPods, type JobCounts } from './job-counts.ts';
import { decideJobEnd } from './job-end.ts';
import { formatIndexes, indexOf, isIndexed } from './job-indexes.ts';
import { type PodFailurePolicy, type SuccessPolicy } from './job-policy.ts';
import { isActive, isEnded, isReady } from './pod-state.ts';
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
  readonly podFailurePolicy?: PodFailurePolicy;
  readonly podReplacementPolicy?: string;
  readonly successPolicy?: SuccessPolicy;
  readonly backoffLimitPerIndex?: number;
  readonly maxFailedIndexes?: number;
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
  readonly failedIndexes?: string;
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

const backoffBaseMs = 10_000;
const backoffMaxMs = 360_000;

/** The condition that ended the job, if one did. */
export function finishedCondition({ status }: Job): WorkloadCondition | undefined {
  return status?.conditions?.find(
    ({ type, status: value }) => (type === 'Complete' || type === 'Failed') && value === 'True',
  );
}

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
    ...(job.spec?.backoffLimitPerIndex !== undefined && { failedIndexes: formatIndexes(counts.failedIndexes) }),
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

function decidePods(
  job: Job,
  pods: readonly Pod[],
  counts: JobCounts,
  startTime: string | undefined,
  nowMs: number,
): Omit<JobDecision, 'status'> {
  const { parallelism = 1, activeDeadlineSeconds } = job.spec ?? {};
  const deadlineInMs =
    activeDeadlineSeconds && startTime ? Date.parse(startTime) + activeDeadlineSeconds * 1_000 - nowMs : undefined;
  const look = (more?: number): { lookInMs?: number } => {
    const times = [deadlineInMs, more].filter((time) => time !== undefined);
    return times.length > 0 ? { lookInMs: Math.max(1, Math.min(...times)) } : {};
  };
  const wanted = Math.min(parallelism, Math.max(0, openCompletions(job, counts)));
  const surplus = counts.active.length - wanted;
  if (surplus > 0) {
    const unreadyFirst = counts.active.toSorted((a, b) => Number(isReady(a)) - Number(isReady(b)));
    return { create: [], remove: unreadyFirst.slice(0, surplus), ...look() };
  }
  const missing = wanted - counts.active.length - (waitsForEnd(job) ? counts.terminating : 0);
  if (missing <= 0) return { create: [], remove: [], ...look() };
  if (isIndexed(job) && job.spec?.backoffLimitPerIndex !== undefined) return retryIndexes();
  const waitMs = retryWaitMs(pods, nowMs);
  if (waitMs > 0) return { create: [], remove: [], ...look(waitMs) };
  const create = isIndexed(job)
    ? freeIndexes(job, pods, counts).slice(0, missing)
    : Array.from({ length: missing }, () => undefined);
  return { create, remove: [], ...look() };

  /** Each index waits for itself. */
  function retryIndexes(): Omit<JobDecision, 'status'> {
    const waits = freeIndexes(job, pods, counts).map((index) => {
      return {
        index,
        waitMs: retryWaitMs(
          pods.filter((pod) => indexOf(pod) === index),
          nowMs,
        ),
      };
    });
    const due = waits.filter(({ waitMs }) => waitMs <= 0).slice(0, missing);
    const later = waits.filter(({ waitMs }) => waitMs > 0).map(({ waitMs }) => waitMs);
    const next = due.length < missing && later.length > 0 ? Math.min(...later) : undefined;
    return { create: due.map(({ index }) => index), remove: [], ...look(next) };
  }
}

/** How many pods may still be needed at once. */
function openCompletions({ spec }: Job, counts: JobCounts): number {
  const { parallelism = 1, completions } = spec ?? {};
  if (completions !== undefined) return completions - counts.succeeded - counts.failedIndexes.length;
  return counts.succeeded > 0 ? counts.active.length : parallelism;
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

/** A pod on its way out is replaced at once, unless the job wants to see its end first. */
function waitsForEnd({ spec }: Job): boolean {
  return spec?.podReplacementPolicy === 'Failed';
}

function freeIndexes(job: Job, pods: readonly Pod[], counts: JobCounts): readonly number[] {
  const holds = waitsForEnd(job) ? (pod: Pod): boolean => !isEnded(pod) : isActive;
  const live = pods.filter(holds).map(indexOf);
  const { completions = 1 } = job.spec ?? {};
  const taken = new Set([...counts.completed, ...counts.failedIndexes, ...live]);
  return Array.from({ length: completions }, (_, index) => index).filter((index) => !taken.has(index));
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
