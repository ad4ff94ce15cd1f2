import type { Pass } from './pass.ts';
import type { NodeStatus } from './workflow-types.ts';

/** The nodes from which the graph goes on after this one. */
export function outboundOf(pass: Pass, node: NodeStatus): string[] {
  switch (node.type) {
    case 'Skipped':
    case 'Suspend':
    case 'HTTP':
    case 'Plugin':
      return [node.id];
    case 'Pod':
    case 'Container': {
      const containers = pass.nodes.childrenOf(node).filter(({ type }) => type === 'Container');
      return containers.length === 0
        ? [node.id]
        : [...new Set(containers.flatMap((container) => outboundOf(pass, container)))];
    }
    case 'TaskGroup': {
      const children = pass.nodes.childrenOf(node).filter((child) => !child.nodeFlag?.hooked);
      return children.length === 0 ? [node.id] : children.flatMap((child) => outboundOf(pass, child));
    }
    case 'Retry': {
      const last = pass.nodes.childrenOf(node).findLast((child) => child.name.startsWith(`${node.name}(`));
      return last ? outboundOf(pass, last) : [node.id];
    }
    case 'Steps':
    case 'DAG':
    case 'StepGroup': {
      const found = (node.outboundNodes ?? []).flatMap((id) => {
        const outbound = pass.nodes.byId(id);
        return !outbound || outbound.id === node.id ? [id] : outboundOf(pass, outbound);
      });
      return found.length === 0 ? [node.id] : found;
    }
    default:
      return node.type satisfies never;
  }
}
