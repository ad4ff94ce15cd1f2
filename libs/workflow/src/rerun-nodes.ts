import { ownProgress } from './node-progress.ts';
import { hasFailed, isFulfilled, type NodeStatus, type NodeType } from './workflow-types.ts';

type Nodes = Readonly<Record<string, NodeStatus>>;

/** The nodes of a run that is to go on: what has succeeded stays, what must run again is gone, what encloses it runs. */
export type RerunNodes = { readonly nodes: Nodes; readonly removed: readonly string[] };

const groups: ReadonlySet<NodeType> = new Set(['Steps', 'StepGroup', 'DAG', 'TaskGroup', 'Retry']);

/** Work out what of a finished run is done again: everything that did not succeed, what `restart` names, and all that came after. */
export function rerunNodes(workflow: string, nodes: Nodes, restart: (node: NodeStatus) => boolean): RerunNodes {
  const parents = parentsOf(nodes);
  const removed = new Set<string>();
  const remove = (start: NodeStatus): void => {
    const stack = [start.id];
    for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
      if (removed.has(id)) continue;
      removed.add(id);
      stack.push(
        ...(nodes[id]?.children ?? []),
        ...(nodes[id]?.outboundNodes ?? []).filter((end) => isInside(nodes, end, id)),
      );
    }
  };
  for (const node of Object.values(nodes)) {
    if (isExitHandler(workflow, node.name)) remove(node);
    else if (isToRunAgain(nodes, parents, node, restart)) remove(attemptParent(nodes, parents, node) ?? node);
  }
  const reopened = new Set<string>();
  for (const node of Object.values(nodes)) {
    if (removed.has(node.id)) reopenAround(nodes, parents, node, reopened);
    else if (groups.has(node.type) && !isPastAttempt(nodes, parents, node) && (!isFulfilled(node) || hasFailed(node)))
      reopened.add(node.id);
  }
  for (const id of removed) reopened.delete(id);
  return { nodes: keptNodes(nodes, removed, reopened), removed: [...removed] };
}

function isExitHandler(workflow: string, name: string): boolean {
  const handler = `${workflow}.onExit`;
  return (
    name === handler ||
    name.startsWith(`${handler}.`) ||
    name.startsWith(`${handler}[`) ||
    name.startsWith(`${handler}(`)
  );
}

function isToRunAgain(
  nodes: Nodes,
  parents: Parents,
  node: NodeStatus,
  restart: (node: NodeStatus) => boolean,
): boolean {
  if (isPastAttempt(nodes, parents, node)) return false;
  if (isFulfilled(node) && restart(node)) return true;
  return !groups.has(node.type) && (!isFulfilled(node) || hasFailed(node));
}

type Parents = ReadonlyMap<string, readonly NodeStatus[]>;

function parentsOf(nodes: Nodes): Parents {
  const parents = new Map<string, NodeStatus[]>();
  for (const node of Object.values(nodes)) {
    for (const id of node.children ?? []) {
      const known = parents.get(id);
      if (known) known.push(node);
      else parents.set(id, [node]);
    }
  }
  return parents;
}

/** The Retry node of which a node is an attempt. */
function retryOf(parents: Parents, node: NodeStatus): NodeStatus | undefined {
  return parents.get(node.id)?.find(({ type, name }) => type === 'Retry' && node.name.startsWith(`${name}(`));
}

/** A failed pod that is the last attempt of a failed Retry node: the Retry node begins anew. */
function attemptParent(nodes: Nodes, parents: Parents, node: NodeStatus): NodeStatus | undefined {
  const retry = groups.has(node.type) ? undefined : retryOf(parents, node);
  return retry && nodes[retry.id];
}

/** True for attempts that were followed by another or belong to a Retry node that succeeded, and for all that is inside them. */
function isPastAttempt(nodes: Nodes, parents: Parents, node: NodeStatus): boolean {
  const seen = new Set<string>();
  for (let at: NodeStatus | undefined = node; at && !seen.has(at.id); at = nodes[at.boundaryID ?? '']) {
    seen.add(at.id);
    const retry = retryOf(parents, at);
    if (!retry) continue;
    const attempts = (retry.children ?? []).filter((id) => nodes[id]?.name.startsWith(`${retry.name}(`));
    if (attempts.at(-1) !== at.id) return true;
    if (!hasFailed(retry) && isFulfilled(retry) && hasFailed(at)) return true;
  }
  return false;
}

function isInside(nodes: Nodes, id: string, boundary: string): boolean {
  const seen = new Set<string>();
  for (let at = nodes[id]; at && !seen.has(at.id); at = nodes[at.boundaryID ?? '']) {
    seen.add(at.id);
    if (at.boundaryID === boundary) return true;
  }
  return false;
}

/** The templates around a node that runs again, and the groups and retries that it is a member of, run again too. */
function reopenAround(nodes: Nodes, parents: Parents, start: NodeStatus, reopened: Set<string>): void {
  const stack = [start];
  for (let node = stack.pop(); node; node = stack.pop()) {
    const around = [
      ...(parents.get(node.id) ?? []).filter(
        (parent) => ['StepGroup', 'TaskGroup', 'Retry'].includes(parent.type) && parent.boundaryID === node?.boundaryID,
      ),
      ...(node.boundaryID === undefined ? [] : [nodes[node.boundaryID]]),
    ];
    for (const outer of around) {
      if (!outer || reopened.has(outer.id)) continue;
      reopened.add(outer.id);
      stack.push(outer);
    }
  }
}

function keptNodes(nodes: Nodes, removed: ReadonlySet<string>, reopened: ReadonlySet<string>): Nodes {
  const kept = Object.values(nodes).filter(({ id }) => !removed.has(id));
  const progress = new Map<string, [number, number]>();
  for (const node of kept) {
    const own = ownProgress(node);
    if (!own) continue;
    const seen = new Set<string>();
    for (let id = node.boundaryID; id !== undefined && !seen.has(id); id = nodes[id]?.boundaryID) {
      seen.add(id);
      const sum = progress.get(id) ?? [0, 0];
      progress.set(id, [sum[0] + own[0], sum[1] + own[1]]);
    }
  }
  return Object.fromEntries(
    kept.map((node) => [node.id, cleaned(reopened.has(node.id) ? reopen(node) : node, removed, progress.get(node.id))]),
  );
}

function reopen({ outputs: _outputs, message: _message, outboundNodes: _ends, ...node }: NodeStatus): NodeStatus {
  return { ...node, phase: 'Running', finishedAt: null };
}

function cleaned(
  node: NodeStatus,
  removed: ReadonlySet<string>,
  progress: readonly [number, number] | undefined,
): NodeStatus {
  const { children, outboundNodes, ...rest } = node;
  const left = (ids: readonly string[]): readonly string[] => ids.filter((id) => !removed.has(id));
  const sum = groups.has(node.type) && node.progress !== undefined ? { progress: (progress ?? [0, 0]).join('/') } : {};
  return {
    ...rest,
    ...(children && left(children).length > 0 ? { children: left(children) } : {}),
    ...(outboundNodes && left(outboundNodes).length > 0 ? { outboundNodes: left(outboundNodes) } : {}),
    ...sum,
  };
}
