import type { Value } from '../value.ts';

/** An expression tree. `offset` is where the node's operator or first token stands in the source. */
export type Node = { readonly offset: number } & (
  | { readonly kind: 'literal'; readonly value: Value }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'environment' }
  | { readonly kind: 'pointer'; readonly name: string }
  | { readonly kind: 'unary'; readonly operator: string; readonly operand: Node }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Node; readonly right: Node }
  | { readonly kind: 'chain'; readonly body: Node }
  | {
      readonly kind: 'member';
      readonly object: Node;
      readonly property: Node;
      readonly optional: boolean;
      readonly field: boolean;
    }
  | { readonly kind: 'slice'; readonly object: Node; readonly from?: Node; readonly to?: Node }
  | { readonly kind: 'call'; readonly callee: Node; readonly arguments: readonly Node[] }
  | { readonly kind: 'builtin'; readonly name: string; readonly arguments: readonly Node[] }
  | { readonly kind: 'predicate'; readonly body: Node }
  | { readonly kind: 'conditional'; readonly test: Node; readonly consequent: Node; readonly otherwise: Node }
  | { readonly kind: 'let'; readonly name: string; readonly value: Node; readonly body: Node }
  | { readonly kind: 'sequence'; readonly items: readonly Node[] }
  | { readonly kind: 'list'; readonly items: readonly Node[] }
  | { readonly kind: 'map'; readonly entries: readonly (readonly [Node, Node])[] }
);

/** The node's own kinds. */
export type NodeKind = Node['kind'];
