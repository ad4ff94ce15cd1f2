import { predicateBuiltins } from '../builtins/predicate-names.ts';
import { plainBuiltins } from '../builtins/plain.ts';
import type { Node } from './ast.ts';
import { ExprError } from './failure.ts';
import { type Token, tokenize } from './lexer.ts';
import { bytesOf, describeToken, parseNumber, unexpected } from './token-values.ts';

const binary: Readonly<Record<string, { readonly level: number; readonly right?: boolean }>> = {
  '|': { level: 0 },
  or: { level: 10 },
  '||': { level: 10 },
  and: { level: 15 },
  '&&': { level: 15 },
  '==': { level: 20 },
  '!=': { level: 20 },
  '<': { level: 20 },
  '>': { level: 20 },
  '<=': { level: 20 },
  '>=': { level: 20 },
  in: { level: 20 },
  matches: { level: 20 },
  contains: { level: 20 },
  startsWith: { level: 20 },
  endsWith: { level: 20 },
  '..': { level: 25 },
  '+': { level: 30 },
  '-': { level: 30 },
  '*': { level: 60 },
  '/': { level: 60 },
  '%': { level: 60 },
  '**': { level: 100, right: true },
  '^': { level: 100, right: true },
  '??': { level: 500 },
};
const unary: Readonly<Record<string, number>> = { not: 50, '!': 50, '-': 90, '+': 90 };
const negatable = new Set(['in', 'matches', 'contains', 'startsWith', 'endsWith']);
const comparisons = new Set(['<', '>', '<=', '>=']);
const maxDepth = 200;

/** Reads a token list as expr-lang does. One use per expression. */
class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;
  #predicates = 0;

  constructor(source: string) {
    this.#tokens = tokenize(source);
  }

  parse(): Node {
    const node = this.#sequence();
    const rest = this.#token;
    if (rest.kind !== 'eof') throw unexpected(rest);
    return node;
  }

  get #token(): Token {
    return this.#tokens[Math.min(this.#at, this.#tokens.length - 1)] ?? { kind: 'eof', text: 'EOF', offset: 0 };
  }

  #next(): Token {
    const token = this.#token;
    this.#at++;
    return token;
  }

  #is(text: string): boolean {
    const { kind, text: found } = this.#token;
    return (kind === 'operator' || kind === 'bracket') && found === text;
  }

  #take(text: string): boolean {
    if (!this.#is(text)) return false;
    this.#at++;
    return true;
  }

  #expect(text: string): void {
    if (!this.#take(text)) throw unexpected(this.#token);
  }

  #sequence(): Node {
    const first = this.#expression(0);
    const items = [first];
    while (this.#take(';')) {
      if (this.#token.kind === 'eof' || this.#is('}') || this.#is(')')) break;
      items.push(this.#expression(0));
    }
    return items.length === 1 ? first : { kind: 'sequence', items, offset: first.offset };
  }

  #expression(level: number): Node {
    if (++this.#depth > maxDepth)
      throw new ExprError('compile', 'the expression is nested too deeply', this.#token.offset);
    try {
      if (level === 0 && this.#is('let')) return this.#let();
      if (level === 0 && this.#is('if')) return this.#if();
      let left = this.#unary();
      left = this.#operators(left, level);
      return level === 0 ? this.#conditional(left) : left;
    } finally {
      this.#depth--;
    }
  }

  #operators(start: Node, level: number): Node {
    let left = start;
    let lastComparison: Node | undefined;
    let before = '';
    for (;;) {
      const token = this.#token;
      if (token.kind !== 'operator') return left;
      let operator = token.text;
      let negated = false;
      if (operator === 'not') {
        const after = this.#tokens[this.#at + 1];
        if (!after || !negatable.has(after.text) || after.kind !== 'operator') return left;
        operator = after.text;
        negated = true;
      }
      const rule = binary[operator];
      if (!rule || rule.level < level) return left;
      this.#at += negated ? 2 : 1;
      if (operator === '|') {
        left = this.#pipe(left);
        continue;
      }
      if (before === '??') refuseMixed(operator, token);
      before = operator;
      const right = this.#expression(rule.right ? rule.level : rule.level + 1);
      let node: Node = { kind: 'binary', operator, left, right, offset: token.offset };
      if (comparisons.has(operator)) {
        const previous: Node | undefined = lastComparison;
        if (previous?.kind === 'binary' && (left === previous || (left.kind === 'binary' && left.right === previous))) {
          const compared: Node = { kind: 'binary', operator, left: previous.right, right, offset: token.offset };
          node = { kind: 'binary', operator: '&&', left, right: compared, offset: token.offset };
          lastComparison = compared;
        } else lastComparison = node;
      }
      left = negated ? { kind: 'unary', operator: 'not', operand: node, offset: token.offset } : node;
    }
  }

  #pipe(left: Node): Node {
    const token = this.#token;
    if (token.kind !== 'name') throw unexpected(token);
    this.#at++;
    const call = this.#call(token, { kind: 'name', name: token.text, offset: token.offset }, [left]);
    return this.#postfix(call);
  }

  #let(): Node {
    const { offset } = this.#next();
    const name = this.#next();
    if (name.kind !== 'name') throw unexpected(name);
    this.#expect('=');
    const value = this.#expression(0);
    this.#expect(';');
    return { kind: 'let', name: name.text, value, body: this.#sequence(), offset };
  }

  #if(): Node {
    const { offset } = this.#next();
    const test = this.#expression(0);
    this.#expect('{');
    const then = this.#sequence();
    this.#expect('}');
    this.#expect('else');
    if (this.#is('if')) return { kind: 'conditional', test, consequent: then, otherwise: this.#if(), offset };
    this.#expect('{');
    const otherwise = this.#sequence();
    this.#expect('}');
    return { kind: 'conditional', test, consequent: then, otherwise, offset };
  }

  #conditional(test: Node): Node {
    let node = test;
    while (this.#is('?')) {
      const { offset } = this.#next();
      if (this.#take(':')) {
        node = { kind: 'conditional', test: node, consequent: node, otherwise: this.#expression(0), offset };
        continue;
      }
      const then = this.#expression(0);
      this.#expect(':');
      node = { kind: 'conditional', test: node, consequent: then, otherwise: this.#expression(0), offset };
    }
    return node;
  }

  #unary(): Node {
    const token = this.#token;
    const level = token.kind === 'operator' ? unary[token.text] : undefined;
    if (level !== undefined) {
      this.#at++;
      const operand = this.#expression(level);
      return this.#postfix({ kind: 'unary', operator: token.text, operand, offset: token.offset });
    }
    if (this.#take('(')) {
      const inner = this.#sequence();
      this.#expect(')');
      return this.#postfix(inner);
    }
    return this.#isScalar() ? this.#primary() : this.#postfix(this.#primary());
  }

  /** Numbers, true, false and nil take nothing after them: no member, no index. */
  #isScalar(): boolean {
    const { kind, text } = this.#token;
    return kind === 'number' || (kind === 'name' && (text === 'true' || text === 'false' || text === 'nil'));
  }

  #primary(): Node {
    const token = this.#next();
    const { offset } = token;
    if (token.kind === 'number') return { kind: 'literal', value: parseNumber(token), offset };
    if (token.kind === 'string') return { kind: 'literal', value: token.text, offset };
    if (token.kind === 'bytes') return { kind: 'literal', value: bytesOf(token.text), offset };
    if (token.kind === 'name') return this.#name(token);
    if (token.text === '[') return this.#list(offset);
    if (token.text === '{') return this.#map(offset);
    if (token.text === '::') {
      const name = this.#next();
      if (name.kind !== 'name' || !this.#is('(')) throw unexpected(name);
      return this.#call(name, { kind: 'name', name: name.text, offset }, []);
    }
    if (this.#predicates > 0 && token.text === '#') {
      const name = this.#token.kind === 'name' && this.#token.offset === offset + 1 ? this.#next().text : '';
      return { kind: 'pointer', name, offset };
    }
    if (this.#predicates > 0 && token.text === '.') {
      this.#at--;
      return { kind: 'pointer', name: '', offset };
    }
    throw unexpected(token);
  }

  #name(token: Token): Node {
    const { offset } = token;
    if (token.text === 'true' || token.text === 'false')
      return { kind: 'literal', value: token.text === 'true', offset };
    if (token.text === 'nil') return { kind: 'literal', value: null, offset };
    if (token.text === '$env') return { kind: 'environment', offset };
    const node: Node = { kind: 'name', name: token.text, offset };
    return this.#is('(') ? this.#call(token, node, []) : node;
  }

  /** A call of a builtin or of a function of the environment; `before` are arguments that a pipe puts first. */
  #call(token: Token, callee: Node, before: readonly Node[]): Node {
    const { offset } = token;
    this.#expect('(');
    const predicate = predicateBuiltins[token.text];
    const items = [...before];
    while (!this.#is(')')) {
      if (items.length > before.length) {
        this.#expect(',');
        if (this.#is(')')) break;
      }
      const wantsPredicate = predicate !== undefined && items.length === 1;
      items.push(wantsPredicate ? this.#predicate() : this.#expression(0));
    }
    this.#expect(')');
    if (predicate) {
      const [least, most] = predicate;
      if (items.length < least) throw unexpected(this.#tokens[this.#at - 1] ?? token);
      if (items.length > most) throw new ExprError('compile', `too many arguments to call ${token.text}`, offset);
      return { kind: 'builtin', name: token.text, arguments: items, offset };
    }
    if (plainBuiltins.has(token.text)) return { kind: 'builtin', name: token.text, arguments: items, offset };
    return { kind: 'call', callee, arguments: items, offset };
  }

  #predicate(): Node {
    const { offset } = this.#token;
    this.#predicates++;
    try {
      const braced = this.#take('{');
      const body = braced ? this.#sequence() : this.#expression(0);
      if (braced) this.#expect('}');
      return { kind: 'predicate', body, offset };
    } finally {
      this.#predicates--;
    }
  }

  #list(offset: number): Node {
    const items: Node[] = [];
    while (!this.#is(']')) {
      if (items.length > 0) {
        this.#expect(',');
        if (this.#is(']')) break;
      }
      items.push(this.#expression(0));
    }
    this.#expect(']');
    return { kind: 'list', items, offset };
  }

  #map(offset: number): Node {
    const entries: [Node, Node][] = [];
    while (!this.#is('}')) {
      if (entries.length > 0) {
        this.#expect(',');
        if (this.#is('}')) break;
      }
      const key = this.#mapKey();
      this.#expect(':');
      entries.push([key, this.#expression(0)]);
    }
    this.#expect('}');
    return { kind: 'map', entries, offset };
  }

  #mapKey(): Node {
    const token = this.#token;
    if (token.kind === 'string' || token.kind === 'name' || token.kind === 'number') {
      this.#at++;
      return { kind: 'literal', value: token.text, offset: token.offset };
    }
    if (this.#is('(')) return this.#expression(0);
    throw new ExprError(
      'compile',
      `a map key must be a quoted string, a number, a identifier, or an expression enclosed in parentheses (unexpected token ${describeToken(token)})`,
      token.offset,
    );
  }

  #postfix(start: Node): Node {
    let node = start;
    let optionalSeen = false;
    for (;;) {
      const token = this.#token;
      if (this.#is('.') || this.#is('?.')) {
        this.#at++;
        const optional = token.text === '?.';
        optionalSeen ||= optional;
        if (optional && this.#is('[')) node = this.#index(node, true);
        else node = this.#field(node, optional);
      } else if (this.#is('[')) node = this.#index(node, false);
      else if (this.#is('(') && node.kind === 'member' && node.field)
        node = { kind: 'call', callee: node, arguments: this.#arguments(), offset: token.offset };
      else return optionalSeen ? { kind: 'chain', body: node, offset: node.offset } : node;
    }
  }

  #field(object: Node, optional: boolean): Node {
    const name = this.#next();
    // Words such as `in` are operators elsewhere and names after a dot.
    if (name.kind !== 'name' && !(name.kind === 'operator' && /^\p{L}/u.test(name.text)))
      throw new ExprError('compile', 'expected name', name.offset);
    const property: Node = { kind: 'literal', value: name.text, offset: name.offset };
    return { kind: 'member', object, property, optional, field: true, offset: name.offset };
  }

  #arguments(): readonly Node[] {
    this.#expect('(');
    const items: Node[] = [];
    while (!this.#is(')')) {
      if (items.length > 0) this.#expect(',');
      items.push(this.#expression(0));
    }
    this.#expect(')');
    return items;
  }

  #index(object: Node, optional: boolean): Node {
    const { offset } = this.#next();
    if (this.#take(':')) {
      const to = this.#is(']') ? undefined : this.#expression(0);
      this.#expect(']');
      return { kind: 'slice', object, ...(to ? { to } : {}), offset };
    }
    const from = this.#expression(0);
    if (this.#take(':')) {
      const to = this.#is(']') ? undefined : this.#expression(0);
      this.#expect(']');
      return { kind: 'slice', object, from, ...(to ? { to } : {}), offset };
    }
    this.#expect(']');
    return { kind: 'member', object, property: from, optional, field: false, offset };
  }
}

/** `a ?? b + c` could be read in two ways: it takes parentheses. */
function refuseMixed(operator: string, { offset }: Token): void {
  if (operator === '??') return;
  throw new ExprError(
    'compile',
    `Operator (${operator}) and coalesce expressions (??) cannot be mixed. Wrap either by parentheses.`,
    offset,
  );
}

/** Parse an expression of expr-lang. Throws {@link ExprError} with phase compile. */
export function parseExpression(source: string): Node {
  return new Parser(source).parse();
}
