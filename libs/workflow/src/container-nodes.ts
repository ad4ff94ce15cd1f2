import type { ContainerObservation } from './action.ts';
import { initializeNode, markPhase, type Pass } from './pass.ts';
import type { RunContext } from './run-context.ts';
import { isFulfilled, type NodePhase, type NodeStatus } from './workflow-types.ts';

type SetContainer = { readonly name: string; readonly dependencies: readonly string[] };

/** Make the nodes of a container set: those that wait for nothing are children of the pod's node, others of what they wait for. */
export function ensureContainerNodes(run: RunContext, podNode: NodeStatus): void {
  const { pass, request, prepared } = run;
  const containers = containersOf(prepared.template.containerSet);
  for (const { name } of containers) {
    const nodeName = `${podNode.name}.${name}`;
    if (pass.nodes.byName(nodeName)) continue;
    initializeNode(pass, {
      name: nodeName,
      type: 'Container',
      phase: 'Pending',
      boundaryId: podNode.id,
      scope: request.context.scope,
      call: request.call,
    });
  }
  for (const { name, dependencies } of containers) {
    const parents =
      dependencies.length === 0 ? [podNode.name] : dependencies.map((other) => `${podNode.name}.${other}`);
    for (const parent of parents) pass.nodes.addChild(parent, `${podNode.name}.${name}`);
  }
}

function containersOf(set: unknown): readonly SetContainer[] {
  const list = isRecord(set) && Array.isArray(set['containers']) ? (set['containers'] as readonly unknown[]) : [];
  return list.filter(isRecord).map(({ name, dependencies }) => ({
    name: String(name),
    dependencies: Array.isArray(dependencies) ? dependencies.map(String) : [],
  }));
}

/** The nodes of the containers of a pod's node that have not ended. */
function openContainers(pass: Pass, podNode: NodeStatus): readonly NodeStatus[] {
  const found = new Map<string, NodeStatus>();
  const stack = [pass.nodes.byId(podNode.id) ?? podNode];
  for (let node = stack.pop(); node; node = stack.pop()) {
    for (const child of pass.nodes.childrenOf(node)) {
      if (child.type !== 'Container' || child.boundaryID !== podNode.id || found.has(child.id)) continue;
      found.set(child.id, child);
      stack.push(child);
    }
  }
  return [...found.values()].filter((node) => !isFulfilled(node));
}

/** Take over what became of the containers of a set while their pod lives. */
export function observeContainers(
  pass: Pass,
  podNode: NodeStatus,
  seen: Readonly<Record<string, ContainerObservation>> | undefined,
  otherwise: NodePhase,
): void {
  for (const node of openContainers(pass, podNode)) {
    const own = seen?.[node.name.slice(podNode.name.length + 1)];
    if (own) markPhase(pass, node.name, own.phase, own.message);
    else if (!seen) markPhase(pass, node.name, otherwise);
  }
}

/** No container outlives its pod: whatever has not ended by itself ends as the pod did. */
export function endContainers(pass: Pass, podNode: NodeStatus, phase: NodePhase, message?: string): void {
  for (const node of openContainers(pass, podNode)) markPhase(pass, node.name, phase, message);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
