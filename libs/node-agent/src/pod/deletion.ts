import type { Pod } from './pod-spec.ts';
import type { Ending } from './pod-state.ts';

/** What the end of a pod is decided from. */
export type DeletionView = {
  readonly before: Ending | undefined;
  /** A Service sends to the pod: it is given time to notice. */
  readonly serving: boolean;
  readonly drainMs: number;
  readonly now: number;
};

/** How a pod ends that is being deleted. A second deletion can only shorten its grace. Pure. */
export function deletionOf(pod: Pod, { before, serving, drainMs, now }: DeletionView): Ending {
  const graceMs = (pod.metadata.deletionGracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? 30) * 1_000;
  if (before?.reason === 'Deleted') return graceMs < before.graceMs ? { ...before, graceMs } : before;
  const drainUntil = serving && graceMs > 0 ? now + Math.min(drainMs, graceMs) : now;
  return { reason: 'Deleted', since: now, graceMs, drainUntil };
}
