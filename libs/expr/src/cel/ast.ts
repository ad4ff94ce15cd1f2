/** A constant of an expression. */
export type Constant = null | boolean | bigint | number | string | Uint8Array | { readonly uint: bigint };

/** An element of a list or map literal; an optional one is left out when it has no value. */
export type Element = { readonly value: Node; readonly isOptional: boolean };

/** A node of a parsed expression. `at` is its offset in the text. */
export type Node =
  | { readonly op: 'constant'; readonly at: number; readonly value: Constant }
  | { readonly op: 'name'; readonly at: number; readonly name: string }
  | {
      readonly op: 'select';
      readonly at: number;
      readonly of: Node;
      readonly field: string;
      readonly isOptional: boolean;
    }
  | { readonly op: 'index'; readonly at: number; readonly of: Node; readonly index: Node; readonly isOptional: boolean }
  | {
      readonly op: 'call';
      readonly at: number;
      readonly name: string;
      readonly target?: Node;
      readonly args: readonly Node[];
    }
  | { readonly op: 'list'; readonly at: number; readonly items: readonly Element[] }
  | {
      readonly op: 'map';
      readonly at: number;
      readonly entries: readonly { readonly key: Node; readonly value: Node; readonly isOptional: boolean }[];
    }
  | { readonly op: 'has'; readonly at: number; readonly select: Node & { readonly op: 'select' } }
  | { readonly op: 'bind'; readonly at: number; readonly name: string; readonly value: Node; readonly body: Node }
  | {
      readonly op: 'macro';
      readonly at: number;
      readonly name: MacroName;
      readonly range: Node;
      readonly names: readonly string[];
      readonly args: readonly Node[];
    };

/** Macros over the items of a list or map, or over an optional. */
export type MacroName =
  | 'all'
  | 'exists'
  | 'exists_one'
  | 'filter'
  | 'map'
  | 'sortBy'
  | 'transformList'
  | 'transformMap'
  | 'transformMapEntry'
  | 'optMap'
  | 'optFlatMap';
