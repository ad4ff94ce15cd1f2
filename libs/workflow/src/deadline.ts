import { parseDurationMs } from '@sluice/expr';
import { endContainers } from './container-set.ts';
import { podNameOf } from './node-name.ts';
import { endDaemon, type Executed, lookAgainAt, markPhase, parseTime, type Pass } from './pass.ts';
import { hasFailed, hasPod, isFulfilled, type NodeStatus, type Template } from './workflow-types.ts';

/** The message of nodes that end because the workflow is stopped or terminated. */
export function shutdownMessage(strategy: string): string {
  return `workflow shutdown with strategy:  ${strategy}`;
}

/** The pod of a node. */
export function podNameOfNode(pass: Pass, node: NodeStatus): string {
  return podNameOf(pass.name, node.name, node.templateRef?.template ?? node.templateName ?? '');
}

/** End a node that is past its template's `timeout`, with the attempt of it that runs; ask to be looked at when that will be. */
export function deadlineFault(pass: Pass, node: NodeStatus, template: Template): Executed | undefined {
  const startedAt = parseTime(node.startedAt);
  if (isFulfilled(node) || startedAt === undefined) return undefined;
  const limits = [template.timeout, node.phase === 'Pending' ? template.pendingTimeout : undefined].flatMap((limit) =>
    limit ? [parseDurationMs(limit) ?? Infinity] : [],
  );
  const endsAt = startedAt + Math.min(Infinity, ...limits);
  if (endsAt === Infinity) return undefined;
  if (pass.now < endsAt) {
    lookAgainAt(pass, endsAt);
    return undefined;
  }
  // Why it never ran, an image that is not there for one, must not be lost with the pod.
  const message = node.phase === 'Pending' && node.message ? `timeout, never started: ${node.message}` : 'timeout';
  const attempts = node.type === 'Retry' ? pass.nodes.childrenOf(node).filter((child) => !isFulfilled(child)) : [];
  for (const late of [...attempts, node]) {
    if (hasPod(late)) endPod(pass, late, 'Timeout');
    markPhase(pass, late.name, 'Failed', message);
    endContainers(pass, late, 'Failed', message);
  }
  return { node: pass.nodes.byId(node.id) ?? node, fault: { kind: 'timeout', message } };
}

function endPod(pass: Pass, node: NodeStatus, reason: string): void {
  if (pass.pods.has(node.id))
    pass.actions.push({ kind: 'DeletePod', nodeId: node.id, podName: podNameOfNode(pass, node), reason });
}

/**
 * Apply stop, terminate and the workflow's deadline to the nodes that are there: nodes without a pod end now, running
 * pods are told to end and their nodes follow.
 */
export function endOverdueNodes(pass: Pass): void {
  const overdue = pass.deadlineAt !== undefined && pass.now >= pass.deadlineAt;
  if (pass.deadlineAt !== undefined && !overdue) lookAgainAt(pass, pass.deadlineAt);
  const { shutdown } = pass;
  if (!overdue && shutdown === undefined) return;
  for (const node of pass.nodes.live()) {
    if (isFulfilled(node) && !node.daemoned) continue;
    if (isExempt(pass, node, shutdown)) continue;
    if (node.synchronizationStatus) {
      markPhase(pass, node.name, 'Failed', endingMessage(pass));
      pass.nodes.update(node.id, { synchronizationStatus: undefined });
      continue;
    }
    const message = shutdown === undefined ? `Step exceeded its deadline` : shutdownMessage(shutdown);
    if (hasPod(node)) endPodNode(pass, node, message, shutdown === undefined ? 'DeadlineExceeded' : shutdown);
    else if (node.type === 'Suspend') markPhase(pass, node.name, 'Failed', message);
  }
}

/** Stop and the deadline leave exit handlers alone; Terminate does not. */
function isExempt(pass: Pass, node: NodeStatus, shutdown: string | undefined): boolean {
  return shutdown !== 'Terminate' && isPartOfExitHandler(pass, node);
}

/** True for nodes of an exit handler, however deep. */
export function isPartOfExitHandler(pass: Pass, node: NodeStatus): boolean {
  return node.name === `${pass.name}.onExit` || node.name.includes('.onExit');
}

function endPodNode(pass: Pass, node: NodeStatus, message: string, reason: string): void {
  const observed = pass.pods.get(node.id);
  if (observed && (observed.phase === 'Pending' || observed.phase === 'Running') && !observed.deleting)
    endPod(pass, node, reason);
  endDaemon(pass, node);
  markPhase(pass, node.name, 'Failed', message);
  endContainers(pass, node, 'Failed', message);
}

/** True when a node may be retried no more because the workflow ends. */
export function endingMessage(pass: Pass): string | undefined {
  if (pass.shutdown !== undefined) return `Stopped with strategy '${pass.shutdown}'`;
  if (pass.deadlineAt !== undefined && pass.now >= pass.deadlineAt)
    return `retry exceeded workflow deadline ${new Date(pass.deadlineAt).toISOString()}`;
  return undefined;
}

/** True for a node that ended badly and whose exit handler may still run. */
export function mayRunExitHandler(pass: Pass, node: NodeStatus): boolean {
  return pass.shutdown !== 'Terminate' && (isFulfilled(node) || hasFailed(node));
}
