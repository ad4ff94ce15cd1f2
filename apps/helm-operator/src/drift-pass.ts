import { findCondition } from '@sluice/model';
import type { ReleaseRecord } from '@sluice/helm';
import { describeDrift } from '@sluice/release';
import { correctDrift, findDrift, type FoundDrift } from './drift.ts';
import type { ReleaseContext } from './release-context.ts';

const maxMessage = 2_000;

/** The drift of a release that is otherwise as wanted; nothing where nobody wants to know. */
export async function lookForDrift(
  { ports, plan, signal }: ReleaseContext,
  latest: ReleaseRecord,
): Promise<readonly FoundDrift[]> {
  if (plan.drift.mode === 'disabled') return [];
  return findDrift(ports.kube, latest, { ...plan.drift, overrideManagers: ports.overrideManagers }, signal);
}

/** Say in the conditions and, when it is news, in an event, what drifted. */
export function noteDrift({ ports, plan, draft, release }: ReleaseContext, drift: readonly FoundDrift[]): void {
  const known = findCondition(draft.current.conditions, 'Drifted');
  if (plan.drift.mode === 'disabled') draft.drop('Drifted');
  else if (drift.length > 0) {
    const message = describeDrift(drift).slice(0, maxMessage);
    if (known?.status !== 'True' || known.message !== message)
      ports.events.event(release, 'Warning', 'DriftDetected', message);
    draft.condition({ type: 'Drifted', status: 'True', reason: 'DriftDetected', message });
  } else if (known?.status === 'True') {
    const message = 'the cluster is as the release says';
    draft.condition({ type: 'Drifted', status: 'False', reason: 'NoDriftDetected', message });
  }
}

/** Bring back what drifted. A failure is told and tried again at the next interval. */
export async function mendDrift(
  { ports, draft, release, signal }: ReleaseContext,
  drift: readonly FoundDrift[],
): Promise<void> {
  const failed = await correctDrift(ports.kube, drift, signal);
  if (failed.length > 0) {
    const message = `could not correct: ${failed.join('; ')}`.slice(0, maxMessage);
    ports.events.event(release, 'Warning', 'DriftCorrectionFailed', message);
    draft.condition({ type: 'Drifted', status: 'True', reason: 'DriftCorrectionFailed', message });
    return;
  }
  const message = `corrected ${drift.length} ${drift.length === 1 ? 'object' : 'objects'}: ${describeDrift(drift)}`;
  ports.events.event(release, 'Normal', 'DriftCorrected', message.slice(0, maxMessage));
  draft.condition({
    type: 'Drifted',
    status: 'False',
    reason: 'DriftCorrected',
    message: message.slice(0, maxMessage),
  });
}
