import { compareForDeletion, isActive, isAvailable, isReady } from './pod-state.ts';
import type { Pod, ReplicaSet, ReplicaSetStatus } from './workload.ts';

/** How many pods to make, and which to delete. */
export type ReplicaDecision = { readonly create: number; readonly remove: readonly Pod[] };

/** Most pods that one pass makes or deletes. */
const maxBurst = 500;

/** What brings the number of active pods to the wanted one. Pure. */
export function decideReplicas(set: ReplicaSet, pods: readonly Pod[]): ReplicaDecision {
  const active = pods.filter(isActive);
  const wanted = set.spec?.replicas ?? 1;
  const missing = wanted - active.length;
  if (missing >= 0) return { create: Math.min(missing, maxBurst), remove: [] };
  return { create: 0, remove: active.toSorted(compareForDeletion).slice(0, Math.min(-missing, maxBurst)) };
}

/** The status that these pods make. Pure. */
export function replicaSetStatus(set: ReplicaSet, pods: readonly Pod[], nowMs: number): ReplicaSetStatus {
  const active = pods.filter(isActive);
  const minReadySeconds = set.spec?.minReadySeconds ?? 0;
  const wanted = Object.entries(set.spec?.template?.metadata?.labels ?? {});
  const labelled = active.filter(({ metadata }) => wanted.every(([key, value]) => metadata.labels?.[key] === value));
  return {
    replicas: active.length,
    fullyLabeledReplicas: labelled.length,
    readyReplicas: active.filter(isReady).length,
    availableReplicas: active.filter((pod) => isAvailable(pod, minReadySeconds, nowMs)).length,
    observedGeneration: set.metadata.generation ?? 0,
  };
}
