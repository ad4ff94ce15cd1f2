import type { Job } from './job.ts';
import type { JobCounts } from './job-counts.ts';
import { metSuccessRule, restartsItself } from './job-policy.ts';
import type { WorkloadCondition } from './workload.ts';

/** How a job ends: the conditions to set now; undefined while it goes on. The final one waits for the last pod to go. */
export function decideJobEnd(
  job: Job,
  counts: JobCounts,
  startTime: string | undefined,
  nowMs: number,
): { readonly conditions: readonly WorkloadCondition[] } | undefined {
  const quiet = counts.active.length + counts.terminating === 0;
  const success = earlier(job, 'SuccessCriteriaMet') ?? policySuccess(job, counts);
  const failure = success ? undefined : (earlier(job, 'FailureTarget') ?? decideFailure(job, counts, startTime, nowMs));
  if (failure) return ending(failure, 'FailureTarget', 'Failed', quiet);
  const reached = success ?? allSucceeded(job, counts);
  return reached && ending(reached, 'SuccessCriteriaMet', 'Complete', quiet);
}

type Verdict = Omit<WorkloadCondition, 'type'>;

function ending(verdict: Verdict, target: string, final: string, quiet: boolean) {
  const aimed: WorkloadCondition = { ...verdict, type: target };
  return { conditions: quiet ? [aimed, { ...verdict, type: final }] : [aimed] };
}

function earlier({ status }: Job, wanted: string): Verdict | undefined {
  return status?.conditions?.find(({ type, status: value }) => type === wanted && value === 'True');
}

function policySuccess({ spec }: Job, { completed }: JobCounts): Verdict | undefined {
  if (spec?.suspend) return undefined;
  const met = metSuccessRule(spec?.successPolicy, completed, spec?.completions ?? 1);
  if (met === undefined) return undefined;
  return { status: 'True', reason: 'SuccessPolicy', message: `Matched rules at index ${met}` };
}

function allSucceeded({ spec }: Job, counts: JobCounts): Verdict | undefined {
  if (spec?.suspend) return undefined;
  const quiet = counts.active.length + counts.terminating === 0;
  const done = spec?.completions === undefined ? counts.succeeded > 0 && quiet : counts.succeeded >= spec.completions;
  const message = 'Reached expected number of succeeded pods';
  return done ? { status: 'True', reason: 'CompletionsReached', message } : undefined;
}

function decideFailure(job: Job, counts: JobCounts, startTime: string | undefined, nowMs: number): Verdict | undefined {
  const { backoffLimitPerIndex, activeDeadlineSeconds } = job.spec ?? {};
  const backoffLimit = job.spec?.backoffLimit ?? (backoffLimitPerIndex === undefined ? 6 : 2_147_483_647);
  const verdict = (reason: string, message: string): Verdict => ({ status: 'True', reason, message });
  if (counts.fatal !== undefined) return verdict('PodFailurePolicy', counts.fatal);
  const restarts = restartsItself(job.spec?.template) ? restartsOf(counts) : 0;
  if (counts.failed > backoffLimit || (restarts > 0 && restarts >= backoffLimit)) {
    return verdict('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  }
  const byIndex = decideIndexFailure(job, counts);
  if (byIndex) return verdict(...byIndex);
  if (activeDeadlineSeconds === undefined || !startTime) return undefined;
  if (nowMs < Date.parse(startTime) + activeDeadlineSeconds * 1_000) return undefined;
  return verdict('DeadlineExceeded', 'Job was active longer than specified deadline');
}

function decideIndexFailure({ spec }: Job, counts: JobCounts): [string, string] | undefined {
  const { completions = 1, maxFailedIndexes, backoffLimitPerIndex } = spec ?? {};
  if (backoffLimitPerIndex === undefined || counts.failedIndexes.length === 0) return undefined;
  if (maxFailedIndexes !== undefined && counts.failedIndexes.length > maxFailedIndexes) {
    return ['MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes'];
  }
  const over = counts.completed.length + counts.failedIndexes.length >= completions;
  return over ? ['FailedIndexes', 'Job has failed indexes'] : undefined;
}

function restartsOf({ active }: JobCounts): number {
  const statuses = active.flatMap(({ status }) => [
    ...(status?.initContainerStatuses ?? []),
    ...(status?.containerStatuses ?? []),
  ]);
  return statuses.reduce((sum, { restartCount = 0 }) => sum + restartCount, 0);
}
