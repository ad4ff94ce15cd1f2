import type { KubeObject } from '@sluice/model';
import type { PlanStatus } from './plan-status.ts';
import { notReady, type Readiness, ready } from './readiness.ts';

/** `Ready` of an object whose work is done by plans. A run that the schedule or a person started does not change it. */
export function planReadiness(status: PlanStatus, { metadata }: KubeObject): Readiness {
  const { run, plans = {}, installedAt } = status;
  const failed = Object.entries(plans).find(([plan, { state, wish }]) => state === 'Failed' && isBound(plan, wish));
  if (metadata.deletionTimestamp !== undefined) {
    const stuck = plans['delete']?.state === 'Failed';
    return stuck
      ? failure('delete', plans['delete']?.phase)
      : notReady('Deleting', 'the delete plan runs before the object goes');
  }
  if (run?.state === 'Running' && isBound(run.plan, plans[run.plan]?.wish ?? {})) {
    const message = `plan ${run.plan}: phase ${run.phase} is running`;
    return { status: 'Unknown', reason: 'PlanRunning', message };
  }
  if (failed) return failure(failed[0], failed[1].phase);
  if (installedAt === undefined) return notReady('NotInstalled', 'the install plan has not begun');
  return ready('PlanSucceeded', 'the spec is in effect');
}

/** The plan brings the spec into effect. */
function isBound(plan: string, wish: Readonly<Record<string, string>>): boolean {
  return plan === 'install' || Object.keys(wish).length > 0;
}

function failure(plan: string, phase: string | undefined): Readiness {
  const message = `plan ${plan}: phase ${phase} failed; look at its Workflow, then change the spec or annotate the object with sluice.dev/run-plan=${plan}`;
  return notReady('PlanFailed', message);
}
