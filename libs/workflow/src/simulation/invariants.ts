import { isCompleted, isFinished, isFulfilled, type NodeStatus, type Workflow } from '../workflow-types.ts';

/** What does not hold of a stored workflow, given the one before it; empty when all is well. */
export function brokenInvariants(before: Workflow, after: Workflow): readonly string[] {
  return [...changedPast(before, after), ...brokenTree(after), ...wrongCounts(after), ...unfinished(after)];
}

/** A node or a workflow that has ended never changes its phase, and no node disappears. */
function changedPast(before: Workflow, after: Workflow): readonly string[] {
  const problems: string[] = [];
  const nodes = after.status?.nodes ?? {};
  for (const node of Object.values(before.status?.nodes ?? {})) {
    const now = nodes[node.id];
    if (!now) problems.push(`${node.name} is gone`);
    else if (isCompleted(node.phase) && now.phase !== node.phase)
      problems.push(`${node.name} changed from ${node.phase} to ${now.phase}`);
  }
  const { phase } = before.status ?? {};
  if (isFinished(phase) && phase !== after.status?.phase)
    problems.push(`the workflow changed from ${phase} to ${after.status?.phase}`);
  return problems;
}

/** Every node has its boundary and its children, and is reached from the root or from an exit handler. */
function brokenTree({ metadata, status = {} }: Workflow): readonly string[] {
  const nodes = status.nodes ?? {};
  const problems: string[] = [];
  const reached = new Set<string>();
  const starts = Object.values(nodes).filter(
    ({ name }) => name === metadata.name || name === `${metadata.name}.onExit` || /^[^.[]+\.hooks\./.test(name),
  );
  const stack: NodeStatus[] = [...starts];
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (reached.has(node.id)) continue;
    reached.add(node.id);
    for (const id of node.children ?? []) {
      const child = nodes[id];
      if (child) stack.push(child);
      else problems.push(`${node.name} has a child ${id} that is not there`);
    }
  }
  for (const node of Object.values(nodes)) {
    if (!reached.has(node.id)) problems.push(`${node.name} is reached from nowhere`);
    if (node.boundaryID !== undefined && !nodes[node.boundaryID])
      problems.push(`${node.name} has a boundary ${node.boundaryID} that is not there`);
    if (isCompleted(node.phase) && !node.finishedAt) problems.push(`${node.name} has ended at no time`);
  }
  return problems;
}

function wrongCounts({ spec = {}, status = {} }: Workflow): readonly string[] {
  const problems: string[] = [];
  for (const { name, progress } of [
    { name: 'the workflow', progress: status.progress },
    ...Object.values(status.nodes ?? {}),
  ]) {
    const [done = 0, all = 0] = (progress ?? '0/0').split('/').map(Number);
    if (!(done >= 0 && done <= all)) problems.push(`${name} has a progress of ${progress}`);
  }
  const limit = spec.parallelism;
  const active = Object.values(status.nodes ?? {}).filter(
    (node) => node.type === 'Pod' && !isFulfilled(node) && !node.synchronizationStatus && !node.nodeFlag?.hooked,
  );
  if (limit !== undefined && active.length > limit) problems.push(`${active.length} pods are active, ${limit} may be`);
  return problems;
}

/** Nothing is left open once the workflow has ended. */
function unfinished({ status = {} }: Workflow): readonly string[] {
  if (!isFinished(status.phase)) return [];
  return Object.values(status.nodes ?? {})
    .filter((node) => !isFulfilled(node) || node.daemoned === true)
    .map((node) => `${node.name} is ${node.phase} though the workflow has ended`);
}
