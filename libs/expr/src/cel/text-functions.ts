import { compileRegex, countRepeats } from '../kubernetes/pattern.ts';
import { CelError, type Meter } from './cel-error.ts';
import type { Signatures } from './signature.ts';

/** A position in a text, counted in characters. */
function requireIndex(index: bigint, size: number): number {
  if (index < 0n || index > BigInt(size)) throw new CelError(`index out of range: ${index}`);
  return Number(index);
}

function substring(text: string, from: bigint, to?: bigint): string {
  const chars = Array.from(text);
  const start = requireIndex(from, chars.length);
  const end = to === undefined ? chars.length : requireIndex(to, chars.length);
  if (start > end) throw new CelError(`invalid substring range. start: ${from}, end: ${to}`);
  return chars.slice(start, end).join('');
}

function indexOf(text: string, part: string, from = 0n): bigint {
  const chars = Array.from(text);
  const start = chars.slice(0, requireIndex(from, chars.length)).join('').length;
  const at = text.indexOf(part, start);
  return at < 0 ? -1n : BigInt(Array.from(text.slice(0, at)).length);
}

function lastIndexOf(text: string, part: string, to?: bigint): bigint {
  const chars = Array.from(text);
  const end = to === undefined ? text.length : chars.slice(0, requireIndex(to, chars.length)).join('').length;
  const at = text.lastIndexOf(part, end);
  return at < 0 ? -1n : BigInt(Array.from(text.slice(0, at)).length);
}

/** White space as Unicode has it, which is not quite that of JavaScript. */
const trimmed = (text: string): string =>
  text.replace(/^[\t-\r\u0085\p{Z}]+/u, '').replace(/[\t-\r\u0085\p{Z}]+$/u, '');

const escapes: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};
const quoted = (text: string): string =>
  `"${Array.from(text.toWellFormed(), (char) => escapes[char] ?? char).join('')}"`;

const upper = (text: string): string => text.replaceAll(/[a-z]/gu, (char) => char.toUpperCase());
const lower = (text: string): string => text.replaceAll(/[A-Z]/gu, (char) => char.toLowerCase());

const plain: Signatures = {
  'string.contains(string): bool': (text: string, part: string) => text.includes(part),
  'string.startsWith(string): bool': (text: string, part: string) => text.startsWith(part),
  'string.endsWith(string): bool': (text: string, part: string) => text.endsWith(part),
  'string.charAt(int): string': (text: string, index: bigint) => {
    const chars = Array.from(text);
    return chars[requireIndex(index, chars.length)] ?? '';
  },
  'string.indexOf(string): int': indexOf,
  'string.indexOf(string, int): int': indexOf,
  'string.lastIndexOf(string): int': lastIndexOf,
  'string.lastIndexOf(string, int): int': lastIndexOf,
  'string.lowerAscii(): string': lower,
  'string.upperAscii(): string': upper,
  'string.reverse(): string': (text: string) => Array.from(text).toReversed().join(''),
  'string.substring(int): string': substring,
  'string.substring(int, int): string': substring,
  'string.trim(): string': trimmed,
  'strings.quote(string): string': quoted,
};

function replaced(meter: Meter, text: string, from: string, to: string, count = -1n): string {
  meter.spend((text.length + (text.length + 1) * (from === '' ? to.length : to.length / from.length)) / 10);
  if (count === 0n) return text;
  if (count < 0n)
    return from === ''
      ? Array.from(text)
          .flatMap((char) => [to, char])
          .join('') + to
      : text.replaceAll(from, () => to);
  let out = '';
  let rest = text;
  for (let left = count; left > 0n; left--) {
    const at = rest.indexOf(from);
    if (at < 0) break;
    out += rest.slice(0, at) + to;
    rest = rest.slice(at + from.length);
    if (from !== '') continue;
    const [char] = rest;
    if (char === undefined) break;
    out += char;
    rest = rest.slice(char.length);
  }
  return out + rest;
}

function divided(meter: Meter, text: string, separator: string, count = -1n): readonly string[] {
  meter.spend(text.length);
  if (count === 0n) return [];
  const parts = separator === '' ? Array.from(text) : text.split(separator);
  if (count < 0n || BigInt(parts.length) <= count) return parts;
  const kept = Number(count) - 1;
  return [...parts.slice(0, kept), parts.slice(kept).join(separator)];
}

function joinedText(meter: Meter, list: readonly unknown[], separator = ''): string {
  meter.spend((list.length * (separator.length + 1)) / 10);
  for (const item of list) {
    if (typeof item !== 'string') throw new CelError('no such overload');
    meter.spend(item.length / 10);
  }
  return list.join(separator);
}

/** Compiled once for an evaluation; what a match costs grows with text and expression. */
function regex(meter: Meter, text: string, pattern: string) {
  meter.spendOnce(pattern, (pattern.length + countRepeats(pattern)) * 40);
  meter.spend((1 + text.length / 10) * Math.max(1, pattern.length / 4));
  const expression = compileRegex(pattern);
  if (typeof expression === 'string') throw new CelError(expression);
  return expression.matcher(text);
}

function found(meter: Meter, text: string, pattern: string, count = -1n): readonly string[] {
  const matcher = regex(meter, text, pattern);
  const out: string[] = [];
  while ((count < 0n || BigInt(out.length) < count) && matcher.find()) {
    meter.spend(1);
    out.push(matcher.group() ?? '');
  }
  return out;
}

const metered: Signatures = {
  'string.replace(string, string): string': replaced,
  'string.replace(string, string, int): string': replaced,
  'string.split(string): list<string>': divided,
  'string.split(string, int): list<string>': divided,
  'list<string>.join(): string': joinedText,
  'list<string>.join(string): string': joinedText,
  'string.matches(string): bool': (meter: Meter, text: string, pattern: string) => regex(meter, text, pattern).find(),
  'matches(string, string): bool': (meter: Meter, text: string, pattern: string) => regex(meter, text, pattern).find(),
  'string.find(string): string': (meter: Meter, text: string, pattern: string) =>
    found(meter, text, pattern, 1n)[0] ?? '',
  'string.findAll(string): list<string>': found,
  'string.findAll(string, int): list<string>': found,
};

/** Functions of texts. */
export const textFunctions: readonly Signatures[] = [plain];
/** The same for functions that charge for themselves. */
export const meteredTextFunctions: readonly Signatures[] = [metered];
