import type { ContainerObservation, PodObservation } from './action.ts';
import { initializeNode, markPhase, type Pass } from './pass.ts';
import type { RunContext } from './run-context.ts';
import { isCompleted, isFulfilled, type NodePhase, type NodeStatus, type Template } from './workflow-types.ts';

type SetContainer = { readonly name: string; readonly dependencies?: readonly string[] };

/** The containers of a container set; none of another template. */
export function containersOf({ containerSet }: Template): readonly SetContainer[] {
  const containers = containerSet?.['containers'];
  return Array.isArray(containers) ? (containers as unknown as readonly SetContainer[]) : [];
}

/** Make the nodes of a container set's containers below that of their pod: each after those that it depends on. */
export function ensureContainerNodes({ pass, request, prepared }: RunContext, pod: NodeStatus): void {
  const containers = containersOf(prepared.template);
  const nameOf = (container: string): string => `${pod.name}.${container}`;
  for (const { name } of containers) {
    if (pass.nodes.byName(nameOf(name))) continue;
    initializeNode(pass, {
      name: nameOf(name),
      type: 'Container',
      phase: 'Pending',
      boundaryId: pod.id,
      scope: request.context.scope,
      call: request.call,
    });
  }
  for (const { name, dependencies = [] } of containers) {
    if (dependencies.length === 0) pass.nodes.addChild(pod.name, nameOf(name));
    for (const before of dependencies) pass.nodes.addChild(nameOf(before), nameOf(name));
  }
}

/** The container nodes below the node of a pod, however deep. */
export function containerNodesOf(pass: Pass, pod: NodeStatus): readonly NodeStatus[] {
  const found = new Map<string, NodeStatus>();
  const walk = (node: NodeStatus): void => {
    for (const child of pass.nodes.childrenOf(node)) {
      if (child.type !== 'Container' || child.boundaryID !== pod.id || found.has(child.id)) continue;
      found.set(child.id, child);
      walk(child);
    }
  };
  walk(pass.nodes.byId(pod.id) ?? pod);
  return [...found.values()];
}

/** Carry what became of the containers over to their nodes; once the pod has ended, none of them is left open. */
export function observeContainers(pass: Pass, pod: NodeStatus, seen: PodObservation): void {
  if (!pod.children) return;
  const ended = seen.phase === 'Succeeded' || seen.phase === 'Failed' || seen.phase === 'Error';
  for (const node of containerNodesOf(pass, pod)) {
    const own = seen.containers?.[node.displayName];
    const phase = own && (isCompleted(own.phase) || !ended) ? own.phase : ended ? fallbackPhase(seen) : undefined;
    if (phase === undefined || phase === 'Pending') continue;
    markPhase(pass, node.name, phase, own?.message ?? (phase === 'Succeeded' ? undefined : seen.message));
    pass.nodes.update(node.id, timesOf(own));
  }
}

function fallbackPhase(seen: PodObservation): 'Succeeded' | 'Failed' | 'Error' {
  return seen.phase === 'Succeeded' || seen.phase === 'Error' ? seen.phase : 'Failed';
}

function timesOf(own: ContainerObservation | undefined): Partial<NodeStatus> {
  return {
    ...(own?.startedAt ? { startedAt: own.startedAt } : {}),
    ...(own?.finishedAt ? { finishedAt: own.finishedAt } : {}),
  };
}

/** The pod is gone: so are its containers. */
export function loseContainers(pass: Pass, pod: NodeStatus): void {
  for (const node of containerNodesOf(pass, pod)) markPhase(pass, node.name, 'Error', 'container deleted');
}

/** The pod is not wanted any more: containers that have not ended end with it. */
export function endContainers(pass: Pass, pod: NodeStatus, phase: NodePhase, message?: string): void {
  for (const node of containerNodesOf(pass, pod)) if (!isFulfilled(node)) markPhase(pass, node.name, phase, message);
}
