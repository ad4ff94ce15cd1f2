import type { HelmReleaseStatus } from '@sluice/model';
import { activePlan, isExhausted, type Attempts, type ReleaseAction } from './release-action.ts';
import type { ReleasePlan } from './release-plan.ts';

/** What tells one attempt from another: a change of any of these starts counting anew. */
export type AttemptKey = { readonly generation: number; readonly revision: string; readonly configDigest: string };

/** The counters of a status. */
export function attemptsOf(status: HelmReleaseStatus): Attempts {
  return {
    ...(status.lastAttemptedReleaseAction ? { lastAction: status.lastAttemptedReleaseAction } : {}),
    installFailures: status.installFailures ?? 0,
    upgradeFailures: status.upgradeFailures ?? 0,
  };
}

/** True when failures of earlier attempts say nothing about the next one. */
export function isNewAttempt(status: HelmReleaseStatus, key: AttemptKey): boolean {
  return (
    status.lastAttemptedGeneration !== key.generation ||
    status.lastAttemptedRevision !== key.revision ||
    status.lastAttemptedConfigDigest !== key.configDigest
  );
}

const noFailures = { failures: 0, installFailures: 0, upgradeFailures: 0 } as const;

/** Forget the failures. */
export function resetFailures(status: HelmReleaseStatus): HelmReleaseStatus {
  return { ...status, ...noFailures };
}

/** Count a failed action. Only install and upgrade, and tests of one of ours, have counters; the rest counts in `failures` alone. */
export function countFailure(status: HelmReleaseStatus, action: ReleaseAction): HelmReleaseStatus {
  const failures = (status.failures ?? 0) + 1;
  const counted = action.kind === 'test' ? status.lastAttemptedReleaseAction : action.kind;
  if (counted === 'install') return { ...status, failures, installFailures: (status.installFailures ?? 0) + 1 };
  if (counted === 'upgrade') return { ...status, failures, upgradeFailures: (status.upgradeFailures ?? 0) + 1 };
  return { ...status, failures };
}

/** When to look at a release again. */
export type Later =
  | { readonly when: 'interval' }
  | { readonly when: 'now' }
  | { readonly when: 'after'; readonly ms: number }
  | { readonly when: 'stalled'; readonly reason: string; readonly message: string };

/** What follows a pass that stops although the release is not as wanted: after a remediation, or when an action would repeat. */
export function afterPass(plan: ReleasePlan, attempts: Attempts, last: ReleaseAction): Later {
  const active = activePlan(plan, attempts);
  if (!active) return { when: 'interval' };
  const { strategy, remediation, failures } = active;
  if (strategy.name === 'RetryOnFailure') return { when: 'after', ms: strategy.retryIntervalMs };
  const reinstalls = last.kind === 'uninstall' && attempts.lastAction === 'upgrade';
  if (reinstalls || !isExhausted(remediation, failures)) return { when: 'now' };
  const message = `Failed to ${attempts.lastAction} after ${failures} attempt(s)`;
  return { when: 'stalled', reason: 'RetriesExceeded', message };
}

export const annotations = Object.freeze({
  requestedAt: 'reconcile.fluxcd.io/requestedAt',
  forceAt: 'reconcile.fluxcd.io/forceAt',
  resetAt: 'reconcile.fluxcd.io/resetAt',
});

/** What people ask for by annotations and was not handled yet. `force` and `reset` count only with the token of `requestedAt`. */
export function pendingRequests(
  given: Readonly<Record<string, string>> | undefined,
  status: HelmReleaseStatus,
): { readonly token?: string; readonly force: boolean; readonly reset: boolean } {
  const token = given?.[annotations.requestedAt];
  if (!token) return { force: false, reset: false };
  const fresh = token !== status.lastHandledReconcileAt;
  return {
    ...(fresh ? { token } : {}),
    force: given[annotations.forceAt] === token && status.lastHandledForceAt !== token,
    reset: given[annotations.resetAt] === token && status.lastHandledResetAt !== token,
  };
}
