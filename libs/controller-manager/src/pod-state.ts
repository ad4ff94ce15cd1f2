import type { KubeObject } from '@sluice/model';
import type { Pod, PodCondition } from './workload.ts';

/** True for a pod that runs or may yet run: neither ended nor being deleted. */
export function isActive(pod: Pod): boolean {
  return !isEnded(pod) && !isDeleting(pod);
}

export function isEnded({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

export function isDeleting({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp !== undefined;
}

export function podCondition(pod: Pod, type: string): PodCondition | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === type);
}

export function isReady(pod: Pod): boolean {
  return podCondition(pod, 'Ready')?.status === 'True';
}

/** When the pod has been ready for `minReadySeconds`, in milliseconds since 1970; undefined while it is not ready. */
export function availableAtMs(pod: Pod, minReadySeconds: number): number | undefined {
  const ready = podCondition(pod, 'Ready');
  if (ready?.status !== 'True') return undefined;
  if (minReadySeconds <= 0) return 0;
  const since = Date.parse(ready.lastTransitionTime ?? '');
  return Number.isNaN(since) ? undefined : since + minReadySeconds * 1_000;
}

/** True for a pod that has been ready for long enough. */
export function isAvailable(pod: Pod, minReadySeconds: number, nowMs: number): boolean {
  const at = availableAtMs(pod, minReadySeconds);
  return at !== undefined && at <= nowMs;
}

/** Milliseconds until the next of the ready pods becomes available; undefined when none is on its way. */
export function nextAvailableInMs(pods: readonly Pod[], minReadySeconds: number, nowMs: number): number | undefined {
  const times = pods.map((pod) => availableAtMs(pod, minReadySeconds)).filter((at) => at !== undefined && at > nowMs);
  return times.length > 0 ? Math.min(...times.map((at) => (at ?? nowMs) - nowMs)) : undefined;
}

/** Order in which pods are given up, those first whose loss costs least. Compares as for sorting. */
export function compareForDeletion(a: Pod, b: Pod): number {
  return (
    assigned(a) - assigned(b) ||
    phaseRank(a) - phaseRank(b) ||
    Number(isReady(a)) - Number(isReady(b)) ||
    deletionCost(a) - deletionCost(b) ||
    readySinceMs(b) - readySinceMs(a) ||
    restarts(b) - restarts(a) ||
    compareText(b.metadata.creationTimestamp, a.metadata.creationTimestamp) ||
    compareText(b.metadata.name, a.metadata.name)
  );
}

function assigned(pod: Pod): number {
  return pod.spec?.nodeName ? 1 : 0;
}

function phaseRank(pod: Pod): number {
  const phase = pod.status?.phase;
  if (phase === 'Running') return 2;
  return phase === 'Unknown' ? 1 : 0;
}

function deletionCost(pod: Pod): number {
  const cost = Number(pod.metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? '0');
  return Number.isInteger(cost) ? cost : 0;
}

function readySinceMs(pod: Pod): number {
  if (!isReady(pod)) return 0;
  const since = Date.parse(podCondition(pod, 'Ready')?.lastTransitionTime ?? '');
  return Number.isNaN(since) ? 0 : since;
}

function restarts(pod: Pod): number {
  return Math.max(0, ...(pod.status?.containerStatuses ?? []).map(({ restartCount = 0 }) => restartCount));
}

function compareText(a = '', b = ''): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
