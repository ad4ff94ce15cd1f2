import { type Fault, markPhase, type Pass } from './pass.ts';
import { hasFailed, isFulfilled, type NodeStatus, type Template } from './workflow-types.ts';
import { isPodTemplate } from './template-inputs.ts';

/** Why a node may not start now: back-pressure of the workflow's or its boundary's parallelism. Running nodes go on. */
export function parallelismFault(
  pass: Pass,
  present: NodeStatus | undefined,
  template: Template,
  boundaryId: string | undefined,
): Fault | undefined {
  if (present && isUnderWay(pass, present)) return undefined;
  const waiting = present?.synchronizationStatus !== undefined;
  const limit = pass.spec.parallelism;
  if (limit !== undefined && isPodTemplate(template) && pass.counts.activePods >= limit) {
    return { kind: 'held', message: 'Max parallelism reached' };
  }
  if (boundaryId === undefined || (present && !waiting)) return undefined;
  const boundaryLimit = pass.boundaryLimits.get(boundaryId);
  if (boundaryLimit === undefined) return undefined;
  if (boundaryLimit.failFast && failFast(pass, boundaryId)) return { kind: 'held', message: 'failFast' };
  const active = pass.counts.activeByBoundary.get(boundaryId) ?? 0;
  return active >= boundaryLimit.parallelism ? { kind: 'held', message: 'Max parallelism reached' } : undefined;
}

/** True for a node that counts already: it runs, its pod is asked for, or an attempt of it is. */
function isUnderWay(pass: Pass, node: NodeStatus): boolean {
  if (node.type === 'Retry') return pass.nodes.childrenOf(node).some((attempt) => !isFulfilled(attempt));
  return node.phase !== 'Pending' || (node.type === 'Pod' && node.synchronizationStatus === undefined);
}

/** With `failFast` and a failed child nothing new starts, and the template has failed. */
function failFast(pass: Pass, boundaryId: string): boolean {
  const boundary = pass.nodes.byId(boundaryId);
  const failed = [...pass.nodes.all()].some(
    (node) => node.boundaryID === boundaryId && node.type !== 'StepGroup' && hasFailed(node),
  );
  if (!failed || !boundary) return false;
  // What runs goes on: the template ends with the last of it.
  if ((pass.counts.activeByBoundary.get(boundaryId) ?? 0) > 0) return true;
  for (const node of pass.nodes.live())
    if (node.boundaryID === boundaryId && !isFulfilled(node)) markPhase(pass, node.name, 'Failed');
  markPhase(pass, boundary.name, 'Failed', 'template has failed or errored children and failFast enabled');
  return true;
}
