import type { KubeObject } from '@sluice/model';
import { ownerReferenceTo, type LabelSelector } from '@sluice/reconcile';
import { buildPod } from './create-pods.ts';
import { revisionLabel } from './controller-revision.ts';
import { isAvailable, isDeleting, isEnded, isReady } from './pod-state.ts';
import type { Pod, PodTemplate } from './workload.ts';

type ClaimTemplate = KubeObject;

export type StatefulSet = KubeObject<
  {
    readonly replicas?: number;
    readonly serviceName?: string;
    readonly selector?: LabelSelector;
    readonly template?: PodTemplate;
    readonly volumeClaimTemplates?: readonly ClaimTemplate[];
    readonly podManagementPolicy?: string;
    readonly updateStrategy?: { readonly type?: string; readonly rollingUpdate?: { readonly partition?: number } };
    readonly revisionHistoryLimit?: number;
    readonly minReadySeconds?: number;
    readonly ordinals?: { readonly start?: number };
    readonly persistentVolumeClaimRetentionPolicy?: { readonly whenDeleted?: string; readonly whenScaled?: string };
  },
  {
    readonly currentRevision?: string;
    readonly updateRevision?: string;
    readonly collisionCount?: number;
  }
>;

/** The next things to do: ordinals to make pods for at a revision, and pods to delete. */
export type StatefulDecision = {
  readonly create: readonly { readonly ordinal: number; readonly updated: boolean }[];
  readonly remove: readonly Pod[];
};

/** The number at the end of a pod's name; undefined for a pod of another form. */
export function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const prefix = `${set.metadata.name}-`;
  const rest = pod.metadata.name.startsWith(prefix) ? pod.metadata.name.slice(prefix.length) : '';
  return /^\d+$/.test(rest) ? Number(rest) : undefined;
}

/** What a step is decided from. */
type View = {
  readonly set: StatefulSet;
  readonly pods: readonly Pod[];
  readonly byOrdinal: ReadonlyMap<number | undefined, Pod>;
  /** Ordinals that shall have a pod: from here, to before there. */
  readonly first: number;
  readonly end: number;
  readonly healthy: (pod: Pod) => boolean;
  /** True for a pod that the update strategy wants replaced. */
  readonly outdated: (pod: Pod) => boolean;
};

const nothing: StatefulDecision = { create: [], remove: [] };

/**
 * One step: pods come in order, each after the one before it is available; they go in reverse order, one at a time; an
 * update replaces them from the highest down to the partition. `Parallel` does not wait when scaling. An unhealthy pod of
 * an older revision does not hold up the update that would mend it. Pure.
 */
export function decideStatefulSet(
  set: StatefulSet,
  pods: readonly Pod[],
  updateHash: string,
  nowMs: number,
): StatefulDecision {
  // A pod that has ended is replaced under its own name.
  const ended = pods.filter((pod) => isEnded(pod) && !isDeleting(pod));
  if (ended.length > 0) return { create: [], remove: ended };
  const { replicas = 1, minReadySeconds = 0, ordinals, updateStrategy } = set.spec ?? {};
  const first = ordinals?.start ?? 0;
  const view: View = {
    set,
    pods,
    byOrdinal: new Map(pods.map((pod) => [ordinalOf(set, pod), pod])),
    first,
    end: first + replicas,
    healthy: (pod) => !isDeleting(pod) && isAvailable(pod, minReadySeconds, nowMs),
    outdated: (pod) =>
      updateStrategy?.type !== 'OnDelete' &&
      pod.metadata.labels?.[revisionLabel] !== updateHash &&
      (ordinalOf(set, pod) ?? 0) >= partitionOf(set),
  };
  return decideGrowth(view) ?? decideShrinking(view) ?? decideUpdate(view);
}

function decideGrowth({ set, byOrdinal, first, end, healthy, outdated }: View): StatefulDecision | undefined {
  const parallel = set.spec?.podManagementPolicy === 'Parallel';
  const create: { ordinal: number; updated: boolean }[] = [];
  for (let ordinal = first; ordinal < end; ordinal++) {
    const pod = byOrdinal.get(ordinal);
    if (!pod) create.push({ ordinal, updated: ordinal >= partitionOf(set) || !set.status?.currentRevision });
    if (parallel || (pod && healthy(pod))) continue;
    const mend = pod && outdated(pod) && !isDeleting(pod) ? [pod] : [];
    return { create, remove: mend };
  }
  return create.length > 0 ? { create, remove: [] } : undefined;
}

function decideShrinking({ set, pods, first, end }: View): StatefulDecision | undefined {
  const place = (pod: Pod): number => ordinalOf(set, pod) ?? first;
  const surplus = pods.filter((pod) => place(pod) < first || place(pod) >= end).toSorted((a, b) => place(b) - place(a));
  if (surplus.length === 0) return undefined;
  if (set.spec?.podManagementPolicy === 'Parallel')
    return { create: [], remove: surplus.filter((pod) => !isDeleting(pod)) };
  return surplus.some(isDeleting) ? nothing : { create: [], remove: surplus.slice(0, 1) };
}

function decideUpdate({ byOrdinal, first, end, healthy, outdated }: View): StatefulDecision {
  for (let ordinal = end - 1; ordinal >= first; ordinal--) {
    const pod = byOrdinal.get(ordinal);
    if (!pod || isDeleting(pod)) return nothing;
    if (outdated(pod)) return { create: [], remove: [pod] };
    if (!healthy(pod)) return nothing;
  }
  return nothing;
}

function partitionOf({ spec }: StatefulSet): number {
  return spec?.updateStrategy?.rollingUpdate?.partition ?? 0;
}

/** The claims of one pod: `<template>-<set>-<ordinal>`. They outlive the pod. */
export function buildClaims(set: StatefulSet, ordinal: number): readonly KubeObject[] {
  const { namespace } = set.metadata;
  const owned = set.spec?.persistentVolumeClaimRetentionPolicy?.whenDeleted === 'Delete';
  return (set.spec?.volumeClaimTemplates ?? []).map(({ metadata, spec }) => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: `${metadata.name}-${set.metadata.name}-${ordinal}`,
      ...(namespace !== undefined && { namespace }),
      labels: { ...metadata.labels, ...set.spec?.selector?.matchLabels },
      ...(metadata.annotations && { annotations: metadata.annotations }),
      ...(owned && { ownerReferences: [{ ...ownerReferenceTo(set), controller: false }] }),
    },
    spec,
  }));
}

/** The pod of an ordinal, at a revision. */
export function buildStatefulPod(
  set: StatefulSet,
  template: PodTemplate | undefined,
  ordinal: number,
  hash: string,
): Pod {
  const name = `${set.metadata.name}-${ordinal}`;
  const claims = set.spec?.volumeClaimTemplates ?? [];
  const claimed = new Set(claims.map(({ metadata }) => metadata.name));
  const volumes = [
    ...(template?.spec?.volumes ?? []).filter(({ name: volume }) => typeof volume !== 'string' || !claimed.has(volume)),
    ...claims.map(({ metadata }) => ({
      name: metadata.name,
      persistentVolumeClaim: { claimName: `${metadata.name}-${name}` },
    })),
  ];
  const labels = {
    'statefulset.kubernetes.io/pod-name': name,
    'apps.kubernetes.io/pod-index': String(ordinal),
    [revisionLabel]: hash,
  };
  const subdomain = set.spec?.serviceName;
  const spec = {
    ...template?.spec,
    hostname: name,
    ...(subdomain && { subdomain }),
    ...(volumes.length > 0 && { volumes }),
  };
  return buildPod(set, template, { name, labels, spec });
}

/** The status that these pods make. Pure. */
export function statefulSetStatus(
  set: StatefulSet,
  pods: readonly Pod[],
  revisions: {
    readonly current: string;
    readonly update: string;
    readonly updateHash: string;
    readonly currentHash: string;
  },
  nowMs: number,
): object {
  const { replicas = 1, minReadySeconds = 0 } = set.spec ?? {};
  const live = pods.filter((pod) => !isDeleting(pod) && !isEnded(pod));
  const at = (hash: string): number => live.filter(({ metadata }) => metadata.labels?.[revisionLabel] === hash).length;
  const updated = at(revisions.updateHash);
  const available = live.filter((pod) => isAvailable(pod, minReadySeconds, nowMs)).length;
  const done = updated === replicas && live.length === replicas && available === replicas;
  const current = done ? revisions.update : revisions.current;
  return {
    observedGeneration: set.metadata.generation ?? 0,
    replicas: pods.filter((pod) => !isEnded(pod)).length,
    readyReplicas: live.filter(isReady).length,
    availableReplicas: available,
    currentReplicas: done ? updated : at(revisions.currentHash),
    updatedReplicas: updated,
    currentRevision: current,
    updateRevision: revisions.update,
    collisionCount: 0,
  };
}
