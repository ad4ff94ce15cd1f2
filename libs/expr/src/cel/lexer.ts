import { encodeUtf8 } from '../utf8.ts';
import { errorAt } from './cel-error.ts';
import { joinBytes } from './value.ts';

/** One token; `value` is what a literal means. */
export type Token =
  | { readonly type: 'int' | 'uint'; readonly value: bigint; readonly at: number; readonly text: string }
  | { readonly type: 'double'; readonly value: number; readonly at: number; readonly text: string }
  | { readonly type: 'string'; readonly value: string; readonly at: number; readonly text: string }
  | { readonly type: 'bytes'; readonly value: Uint8Array; readonly at: number; readonly text: string }
  | { readonly type: 'id' | 'quoted' | 'symbol' | 'end'; readonly at: number; readonly text: string };

const space = /(?:\s|\/\/[^\n]*)*/uy;
const number = /0[xX][0-9a-fA-F]+[uU]?|\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?|\d+[uU]?/uy;
const identifier = /[a-zA-Z_][a-zA-Z0-9_]*/uy;
const quoted = /`[a-zA-Z0-9_.\-/ ]+`/uy;
const opening = /(?:[rR]?[bB]?|[bB]?[rR]?)(?:"""|'''|"|')/uy;
const symbol = /&&|\|\||==|!=|<=|>=|[-+*/%<>!?:.,()[\]{}]/uy;

const maxTokens = 20_000;

/** The tokens of an expression, with `end` as the last. Throws a compile error. */
export function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = matchAt(space, text, 0)?.length ?? 0;
  while (at < text.length) {
    const token = tokenAt(text, at);
    tokens.push(token);
    if (tokens.length > maxTokens) throw errorAt(text, at, `expression has more than ${maxTokens} tokens`);
    at += token.text.length;
    at += matchAt(space, text, at)?.length ?? 0;
  }
  return [...tokens, { type: 'end', at: text.length, text: '<EOF>' }];
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

function tokenAt(text: string, at: number): Token {
  const quote = matchAt(opening, text, at);
  if (quote !== undefined) return literalAt(text, at, quote);
  const digits = matchAt(number, text, at);
  if (digits !== undefined) return numberToken(text, at, digits);
  const name = matchAt(identifier, text, at);
  if (name !== undefined) return { type: 'id', at, text: name };
  const backquoted = matchAt(quoted, text, at);
  if (backquoted !== undefined) return { type: 'quoted', at, text: backquoted };
  const sign = matchAt(symbol, text, at);
  if (sign !== undefined) return { type: 'symbol', at, text: sign };
  throw errorAt(text, at, `Syntax error: token recognition error at: '${Array.from(text.slice(at, at + 2))[0] ?? ''}'`);
}

function numberToken(text: string, at: number, digits: string): Token {
  if (/[.eE]/u.test(digits) && !/^0[xX]/u.test(digits))
    return { type: 'double', value: Number(digits), at, text: digits };
  const isUnsigned = /[uU]$/u.test(digits);
  const value = BigInt(isUnsigned ? digits.slice(0, -1) : digits);
  if (value > (isUnsigned ? 2n ** 64n - 1n : 2n ** 63n))
    throw errorAt(text, at, `invalid ${isUnsigned ? 'uint' : 'int'} literal`);
  return { type: isUnsigned ? 'uint' : 'int', value, at, text: digits };
}

function literalAt(text: string, at: number, quote: string): Token {
  const mark = quote.replace(/^[a-zA-Z]*/u, '');
  const prefix = quote.slice(0, quote.length - mark.length).toLowerCase();
  const isRaw = prefix.includes('r');
  const end = closingAt(text, at + quote.length, mark, isRaw);
  if (end < 0) throw errorAt(text, at, `Syntax error: token recognition error at: '${quote}'`);
  const body = text.slice(at + quote.length, end);
  const whole = text.slice(at, end + mark.length);
  if (!prefix.includes('b')) {
    return { type: 'string', value: isRaw ? body : unescapeText(text, at, body), at, text: whole };
  }
  return {
    type: 'bytes',
    value: isRaw ? encodeUtf8(body) : unescapeBytes(text, at, body),
    at,
    text: whole,
  };
}

function closingAt(text: string, from: number, mark: string, isRaw: boolean): number {
  for (let at = from; at < text.length; at++) {
    if (text.startsWith(mark, at)) return at;
    const char = text[at];
    if (char === '\\' && !isRaw) at++;
    else if (char === '\n' && mark.length === 1) return -1;
  }
  return -1;
}

const escape =
  /\\(?:([abfnrtv\\'"`?])|x([0-9a-fA-F]{2})|X([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|([^]?))/gu;
const plainEscapes: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** The code point or byte that an escape stands for. */
function codeOf(groups: readonly (string | undefined)[]): number {
  const [plain, x, upperX, u, upperU, octal] = groups;
  if (plain !== undefined) return (plainEscapes[plain] ?? plain).codePointAt(0) ?? 0;
  const hex = x ?? upperX ?? u ?? upperU;
  if (hex !== undefined) return Number.parseInt(hex, 16);
  return octal === undefined ? -1 : Number.parseInt(octal, 8);
}

function unescapeText(text: string, at: number, body: string): string {
  return body.replaceAll(escape, (_, ...groups: (string | undefined)[]) => {
    const code = codeOf(groups);
    if (code < 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
      throw errorAt(text, at, 'invalid escape in a string');
    return String.fromCodePoint(code);
  });
}

function unescapeBytes(text: string, at: number, body: string): Uint8Array {
  const parts: Uint8Array[] = [];
  let from = 0;
  for (const match of body.matchAll(escape)) {
    const code = codeOf(match.slice(1));
    if (code < 0 || match[4] !== undefined || match[5] !== undefined)
      throw errorAt(text, at, 'invalid escape in bytes');
    parts.push(encodeUtf8(body.slice(from, match.index)), Uint8Array.of(code));
    from = match.index + match[0].length;
  }
  return joinBytes([...parts, encodeUtf8(body.slice(from))]);
}
