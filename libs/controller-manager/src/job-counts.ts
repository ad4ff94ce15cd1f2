import type { Job } from './job.ts';
import { earlierFailuresOf, indexOf, isIndexed, parseIndexes } from './job-indexes.ts';
import { meaningOf } from './job-policy.ts';
import { isActive, isDeleting, isEnded } from './pod-state.ts';
import type { Pod } from './workload.ts';

/** Counts over the pods of a job. Counters in the status never fall, whatever happens to the pods. */
export type JobCounts = {
  readonly active: readonly Pod[];
  /** On their way out, and not ended yet. */
  readonly terminating: number;
  readonly succeeded: number;
  /** Failures that count against the limit. */
  readonly failed: number;
  readonly completed: readonly number[];
  /** Indexes that failed too often or for good; only where failures are limited by index. */
  readonly failedIndexes: readonly number[];
  /** Why the job is to fail at once, if a failure says so. */
  readonly fatal: string | undefined;
};

/** Count. Pure. */
export function countPods(job: Job, pods: readonly Pod[]): JobCounts {
  const succeededPods = pods.filter(({ status }) => status?.phase === 'Succeeded');
  const failures = pods
    .filter(({ status }) => status?.phase === 'Failed')
    .map((pod) => ({ pod, meaning: meaningOf(pod, job.spec?.podFailurePolicy) }));
  const counted = failures.filter(({ meaning }) => meaning.action !== 'Ignore');
  const completed = isIndexed(job)
    ? within(job, [...parseIndexes(job.status?.completedIndexes ?? ''), ...succeededPods.map(indexOf)])
    : [];
  const done = new Set(completed);
  return {
    active: pods.filter(isActive),
    terminating: pods.filter((pod) => isDeleting(pod) && !isEnded(pod)).length,
    succeeded: isIndexed(job) ? completed.length : Math.max(succeededPods.length, job.status?.succeeded ?? 0),
    failed: Math.max(counted.length, job.status?.failed ?? 0),
    completed,
    failedIndexes: failedIndexes(job, counted).filter((index) => !done.has(index)),
    fatal: failures.find(({ meaning }) => meaning.action === 'FailJob')?.meaning.message,
  };
}

type Failure = { readonly pod: Pod; readonly meaning: ReturnType<typeof meaningOf> };

function failedIndexes(job: Job, failures: readonly Failure[]): readonly number[] {
  const limit = job.spec?.backoffLimitPerIndex;
  if (limit === undefined || !isIndexed(job)) return [];
  const spent = failures.filter(
    ({ pod, meaning }) => meaning.action === 'FailIndex' || earlierFailuresOf(pod) >= limit,
  );
  return within(job, [...parseIndexes(job.status?.failedIndexes ?? ''), ...spent.map(({ pod }) => indexOf(pod))]);
}

function within(job: Job, indexes: readonly number[]): readonly number[] {
  const completions = job.spec?.completions ?? 1;
  return [...new Set(indexes)].filter((index) => index >= 0 && index < completions).toSorted((a, b) => a - b);
}

/** How often an index has failed so far, for its next pod. */
export function failuresOfIndex(job: Job, pods: readonly Pod[], index: number): number {
  const failures = pods
    .filter((pod) => pod.status?.phase === 'Failed' && indexOf(pod) === index)
    .map((pod) => earlierFailuresOf(pod) + (meaningOf(pod, job.spec?.podFailurePolicy).action === 'Ignore' ? 0 : 1));
  return Math.max(0, ...failures);
}
