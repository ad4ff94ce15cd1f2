import { isEqual, isNumber, type Value } from './value.ts';

/** Finds what a path such as `@.a[0]` stands for; undefined where it stands for nothing. */
export type ResolvePath = (path: string) => Value | undefined;

const levels: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['==', '!=', '<=', '>=', '<', '>'],
  ['+', '-'],
  ['*', '/', '%'],
];
const tokenPattern =
  /\s*(?:(\|\||&&|[=!<>]=|[<>()!+\-*/%])|('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(\d+(?:\.\d+)?)|(true|false|null)\b|([@$](?:\.[A-Za-z0-9_]+|\[(?:\d+|'[^']*'|"[^"]*")\])*))/y;
const maxDepth = 50;

type Token = { readonly kind: 'operator' | 'text' | 'number' | 'word' | 'path'; readonly text: string };

function tokenize(source: string): readonly Token[] {
  const kinds = ['operator', 'text', 'number', 'word', 'path'] as const;
  const tokens: Token[] = [];
  let at = 0;
  while (source.slice(at).trim() !== '') {
    tokenPattern.lastIndex = at;
    const match = tokenPattern.exec(source);
    if (!match) throw new Error(`invalid JSONPath expression '${source}' unexpected token at index ${at}`);
    for (const [index, kind] of kinds.entries()) {
      const text = match[index + 1];
      if (text !== undefined) tokens.push({ kind, text });
    }
    at = tokenPattern.lastIndex;
  }
  return tokens;
}

/** Evaluate the inside of `?(…)` or `(…)`. Undefined: it names something that is not there. Throws Error for what is no expression. */
export function evaluateFilter(source: string, resolve: ResolvePath): Value | undefined {
  const tokens = tokenize(source);
  let at = 0;
  let depth = 0;
  const take = (text: string): boolean => {
    const token = tokens[at];
    if (token?.kind !== 'operator' || token.text !== text) return false;
    at++;
    return true;
  };
  const level = (index: number): Value | undefined => {
    const operators = levels[index];
    if (!operators) return operand();
    let left = level(index + 1);
    for (;;) {
      const operator = operators.find(take);
      if (operator === undefined) return left;
      left = apply(operator, left, level(index + 1));
    }
  };
  const operand = (): Value | undefined => {
    if (++depth > maxDepth) throw new Error('the JSONPath expression is nested too deeply');
    try {
      if (take('!')) return !isTrue(operand());
      if (take('-')) return apply('-', 0, operand());
      if (take('(')) {
        const inner = level(0);
        if (!take(')')) throw new Error(`invalid JSONPath expression '${source}' missing )`);
        return inner;
      }
      const token = tokens[at++];
      if (!token || token.kind === 'operator') throw new Error(`invalid JSONPath expression '${source}'`);
      if (token.kind === 'path') return resolve(token.text);
      if (token.kind === 'number') return Number(token.text);
      if (token.kind === 'word') return token.text === 'null' ? null : token.text === 'true';
      return token.text.slice(1, -1).replace(/\\(.)/g, '$1');
    } finally {
      depth--;
    }
  };
  const value = level(0);
  if (at < tokens.length)
    throw new Error(`invalid JSONPath expression '${source}' unexpected token '${tokens[at]?.text}'`);
  return value;
}

/** What counts as true in a filter: everything that is there but false, nil, zero and empty text. */
export function isTrue(value: Value | undefined): boolean {
  if (value === undefined || value === null || value === false || value === '') return false;
  return !isNumber(value) || Number(value) !== 0;
}

function apply(operator: string, left: Value | undefined, right: Value | undefined): Value {
  if (operator === '&&') return isTrue(left) && isTrue(right);
  if (operator === '||') return isTrue(left) || isTrue(right);
  if (left === undefined || right === undefined) return operator === '!=' ? left !== right : false;
  if (operator === '==') return isEqual(left, right);
  if (operator === '!=') return !isEqual(left, right);
  if (isNumber(left) && isNumber(right)) return applyNumbers(operator, Number(left), Number(right));
  if (typeof left === 'string' && typeof right === 'string') {
    if (operator === '+') return left + right;
    return compare(operator, left, right);
  }
  return false;
}

function compare<T extends string | number>(operator: string, left: T, right: T): boolean {
  if (operator === '<') return left < right;
  if (operator === '>') return left > right;
  if (operator === '<=') return left <= right;
  return operator === '>=' && left >= right;
}

function applyNumbers(operator: string, left: number, right: number): Value {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    case '%':
      return left % right;
    default:
      return compare(operator, left, right);
  }
}
