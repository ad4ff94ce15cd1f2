import type { Node } from './ast.ts';

/** The direct parts of a node. */
export function childrenOf(node: Node): readonly Node[] {
  switch (node.kind) {
    case 'unary':
      return [node.operand];
    case 'binary':
      return [node.left, node.right];
    case 'chain':
    case 'predicate':
      return [node.body];
    case 'member':
      return [node.object, node.property];
    case 'slice':
      return [node.object, ...(node.from ? [node.from] : []), ...(node.to ? [node.to] : [])];
    case 'call':
      return [node.callee, ...node.arguments];
    case 'builtin':
      return node.arguments;
    case 'conditional':
      return [node.test, node.consequent, node.otherwise];
    case 'let':
      return [node.value, node.body];
    case 'sequence':
    case 'list':
      return node.items;
    case 'map':
      return node.entries.flat();
    case 'literal':
    case 'name':
    case 'environment':
    case 'pointer':
      return [];
    default:
      return node satisfies never;
  }
}
