import type { Constant, Element, MacroName, Node } from './ast.ts';
import { errorAt } from './cel-error.ts';
import { type Token, tokensOf } from './lexer.ts';

const reserved: ReadonlySet<string> = new Set(
  'as break const continue else for function if import let loop package namespace return var void while'.split(' '),
);
const maxDepth = 120;

/** Levels of binary operators, from those that bind least. */
const levels: readonly (readonly [string, string])[][] = [
  [['||', '_||_']],
  [['&&', '_&&_']],
  [
    ['==', '_==_'],
    ['!=', '_!=_'],
    ['<=', '_<=_'],
    ['<', '_<_'],
    ['>=', '_>=_'],
    ['>', '_>_'],
    ['in', '@in'],
  ],
  [
    ['+', '_+_'],
    ['-', '_-_'],
  ],
  [
    ['*', '_*_'],
    ['/', '_/_'],
    ['%', '_%_'],
  ],
];

/** An expression as a tree, its macros recognised, with `hasBlocks` those of cel.block too. Throws a compile error. */
export function parseCel(text: string, hasBlocks = false): Node {
  return new Parser(text, hasBlocks).parse();
}

class Parser {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  readonly #hasBlocks: boolean;
  #next = 0;
  #depth = 0;

  constructor(text: string, hasBlocks: boolean) {
    this.#text = text;
    this.#hasBlocks = hasBlocks;
    this.#tokens = tokensOf(text);
  }

  parse(): Node {
    const node = this.#expression();
    const rest = this.#peek();
    if (rest.type !== 'end') throw this.#unexpected(rest);
    return node;
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { type: 'end', at: this.#text.length, text: '<EOF>' };
  }

  #take(): Token {
    const token = this.#peek();
    this.#next++;
    return token;
  }

  #isNext(text: string): boolean {
    const token = this.#peek();
    return (token.type === 'symbol' || token.type === 'id') && token.text === text;
  }

  #takeIf(text: string): boolean {
    if (!this.#isNext(text)) return false;
    this.#next++;
    return true;
  }

  #expect(text: string): void {
    if (!this.#takeIf(text)) throw this.#unexpected(this.#peek(), text);
  }

  #unexpected(token: Token, wanted?: string): Error {
    const expecting = wanted === undefined ? '' : `, expecting '${wanted}'`;
    return errorAt(this.#text, token.at, `Syntax error: mismatched input '${token.text}'${expecting}`);
  }

  #deeper<T>(parse: () => T): T {
    if (++this.#depth > maxDepth)
      throw errorAt(this.#text, this.#peek().at, `expression recursion limit exceeded: ${maxDepth}`);
    const out = parse();
    this.#depth--;
    return out;
  }

  #expression(): Node {
    return this.#deeper(() => {
      const condition = this.#binary(0);
      const { at } = this.#peek();
      if (!this.#takeIf('?')) return condition;
      const yes = this.#binary(0);
      this.#expect(':');
      return { op: 'call', at, name: '_?_:_', args: [condition, yes, this.#expression()] };
    });
  }

  #binary(level: number): Node {
    const operators = levels[level];
    if (!operators) return this.#unary();
    let left = this.#binary(level + 1);
    let chain = 0;
    for (;;) {
      const { at } = this.#peek();
      const found = operators.find(([sign]) => this.#takeIf(sign));
      if (!found) return left;
      if (++chain > 500) throw errorAt(this.#text, at, 'expression has too many operands in a row');
      left = { op: 'call', at, name: found[1], args: [left, this.#binary(level + 1)] };
    }
  }

  #unary(): Node {
    const { at } = this.#peek();
    if (this.#takeIf('!')) return this.#deeper(() => ({ op: 'call', at, name: '!_', args: [this.#unary()] }));
    if (!this.#takeIf('-')) return this.#member();
    const token = this.#peek();
    if (token.type === 'int' || token.type === 'double') {
      this.#next++;
      return this.#suffixes({ op: 'constant', at, value: -token.value });
    }
    return this.#deeper(() => ({ op: 'call', at, name: '-_', args: [this.#unary()] }));
  }

  #member(): Node {
    return this.#suffixes(this.#primary());
  }

  #suffixes(first: Node): Node {
    let node = first;
    for (let count = 0; ; count++) {
      const { at } = this.#peek();
      if (count > 200) throw errorAt(this.#text, at, 'expression recursion limit exceeded: 200');
      if (this.#takeIf('.')) node = this.#selected(node, at);
      else if (this.#takeIf('[')) {
        const isOptional = this.#takeIf('?');
        const index = this.#expression();
        this.#expect(']');
        node = { op: 'index', at, of: node, index, isOptional };
      } else return node;
    }
  }

  #selected(of: Node, at: number): Node {
    const isOptional = this.#takeIf('?');
    const token = this.#take();
    if (token.type === 'quoted') return { op: 'select', at, of, field: token.text.slice(1, -1), isOptional };
    if (token.type !== 'id' || constants.has(token.text) || token.text === 'in') throw this.#unexpected(token);
    if (isOptional || !this.#isNext('(')) return { op: 'select', at, of, field: token.text, isOptional };
    const open = this.#take();
    const args = this.#arguments(')');
    return this.#memberMacro(of, token, args) ?? { op: 'call', at: open.at, name: token.text, target: of, args };
  }

  #arguments(closing: string): readonly Node[] {
    const args: Node[] = [];
    while (!this.#isNext(closing)) {
      args.push(this.#expression());
      if (!this.#takeIf(',')) break;
    }
    this.#expect(closing);
    return args;
  }

  #primary(): Node {
    const token = this.#take();
    const { at } = token;
    switch (token.type) {
      case 'int':
        if (token.value === 2n ** 63n) throw errorAt(this.#text, at, 'invalid int literal');
        return { op: 'constant', at, value: token.value };
      case 'uint':
        return { op: 'constant', at, value: { uint: token.value } };
      case 'double':
      case 'string':
      case 'bytes':
        return { op: 'constant', at, value: token.value };
      case 'id':
        return this.#named(token);
      case 'symbol':
        return this.#bracketed(token);
      case 'quoted':
      case 'end':
        throw this.#unexpected(token);
    }
  }

  #named(token: Token): Node {
    const { at, text } = token;
    const constant = constants.get(text);
    if (constant !== undefined) return { op: 'constant', at, value: constant };
    if (text === 'in') throw this.#unexpected(token);
    if (reserved.has(text)) throw errorAt(this.#text, at, `reserved identifier: ${text}`);
    if (!this.#isNext('(')) return { op: 'name', at, name: text };
    const open = this.#take();
    const args = this.#arguments(')');
    return text === 'has' ? this.#has(open.at, args) : { op: 'call', at: open.at, name: text, args };
  }

  #has(at: number, args: readonly Node[]): Node {
    const [select] = args;
    if (args.length !== 1 || select?.op !== 'select') throw errorAt(this.#text, at, 'invalid argument to has() macro');
    return { op: 'has', at, select };
  }

  #bracketed(token: Token): Node {
    const { at, text } = token;
    if (text === '(') {
      const inner = this.#expression();
      this.#expect(')');
      return inner;
    }
    if (text === '.') {
      const name = this.#take();
      if (name.type !== 'id') throw this.#unexpected(name);
      return this.#named(name);
    }
    if (text === '[') return { op: 'list', at, items: this.#items() };
    if (text === '{') return { op: 'map', at, entries: this.#entries() };
    throw this.#unexpected(token);
  }

  #items(): readonly Element[] {
    const items: Element[] = [];
    while (!this.#isNext(']')) {
      const isOptional = this.#takeIf('?');
      items.push({ isOptional, value: this.#expression() });
      if (!this.#takeIf(',')) break;
    }
    this.#expect(']');
    return items;
  }

  #entries(): (Node & { readonly op: 'map' })['entries'] {
    const entries: { key: Node; value: Node; isOptional: boolean }[] = [];
    while (!this.#isNext('}')) {
      const isOptional = this.#takeIf('?');
      const key = this.#expression();
      this.#expect(':');
      entries.push({ isOptional, key, value: this.#expression() });
      if (!this.#takeIf(',')) break;
    }
    this.#expect('}');
    return entries;
  }

  #memberMacro(range: Node, token: Token, args: readonly Node[]): Node | undefined {
    const { at, text } = token;
    if (range.op === 'name' && range.name === 'cel' && text === 'bind' && args.length === 3) {
      const [name, value, body] = args;
      if (name?.op === 'name' && value && body) return { op: 'bind', at, name: name.name, value, body };
    }
    const block = this.#hasBlocks && range.op === 'name' && range.name === 'cel' ? blockMacro(token, args) : undefined;
    if (block) return block;
    const shape = macros.find(({ word, counts }) => word === text && Object.hasOwn(counts, args.length));
    if (!shape) return undefined;
    const variables = shape.counts[args.length] ?? 1;
    const names = args.slice(0, variables).map((node) => {
      if (node.op !== 'name') throw errorAt(this.#text, node.at, 'argument must be a simple name');
      return node.name;
    });
    return { op: 'macro', at, name: shape.name, range, names, args: args.slice(variables) };
  }
}

/** `cel.block([a, b], body)` names values by their place for `cel.index(0)`; `cel.iterVar(0, 0)` is a name too. */
function blockMacro({ at, text }: Token, args: readonly Node[]): Node | undefined {
  const numbers = args.map((arg) => (arg.op === 'constant' && typeof arg.value === 'bigint' ? String(arg.value) : '?'));
  if (text === 'index' && args.length === 1) return { op: 'name', at, name: `@index${numbers[0]}` };
  if ((text === 'iterVar' || text === 'accuVar') && args.length === 2) {
    return { op: 'name', at, name: `@${text}:${numbers.join(':')}` };
  }
  const [list, body] = args;
  if (text !== 'block' || list?.op !== 'list' || !body || args.length !== 2) return undefined;
  return list.items.reduceRight<Node>(
    (inner, { value }, index) => ({
      op: 'bind',
      at,
      name: `@index${index}`,
      value: { op: 'call', at, name: 'dyn', args: [value] },
      body: inner,
    }),
    body,
  );
}

/** Macros by how they are written: the number of arguments says how many of them are names. */
const macros: readonly {
  readonly word: string;
  readonly name: MacroName;
  readonly counts: Readonly<Record<number, number>>;
}[] = [
  { word: 'all', name: 'all', counts: { 2: 1, 3: 2 } },
  { word: 'exists', name: 'exists', counts: { 2: 1, 3: 2 } },
  { word: 'exists_one', name: 'exists_one', counts: { 2: 1, 3: 2 } },
  { word: 'existsOne', name: 'exists_one', counts: { 2: 1, 3: 2 } },
  { word: 'filter', name: 'filter', counts: { 2: 1 } },
  { word: 'map', name: 'map', counts: { 2: 1, 3: 1 } },
  { word: 'sortBy', name: 'sortBy', counts: { 2: 1 } },
  { word: 'transformList', name: 'transformList', counts: { 3: 2, 4: 2 } },
  { word: 'transformMap', name: 'transformMap', counts: { 3: 2, 4: 2 } },
  { word: 'transformMapEntry', name: 'transformMapEntry', counts: { 3: 2, 4: 2 } },
  { word: 'optMap', name: 'optMap', counts: { 2: 1 } },
  { word: 'optFlatMap', name: 'optFlatMap', counts: { 2: 1 } },
];

const constants: ReadonlyMap<string, Constant> = new Map<string, Constant>([
  ['true', true],
  ['false', false],
  ['null', null],
]);
