/** A token of the `when` dialect. Bare words are already strings. */
export type WhenToken =
  | { readonly kind: 'value'; readonly value: WhenValue }
  | { readonly kind: 'call'; readonly text: string }
  /** A word with a dot: a member of a variable, of which there are none. */
  | { readonly kind: 'accessor'; readonly text: string }
  | { readonly kind: 'operator'; readonly text: string }
  | { readonly kind: 'end'; readonly text: string };

/** Every number of the dialect is a float; quoted dates are numbers of seconds. */
export type WhenValue = string | number | boolean | readonly WhenValue[];

/** A `when` that cannot be read or evaluated. `invalid`: it could not even be read. */
export class WhenError extends Error {
  override readonly name = 'WhenError';
  readonly invalid: boolean;
  constructor(message: string, invalid: boolean) {
    super(message);
    this.invalid = invalid;
  }
}

const symbols = new Set([
  '==',
  '!=',
  '=~',
  '!~',
  '>=',
  '<=',
  '>>',
  '<<',
  '&&',
  '||',
  '??',
  '**',
  '>',
  '<',
  '!',
  '~',
  '+',
  '-',
  '*',
  '/',
  '%',
  '&',
  '|',
  '^',
  '?',
  ':',
  ',',
  '(',
  ')',
]);
const wordPattern = /\p{L}(?:[\p{L}\p{N}_.]|\\[^])*/uy;
/** Operators are read as one run: `!!` and `*-` are none. */
const symbolPattern = /[^\p{L}\p{N}()[\]'"\s.\\]+/uy;
const datePattern = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?$/;

/** Split a `when` into tokens. Throws {@link WhenError}. */
export function tokenizeWhen(source: string): readonly WhenToken[] {
  const tokens: WhenToken[] = [];
  let at = 0;
  while (at < source.length) {
    if (/\s/.test(source.charAt(at))) at++;
    else {
      const [token, end] = readToken(source, at);
      tokens.push(token);
      at = end;
    }
  }
  return [...tokens, { kind: 'end', text: '' }];
}

function readToken(source: string, at: number): [WhenToken, number] {
  const char = source.charAt(at);
  if (/[0-9.]/.test(char)) return readNumber(source, at);
  if (char === "'" || char === '"') return readText(source, at);
  if (char === '[') {
    const end = source.indexOf(']', at);
    if (end < 0) throw new WhenError('Unclosed parameter bracket', true);
    return [{ kind: 'value', value: source.slice(at + 1, end) }, end + 1];
  }
  wordPattern.lastIndex = at;
  const word = wordPattern.exec(source)?.[0];
  if (word) return [wordToken(word, source, at + word.length), at + word.length];
  symbolPattern.lastIndex = at;
  const symbol = char === '(' || char === ')' ? char : (symbolPattern.exec(source)?.[0] ?? char);
  if (!symbols.has(symbol)) throw new WhenError(`Invalid token: '${symbol}'`, true);
  return [{ kind: 'operator', text: symbol }, at + symbol.length];
}

function wordToken(written: string, source: string, end: number): WhenToken {
  const word = written.replace(/\\([^])/gu, '$1');
  if (word === 'true' || word === 'false') return { kind: 'value', value: word === 'true' };
  if (word === 'in' || word === 'IN') return { kind: 'operator', text: 'in' };
  if (source.charAt(end) === '(') return { kind: 'call', text: word };
  const dot = word.indexOf('.');
  if (dot >= 0 && !written.includes('\\.')) return { kind: 'accessor', text: word.slice(0, dot) };
  return { kind: 'value', value: word };
}

function readNumber(source: string, at: number): [WhenToken, number] {
  const hex = /^0x[0-9a-fA-F]+/.exec(source.slice(at, at + 40))?.[0];
  const text = hex ?? /^[0-9.]+/.exec(source.slice(at))?.[0] ?? '';
  const value = Number(text);
  if (Number.isNaN(value)) throw new WhenError(`Unable to parse numeric value '${text}' to float64`, true);
  return [{ kind: 'value', value }, at + text.length];
}

/** A text ends at the next quote of either kind. */
function readText(source: string, start: number): [WhenToken, number] {
  let text = '';
  for (let at = start + 1; at < source.length; at++) {
    const char = source.charAt(at);
    if (char === "'" || char === '"') return [{ kind: 'value', value: dateOrText(text) }, at + 1];
    if (char === '\\') text += source.charAt(++at);
    else text += char;
  }
  throw new WhenError('Unclosed string literal', true);
}

function dateOrText(text: string): WhenValue {
  if (!datePattern.test(text)) return text;
  const zoned = text.length === 10 || /(?:Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text.replace(' ', 'T')}Z`;
  const milliseconds = Date.parse(zoned);
  return Number.isNaN(milliseconds) ? text : milliseconds / 1_000;
}
