import { ExprError } from './failure.ts';

export type TokenKind = 'number' | 'string' | 'bytes' | 'name' | 'operator' | 'bracket' | 'eof';

/** One token. `text` is the decoded content for strings, the source text for everything else. */
export type Token = { readonly kind: TokenKind; readonly text: string; readonly offset: number };

const wordOperators = new Set([
  'in',
  'or',
  'and',
  'matches',
  'contains',
  'startsWith',
  'endsWith',
  'not',
  'let',
  'if',
  'else',
]);
const operators = ['?.', '??', '..', '**', '==', '!=', '<=', '>=', '&&', '||', '::'];
const escapes: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '`': '`',
  '/': '/',
};
/** Stands before a character of a bytes literal that was written as one byte. */
export const byteMark = '\uDC00';
const numberPattern = /(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*)?\.?\d[\d_]*(?:[eE][+-]?\d+)?)/y;
const namePattern = /[\p{L}_$][\p{L}\p{N}_$]*/uy;

/** Split an expression into tokens. Throws {@link ExprError} for text that is none. */
export function tokenize(source: string): readonly Token[] {
  const tokens: Token[] = [];
  let offset = 0;
  while (offset < source.length) {
    const skipped = skipBlank(source, offset);
    if (skipped !== offset) {
      offset = skipped;
      continue;
    }
    const [token, end] = readToken(source, offset, tokens.at(-1));
    tokens.push(token);
    offset = end;
  }
  tokens.push({ kind: 'eof', text: 'EOF', offset: Math.max(0, source.length - 1) });
  return tokens;
}

function skipBlank(source: string, offset: number): number {
  const char = source.charAt(offset);
  if (/\s/.test(char)) return offset + 1;
  if (source.startsWith('//', offset)) return lineEnd(source, offset);
  if (source.startsWith('/*', offset)) {
    const end = source.indexOf('*/', offset + 2);
    if (end < 0) throw new ExprError('compile', 'unclosed comment', offset);
    return end + 2;
  }
  return offset;
}

function lineEnd(source: string, offset: number): number {
  const end = source.indexOf('\n', offset);
  return end < 0 ? source.length : end;
}

function readToken(source: string, offset: number, before: Token | undefined): [Token, number] {
  const char = source.charAt(offset);
  const afterMember = before?.kind === 'operator' && (before.text === '.' || before.text === '?.');
  if (/\d/.test(char) || (char === '.' && /\d/.test(source.charAt(offset + 1)))) return readNumber(source, offset);
  if (char === "'" || char === '"') return readString(source, offset, 'string');
  if (char === '`') return readRaw(source, offset);
  if (char === 'b' && /['"]/.test(source.charAt(offset + 1))) return readString(source, offset + 1, 'bytes');
  namePattern.lastIndex = offset;
  const name = namePattern.exec(source)?.[0];
  if (name) {
    const kind = wordOperators.has(name) && !afterMember ? 'operator' : 'name';
    return [{ kind, text: name, offset }, offset + name.length];
  }
  if ('()[]{}'.includes(char)) return [{ kind: 'bracket', text: char, offset }, offset + 1];
  const two = source.slice(offset, offset + 2);
  if (operators.includes(two)) return [{ kind: 'operator', text: two, offset }, offset + 2];
  if ('#,:;%?|+-/*^<>=!.&'.includes(char)) return [{ kind: 'operator', text: char, offset }, offset + 1];
  const code = (source.codePointAt(offset) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  throw new ExprError('compile', `unrecognized character: U+${code} '${char}'`, offset);
}

function readNumber(source: string, offset: number): [Token, number] {
  // `1..3` is a range: the number ends before the two dots.
  const range = /^\d[\d_]*(?=\.\.)/.exec(source.slice(offset, offset + 40));
  numberPattern.lastIndex = offset;
  const text = range?.[0] ?? numberPattern.exec(source)?.[0] ?? '';
  const trailingDot =
    !range &&
    /^\d+$/.test(text) &&
    /^\.(?![.\p{L}_\d])/u.test(source.slice(offset + text.length, offset + text.length + 2));
  const end = offset + text.length + (trailingDot ? 1 : 0);
  const next = source.charAt(end);
  if (/[\p{L}_]/u.test(next)) throw new ExprError('compile', `bad number syntax: "${text}${next}"`, offset);
  return [{ kind: 'number', text: trailingDot ? `${text}.0` : text, offset }, end];
}

function readRaw(source: string, offset: number): [Token, number] {
  let text = '';
  for (let at = offset + 1; at < source.length; at++) {
    if (source.charAt(at) !== '`') text += source.charAt(at);
    else if (source.charAt(at + 1) === '`') text += source.charAt(at++);
    else return [{ kind: 'string', text, offset }, at + 1];
  }
  throw new ExprError('compile', 'literal not terminated', source.length);
}

function readString(source: string, offset: number, kind: 'string' | 'bytes'): [Token, number] {
  const quote = source.charAt(offset);
  let text = '';
  for (let at = offset + 1; at < source.length; at++) {
    const char = source.charAt(at);
    if (char === quote) return [{ kind, text, offset }, at + 1];
    if (char === '\n') break;
    if (char !== '\\') {
      text += char;
      continue;
    }
    const [decoded, length] = readEscape(source, at + 1);
    text += kind === 'bytes' && /[x0-3]/.test(source.charAt(at + 1)) ? byteMark + decoded : decoded;
    at += length;
  }
  throw new ExprError('compile', 'literal not terminated', offset);
}

function readEscape(source: string, at: number): [string, number] {
  const char = source.charAt(at);
  const simple = escapes[char];
  if (simple !== undefined) return [simple, 1];
  const numeric =
    /^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\}|U([0-9a-fA-F]{8})|([0-3][0-7]{2}))/.exec(
      source.slice(at, at + 10),
    );
  if (!numeric) throw new ExprError('compile', 'unable to unescape string', at - 1);
  const [whole, hex, short, braced, long, octal] = numeric;
  const code =
    octal !== undefined ? Number.parseInt(octal, 8) : Number.parseInt(hex ?? short ?? braced ?? long ?? '0', 16);
  if (code > 0x10ffff) throw new ExprError('compile', 'unable to unescape string', at - 1);
  return [String.fromCodePoint(code), whole.length];
}
