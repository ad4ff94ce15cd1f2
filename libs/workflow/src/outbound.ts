import { containerNodesOf } from './container-set.ts';
import type { Pass } from './pass.ts';
import type { NodeStatus } from './workflow-types.ts';

/** The nodes from which the graph goes on after this one. */
export function outboundOf(pass: Pass, node: NodeStatus): string[] {
  switch (node.type) {
    case 'Skipped':
    case 'Suspend':
    case 'HTTP':
    case 'Plugin':
    case 'Container':
      return [node.id];
    case 'Pod': {
      const containers = containerNodesOf(pass, node);
      const leaves = containers.filter(({ children = [] }) => !containers.some(({ id }) => children.includes(id)));
      return leaves.length === 0 ? [node.id] : leaves.map(({ id }) => id);
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
