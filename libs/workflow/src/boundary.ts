import type { Json } from '@sluice/model';
import { podNameOfNode } from './deadline.ts';
import { endDaemon, markPhase, type Pass } from './pass.ts';
import { isFulfilled, type NodeStatus, type Template } from './workflow-types.ts';

/** Remember the limits of a steps or dag template while its node runs. */
export function openBoundary(pass: Pass, node: NodeStatus, template: Template): void {
  const { parallelism, failFast = false } = template;
  const outer = node.boundaryID === undefined ? undefined : pass.scheduling.get(node.boundaryID);
  const own = Object.fromEntries(
    ['nodeSelector', 'tolerations', 'affinity'].flatMap((field) =>
      template[field] === undefined ? [] : [[field, template[field] as Json]],
    ),
  );
  if (outer || Object.keys(own).length > 0) pass.scheduling.set(node.id, { ...outer, ...own });
  if (parallelism !== undefined && parallelism > 0) pass.boundaryLimits.set(node.id, { parallelism, failFast });
}

/** Once a boundary has ended, its daemons end too. */
export function endBoundary(pass: Pass, node: NodeStatus): void {
  if (!isFulfilled(node)) return;
  for (const child of pass.nodes.live()) {
    if (child.boundaryID !== node.id || !child.daemoned) continue;
    if (pass.pods.has(child.id))
      pass.actions.push({
        kind: 'DeletePod',
        nodeId: child.id,
        podName: podNameOfNode(pass, child),
        reason: 'DaemonNotNeeded',
      });
    endDaemon(pass, child);
    markPhase(pass, child.name, 'Succeeded');
  }
}
