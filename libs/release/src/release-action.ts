import type { ReleaseSnapshot } from '@sluice/model';
import type { Sha256 } from './digest.ts';
import { matchesRecord, previousGood } from './history.ts';
import type { RecordedRelease } from './recorded-release.ts';
import type { ReleasePlan, RemediationPlan, StrategyPlan } from './release-plan.ts';
import type { ReleaseState } from './release-state.ts';

/** Failed attempts since something was changed last. */
export type Attempts = {
  readonly lastAction?: 'install' | 'upgrade';
  readonly installFailures: number;
  readonly upgradeFailures: number;
};

export type ReleaseAction =
  | { readonly kind: 'none' }
  /** `discard`: remove the record of our own killed operation instead of marking it failed; the operation is repeated. */
  | { readonly kind: 'unlock'; readonly version: number; readonly discard: boolean }
  | { readonly kind: 'install' }
  /** `adopt`: the release is somebody else's so far; forget our history. */
  | { readonly kind: 'upgrade'; readonly adopt: boolean }
  | { readonly kind: 'test' }
  | { readonly kind: 'rollback'; readonly version: number }
  | { readonly kind: 'uninstall' }
  | { readonly kind: 'correct-drift' }
  /** Nothing can be done: `Stalled` with this reason. */
  | {
      readonly kind: 'refuse';
      readonly reason: 'RetriesExceeded' | 'MissingRollbackTarget' | 'StateError';
      readonly message: string;
    };

/** Kinds of actions of which one pass runs each at most once. */
export type ActionType = 'release' | 'remediate' | 'test' | 'unlock' | 'drift' | 'none';

/** The type of an action. */
export function typeOf(action: ReleaseAction): ActionType {
  switch (action.kind) {
    case 'install':
    case 'upgrade':
      return 'release';
    case 'rollback':
    case 'uninstall':
      return 'remediate';
    case 'test':
    case 'unlock':
      return action.kind;
    case 'correct-drift':
      return 'drift';
    case 'none':
    case 'refuse':
      return 'none';
    default:
      return action satisfies never;
  }
}

export type ActionInput = {
  readonly plan: ReleasePlan;
  readonly attempts: Attempts;
  /** A force token waits to be handled. */
  readonly forced: boolean;
  readonly records: readonly RecordedRelease[];
  readonly history: readonly ReleaseSnapshot[];
  /** The latest record is of our own making and may be removed and made anew. */
  readonly repeatable?: boolean;
  readonly sha256: Sha256;
};

/** The one next action for a release in this state. */
export function nextAction(state: ReleaseState, input: ActionInput): ReleaseAction {
  const { plan, attempts, forced, records } = input;
  switch (state.kind) {
    case 'InSync':
      return forced ? { kind: 'upgrade', adopt: false } : { kind: 'none' };
    case 'Locked':
      return { kind: 'unlock', version: records[0]?.version ?? 0, discard: input.repeatable ?? false };
    case 'Absent':
      if (!forced && givesUp(plan.install.strategy, plan.install.remediation, attempts.installFailures)) {
        return exceeded('install', attempts.installFailures);
      }
      return { kind: 'install' };
    case 'Unmanaged':
      return { kind: 'upgrade', adopt: true };
    case 'OutOfSync':
      if (!forced && givesUp(plan.upgrade.strategy, plan.upgrade.remediation, attempts.upgradeFailures)) {
        return exceeded('upgrade', attempts.upgradeFailures);
      }
      return { kind: 'upgrade', adopt: false };
    case 'Drifted':
      return plan.drift.mode === 'enabled' ? { kind: 'correct-drift' } : { kind: 'none' };
    case 'Untested':
      return { kind: 'test' };
    case 'Failed':
      return afterFailure(input);
    case 'Unknown':
      return {
        kind: 'refuse',
        reason: 'StateError',
        message: `${state.reason}; helm history and helm rollback can mend it`,
      };
    default:
      return state.kind satisfies never;
  }
}

/** The remediation and strategy that the last attempt stands under; undefined when we made none. */
export function activePlan(
  plan: ReleasePlan,
  attempts: Attempts,
): { readonly remediation: RemediationPlan; readonly strategy: StrategyPlan; readonly failures: number } | undefined {
  if (attempts.lastAction === undefined) return undefined;
  const { remediation, strategy } = plan[attempts.lastAction];
  const failures = attempts.lastAction === 'install' ? attempts.installFailures : attempts.upgradeFailures;
  return { remediation, strategy, failures };
}

/** True when no further attempt is allowed: `retries` counts repetitions, so 3 means 4 attempts; below 0 means for ever. */
export function isExhausted({ retries }: RemediationPlan, failures: number): boolean {
  return retries >= 0 && failures > retries;
}

function givesUp(strategy: StrategyPlan, remediation: RemediationPlan, failures: number): boolean {
  return strategy.name === 'RemediateOnFailure' && isExhausted(remediation, failures);
}

function afterFailure(input: ActionInput): ReleaseAction {
  const { plan, attempts, forced, history, records, sha256 } = input;
  const active = activePlan(plan, attempts);
  const again: ReleaseAction = { kind: 'upgrade', adopt: false };
  if (!active || active.strategy.name === 'RetryOnFailure' || active.failures === 0 || forced) return again;
  const { remediation, failures } = active;
  if (isExhausted(remediation, failures) && !remediation.remediateLastFailure) {
    return exceeded(attempts.lastAction ?? 'upgrade', failures);
  }
  if (remediation.strategy === 'uninstall') return { kind: 'uninstall' };
  const previous = previousGood(history, remediation.ignoreTestFailures);
  if (!previous) {
    const message =
      'there is no earlier good revision to roll back to; mend the values or the chart, or set upgrade.remediation.strategy to uninstall';
    return { kind: 'refuse', reason: 'MissingRollbackTarget', message };
  }
  const record = records.find(({ version }) => version === previous.version);
  return matchesRecord(previous, record, sha256) ? { kind: 'rollback', version: previous.version } : again;
}

function exceeded(action: 'install' | 'upgrade', failures: number): ReleaseAction {
  const times = failures === 1 ? 'once' : `${failures} times`;
  const message = `the ${action} failed ${times}, no retries are left; change the values, the chart or the spec, or ask again with the annotation reconcile.fluxcd.io/resetAt`;
  return { kind: 'refuse', reason: 'RetriesExceeded', message };
}
