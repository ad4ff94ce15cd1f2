import type { Job, JobCounts } from './job.ts';
import type { WorkloadCondition } from './workload.ts';

const unsupported = ['podFailurePolicy', 'successPolicy', 'backoffLimitPerIndex'] as const;

/** How a job ends: the conditions to set now; undefined while it goes on. The final one waits for the last pod to go. */
export function decideJobEnd(
  job: Job,
  counts: JobCounts,
  startTime: string | undefined,
  nowMs: number,
): { readonly conditions: readonly WorkloadCondition[] } | undefined {
  const failure = earlierFailure(job) ?? decideFailure(job, counts, startTime, nowMs);
  const quiet = counts.active.length + counts.terminating === 0;
  if (failure) {
    const target: WorkloadCondition = { ...failure, type: 'FailureTarget' };
    return { conditions: quiet ? [target, { ...failure, type: 'Failed' }] : [target] };
  }
  if (!isSuccess(job, counts)) return undefined;
  const reached = {
    status: 'True',
    reason: 'CompletionsReached',
    message: 'Reached expected number of succeeded pods',
  };
  const target: WorkloadCondition = { ...reached, type: 'SuccessCriteriaMet' };
  return { conditions: quiet ? [target, { ...reached, type: 'Complete' }] : [target] };
}

function isSuccess({ spec }: Job, counts: JobCounts): boolean {
  if (spec?.suspend) return false;
  if (spec?.completions === undefined) return counts.succeeded > 0 && counts.active.length + counts.terminating === 0;
  return counts.succeeded >= spec.completions;
}

type Failure = Omit<WorkloadCondition, 'type'>;

function earlierFailure({ status }: Job): Failure | undefined {
  return status?.conditions?.find(({ type, status: value }) => type === 'FailureTarget' && value === 'True');
}

function decideFailure(job: Job, counts: JobCounts, startTime: string | undefined, nowMs: number): Failure | undefined {
  const { backoffLimit = 6, activeDeadlineSeconds } = job.spec ?? {};
  const field = unsupported.find((name) => job.spec?.[name] !== undefined);
  if (field) {
    return { status: 'True', reason: 'NotSupported', message: `spec.${field} is not supported by this cluster` };
  }
  const restarts = job.spec?.template?.spec?.restartPolicy === 'OnFailure' ? restartsOf(counts) : 0;
  if (counts.failed > backoffLimit || (restarts > 0 && restarts >= backoffLimit)) {
    return { status: 'True', reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' };
  }
  if (activeDeadlineSeconds === undefined || !startTime) return undefined;
  if (nowMs < Date.parse(startTime) + activeDeadlineSeconds * 1_000) return undefined;
  return { status: 'True', reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' };
}

function restartsOf({ active }: JobCounts): number {
  const statuses = active.flatMap(({ status }) => status?.containerStatuses ?? []);
  return statuses.reduce((sum, { restartCount = 0 }) => sum + restartCount, 0);
}
