import type { KubeObject } from '@sluice/model';
import type { LabelSelector } from '@sluice/reconcile';
import { buildPod } from './create-pods.ts';
import { revisionLabel } from './controller-revision.ts';
import { resolveIntOrPercent } from './int-or-percent.ts';
import { isAvailable, isDeleting, isEnded, isReady } from './pod-state.ts';
import { decidePlacement, type Node } from './scheduling.ts';
import type { IntOrPercent, Pod, PodTemplate } from './workload.ts';

export type DaemonSet = KubeObject<{
  readonly selector?: LabelSelector;
  readonly template?: PodTemplate;
  readonly minReadySeconds?: number;
  readonly revisionHistoryLimit?: number;
  readonly updateStrategy?: {
    readonly type?: string;
    readonly rollingUpdate?: { readonly maxUnavailable?: IntOrPercent };
  };
}>;

export type DaemonDecision = {
  /** Nodes that lack their pod. */
  readonly create: readonly string[];
  readonly remove: readonly Pod[];
};

/** Nodes on which the set wants a pod. */
export function wantedNodes(set: DaemonSet, nodes: readonly Node[]): readonly string[] {
  const pod = buildPod({ ...set, metadata: { ...set.metadata, uid: set.metadata.uid ?? '-' } }, set.spec?.template);
  // Daemons run on nodes that take no other pods, too.
  const open = (node: Node): Node => ({
    ...node,
    spec: { ...node.spec, unschedulable: false, taints: noExecuteTaints(node) },
  });
  return nodes
    .filter((node) => decidePlacement(pod, [open(node)]).node !== undefined)
    .map(({ metadata }) => metadata.name);
}

function noExecuteTaints({ spec }: Node): NonNullable<NonNullable<Node['spec']>['taints']> {
  return (spec?.taints ?? []).filter(({ key }) => !key.startsWith('node.kubernetes.io/'));
}

/** One pod a node; pods of an older template are replaced as far as `maxUnavailable` allows. Pure. */
export function decideDaemonSet(
  set: DaemonSet,
  pods: readonly Pod[],
  nodes: readonly string[],
  hash: string,
  nowMs: number,
): DaemonDecision {
  const available = (pod: Pod): boolean => isAvailable(pod, set.spec?.minReadySeconds ?? 0, nowMs);
  const wanted = new Set(nodes);
  const create: string[] = [];
  const remove = pods.filter((pod) => !wanted.has(pod.spec?.nodeName ?? '') && !isDeleting(pod));
  const kept: Pod[] = [];
  for (const node of nodes) {
    const [pod, ...surplus] = pods.filter(({ spec }) => spec?.nodeName === node);
    remove.push(...surplus.filter((extra) => !isDeleting(extra)));
    if (!pod) create.push(node);
    else if (isEnded(pod) && !isDeleting(pod)) remove.push(pod);
    else kept.push(pod);
  }
  const serving = kept.filter((pod) => !isDeleting(pod) && available(pod));
  const outdated = kept.filter((pod) => !isDeleting(pod) && pod.metadata.labels?.[revisionLabel] !== hash);
  return { create, remove: [...remove, ...decideUpdate(set, outdated, serving, nodes.length)] };
}

/** Outdated pods that may go now: those that serve nobody, and of the others as many as may be missing. */
function decideUpdate(
  set: DaemonSet,
  outdated: readonly Pod[],
  serving: readonly Pod[],
  nodes: number,
): readonly Pod[] {
  const { updateStrategy } = set.spec ?? {};
  if (updateStrategy?.type === 'OnDelete') return [];
  const asked = updateStrategy?.rollingUpdate?.maxUnavailable ?? 1;
  const budget = Math.max(1, resolveIntOrPercent(asked, nodes, 'up')) - (nodes - serving.length);
  const idle = outdated.filter((pod) => !serving.includes(pod));
  const busy = outdated.filter((pod) => serving.includes(pod));
  return [...idle, ...busy.slice(0, Math.max(0, budget))];
}

/** The status that these pods make. Pure. */
export function daemonSetStatus(
  set: DaemonSet,
  pods: readonly Pod[],
  nodes: readonly string[],
  hash: string,
  nowMs: number,
): object {
  const wanted = new Set(nodes);
  const live = pods.filter((pod) => !isDeleting(pod) && !isEnded(pod));
  const placed = live.filter(({ spec }) => wanted.has(spec?.nodeName ?? ''));
  const available = placed.filter((pod) => isAvailable(pod, set.spec?.minReadySeconds ?? 0, nowMs)).length;
  return {
    observedGeneration: set.metadata.generation ?? 0,
    desiredNumberScheduled: nodes.length,
    currentNumberScheduled: placed.length,
    numberMisscheduled: live.length - placed.length,
    numberReady: placed.filter(isReady).length,
    numberAvailable: available,
    numberUnavailable: nodes.length - available,
    updatedNumberScheduled: placed.filter(({ metadata }) => metadata.labels?.[revisionLabel] === hash).length,
  };
}
