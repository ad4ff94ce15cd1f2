import { isSidecar, type Container, type Pod } from '../pod/pod-spec.ts';
import { containerState, type ContainerState, isLive, newPodState, type PodState } from '../pod/pod-state.ts';
import { allContainers } from '../pod/pod-spec.ts';
import { restarts } from '../pod/decide-pod.ts';

/**
 * What becomes of a pod that was bound to this node before the agent started. `kept` is its state.json. Processes of an
 * earlier life are dead by now: containers that are to be restarted will be; otherwise the pod is lost. Ends that were
 * recorded stand. Pure.
 */
export function recoverPod(pod: Pod, kept: PodState | undefined, now: number): PodState {
  const spec = pod.spec ?? { containers: [] };
  const ip = pod.status?.podIP;
  if (!kept) {
    const begun = pod.status?.phase === 'Running' || hasBegun(pod);
    if (!begun) return newPodState;
    const base: PodState = ip ? { ...newPodState, ip } : newPodState;
    return (spec.restartPolicy ?? 'Always') === 'Always' ? base : lost(base, 'nothing is known of its processes');
  }
  const containers: Record<string, ContainerState> = {};
  let isLost = false;
  for (const container of allContainers(spec)) {
    const own = containerState(kept, container.name);
    if (!isLive(own)) {
      containers[container.name] = { ...own, stopping: false };
      continue;
    }
    const after = lostContainer(own, now);
    containers[container.name] = after;
    if (!restarts(spec.restartPolicy, container, 137) && isNeeded(container, spec.containers)) isLost = true;
  }
  const { ending: _, ...rest } = kept;
  const recovered: PodState = { ...rest, containers, preparation: { phase: 'none', failures: 0 } };
  return isLost ? lost(recovered, 'its processes are gone') : recovered;
}

function isNeeded(container: Container, main: readonly Container[]): boolean {
  return main.includes(container) || !isSidecar(container);
}

function hasBegun(pod: Pod): boolean {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  return statuses.some(({ state }) => state.running !== undefined || state.terminated !== undefined);
}

function lost(state: PodState, why: string): PodState {
  const message = `Sluice was stopped while this pod ran, and ${why}. Whether its work was done is not known, so it is not run again.`;
  return { ...state, failure: { reason: 'NodeLost', message } };
}

function lostContainer(own: ContainerState, now: number): ContainerState {
  const { pid: _pid, pidStart: _start, exit, ...rest } = own;
  return {
    ...rest,
    phase: 'exited',
    started: false,
    ready: false,
    stopping: false,
    ...(exit ? { previousExit: exit } : {}),
    exit: {
      code: 137,
      reason: 'ContainerStatusUnknown',
      message: 'The container could not be found after Sluice was started again',
      startedAt: own.startedAt ?? now,
      finishedAt: now,
    },
  };
}
