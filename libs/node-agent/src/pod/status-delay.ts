import { isFinished, type Pod, type PodStatus } from './pod-spec.ts';
import type { PodState } from './pod-state.ts';

/** How long news of a pod may wait, so that what follows at once is in the same write. In milliseconds. */
export type Delays = {
  /** A step that has begun: a short one ends before this is over and costs one write. */
  readonly stepRunningMs: number;
  /** A pod on its way to run. */
  readonly pendingMs: number;
  /** Between `Ready=False` and SIGTERM for a pod behind a Service. */
  readonly drainMs: number;
};

export const defaultDelays: Delays = Object.freeze({ stepRunningMs: 25, pendingMs: 250, drainMs: 250 });

const onItsWay: ReadonlySet<string> = new Set(['ContainerCreating', 'PodInitializing']);
const sameMomentMs = 5;

/** How long the write of this status may wait. Ends, problems and deletions are told at once. */
export function statusDelayMs(pod: Pod, status: PodStatus, state: PodState, delays: Delays): number {
  if (isFinished(status) || state.ending) return 0;
  const statuses = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  const problem = statuses.some(({ state: { waiting } }) => waiting && !onItsWay.has(waiting.reason));
  if (problem) return 0;
  if (status.phase === 'Pending') return delays.pendingMs;
  const isStep =
    pod.spec?.restartPolicy === 'Never' && !pod.spec.containers.some((container) => container.readinessProbe);
  return isStep ? delays.stepRunningMs : sameMomentMs;
}
