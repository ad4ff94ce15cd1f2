import { compilePattern, OperatorError } from '../lang/operators.ts';
import { tokenizeWhen, WhenError, type WhenToken, type WhenValue } from './lexer.ts';

/** Binary operators from the loosest to the tightest; all group to the left. */
const levels: readonly (readonly string[])[] = [
  [','],
  ['??', '?', ':'],
  ['||'],
  ['&&'],
  ['==', '!=', '>', '<', '>=', '<=', '=~', '!~', 'in'],
  ['&', '|', '^'],
  ['+', '-'],
  ['<<', '>>'],
  ['*', '/', '%'],
  ['**'],
];
const maxDepth = 200;

/** Evaluates while it reads: the dialect has no variables left once tags are replaced and bare words are text. */
class WhenReader {
  readonly #tokens: readonly WhenToken[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly WhenToken[]) {
    this.#tokens = tokens;
  }

  read(): WhenValue {
    const value = this.#level(0);
    const rest = this.#peek();
    if (rest.kind !== 'end') throw new WhenError(`Cannot transition token types to ${describe(rest)}`, true);
    return value;
  }

  #peek(): WhenToken {
    return this.#tokens[this.#at] ?? { kind: 'end', text: '' };
  }

  #level(index: number): WhenValue {
    const operators = levels[index];
    if (!operators) return this.#prefix();
    let left = this.#level(index + 1);
    for (;;) {
      const token = this.#peek();
      if (token.kind !== 'operator' || !operators.includes(token.text)) return left;
      this.#at++;
      if (token.text === '?') left = this.#ternary(left);
      else if (token.text === ':') return left;
      else left = apply(token.text, left, this.#level(index + 1));
    }
  }

  #ternary(test: WhenValue): WhenValue {
    const then = this.#level(2);
    const colon = this.#peek();
    if (colon.kind !== 'operator' || colon.text !== ':') {
      if (test === true) return then;
      throw new WhenError('the condition gives <nil>', false);
    }
    this.#at++;
    const otherwise = this.#level(1);
    return test === true ? then : otherwise;
  }

  #prefix(): WhenValue {
    if (++this.#depth > maxDepth) throw new WhenError('the expression is nested too deeply', true);
    try {
      return this.#prefixed();
    } finally {
      this.#depth--;
    }
  }

  #prefixed(): WhenValue {
    const token = this.#peek();
    this.#at++;
    if (token.kind === 'value') return token.value;
    if (token.kind === 'accessor') throw new WhenError(`No parameter '${token.text}' found.`, false);
    if (token.kind === 'call') throw new WhenError(`Undefined function ${token.text}`, true);
    if (token.text === '!') return !bool(this.#prefix(), '!');
    if (token.text === '-') return -number(this.#prefix(), '-');
    if (token.text === '~') return ~number(this.#prefix(), '~');
    if (token.text === '(') return this.#group();
    if (token.kind === 'end') throw new WhenError('Unexpected end of expression', true);
    throw new WhenError(`Cannot transition token types to ${describe(token)}`, true);
  }

  #group(): WhenValue {
    const close = (): boolean => {
      const token = this.#peek();
      return token.kind === 'operator' && token.text === ')';
    };
    if (close()) {
      this.#at++;
      return [];
    }
    const value = this.#level(0);
    if (!close()) throw new WhenError('Unbalanced parenthesis', true);
    this.#at++;
    return value;
  }
}

function describe(token: WhenToken): string {
  return token.kind === 'value' ? `VALUE [${String(token.value)}]` : `${token.kind.toUpperCase()} [${token.text}]`;
}

function number(value: WhenValue, operator: string): number {
  if (typeof value !== 'number')
    throw new WhenError(
      `Value '${String(value)}' cannot be used with the modifier '${operator}', it is not a number`,
      false,
    );
  return value;
}

function bool(value: WhenValue, operator: string): boolean {
  if (typeof value !== 'boolean')
    throw new WhenError(
      `Value '${String(value)}' cannot be used with the logical operator '${operator}', it is not a bool`,
      false,
    );
  return value;
}

function apply(operator: string, left: WhenValue, right: WhenValue): WhenValue {
  switch (operator) {
    case '==':
      return isSame(left, right);
    case '!=':
      return !isSame(left, right);
    case '&&':
      return bool(left, operator) && bool(right, operator);
    case '||':
      return bool(left, operator) || bool(right, operator);
    case '>':
    case '<':
    case '>=':
    case '<=':
      return compare(operator, left, right);
    case '=~':
    case '!~':
      return matches(left, right) === (operator === '=~');
    case 'in':
      if (!Array.isArray(right))
        throw new WhenError(
          `Value '${String(right)}' cannot be used with the comparator 'in', it is not a list`,
          false,
        );
      return right.some((item: WhenValue) => isSame(item, left));
    case ',':
      return Array.isArray(left) ? [...left, right] : [left, right];
    case '??':
      return left;
    case '+':
      return add(left, right);
    default:
      return arithmetic(operator, number(left, operator), number(right, operator));
  }
}

function add(left: WhenValue, right: WhenValue): WhenValue {
  if (typeof left === 'string' || typeof right === 'string') return `${String(left)}${String(right)}`;
  return number(left, '+') + number(right, '+');
}

function isSame(left: WhenValue, right: WhenValue): boolean {
  if (Array.isArray(left) && Array.isArray(right)) return JSON.stringify(left) === JSON.stringify(right);
  return left === right;
}

function compare(operator: string, left: WhenValue, right: WhenValue): boolean {
  const texts = typeof left === 'string' && typeof right === 'string';
  const [a, b] = texts ? [left, right] : [comparable(left, operator), comparable(right, operator)];
  if (operator === '>') return a > b;
  if (operator === '<') return a < b;
  return operator === '>=' ? a >= b : a <= b;
}

function comparable(value: WhenValue, operator: string): number {
  if (typeof value !== 'number')
    throw new WhenError(
      `Value '${String(value)}' cannot be used with the comparator '${operator}', it is not a number`,
      false,
    );
  return value;
}

function matches(left: WhenValue, right: WhenValue): boolean {
  for (const value of [left, right])
    if (typeof value !== 'string')
      throw new WhenError(`Value '${String(value)}' cannot be used with the comparator '=~', it is not text`, false);
  try {
    return compilePattern(String(right)).matcher(String(left)).find();
  } catch (error) {
    if (error instanceof OperatorError) throw new WhenError(error.message, true);
    throw error;
  }
}

function arithmetic(operator: string, left: number, right: number): number {
  switch (operator) {
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    case '%':
      return left % right;
    case '**':
      return left ** right;
    case '&':
      return Number(BigInt(Math.trunc(left)) & BigInt(Math.trunc(right)));
    case '|':
      return Number(BigInt(Math.trunc(left)) | BigInt(Math.trunc(right)));
    case '^':
      return Number(BigInt(Math.trunc(left)) ^ BigInt(Math.trunc(right)));
    case '<<':
      return left * 2 ** right;
    default:
      return Math.floor(left / 2 ** right);
  }
}

/** Evaluate a `when` whose tags are already replaced: true, false, or why it is neither. */
export function evaluateWhen(
  source: string,
): { readonly ok: true; readonly value: boolean } | { readonly ok: false; readonly message: string } {
  if (source === '') return { ok: true, value: true };
  try {
    const value = new WhenReader(tokenizeWhen(source)).read();
    if (typeof value === 'boolean') return { ok: true, value };
    return {
      ok: false,
      message: `Expected boolean evaluation for '${source}'. Got ${Array.isArray(value) ? `[${value.join(' ')}]` : String(value)}`,
    };
  } catch (error) {
    if (!(error instanceof WhenError)) throw error;
    if (error.invalid) return { ok: false, message: `Invalid 'when' expression '${source}': ${error.message}` };
    return { ok: false, message: `Failed to evaluate 'when' expresion '${source}': ${error.message}` };
  }
}
