import type { Action } from './action.ts';
import type { Pass } from './pass.ts';
import type { NodeStatus } from './workflow-types.ts';

/** News of nodes that changed in this pass: failures always, the rest only when asked for. */
export function nodeEvents(pass: Pass): readonly Action[] {
  const events: Action[] = [];
  for (const node of pass.nodes.changed.values()) {
    const was = pass.nodes.stored(node.id)?.phase;
    if (was === node.phase || node.type === 'Skipped') continue;
    if (pass.nodeEvents && (was === undefined || was === 'Pending') && node.phase !== 'Pending')
      events.push(eventOf(node, 'Normal', 'Running'));
    if (node.phase === 'Failed' || node.phase === 'Error') events.push(eventOf(node, 'Warning', node.phase));
    else if (pass.nodeEvents && node.phase === 'Succeeded') events.push(eventOf(node, 'Normal', 'Succeeded'));
  }
  return events;
}

function eventOf(node: NodeStatus, type: 'Normal' | 'Warning', word: string): Action {
  const annotations = { 'workflows.argoproj.io/node-name': node.name, 'workflows.argoproj.io/node-type': node.type };
  const message = `${word} node ${node.name}${type === 'Warning' && node.message ? `: ${node.message}` : ''}`;
  return { kind: 'RecordEvent', type, reason: `WorkflowNode${word}`, message, annotations };
}
