import { decodeUtf8, encodeUtf8 } from '../utf8.ts';
import { lowerCase, trimSides, upperCase } from '../builtins/text.ts';
import { formatValue, fromBase64, type HostFunction, isList, toBase64, type Value } from '../value.ts';
import { countOf, textOf } from './arguments.ts';
import { fromBase32, toBase32 } from './base32.ts';
import { adler32, sha1, sha256, sha512 } from './hashes.ts';

/** A value as sprig turns it into text. */
export function sprigText1(value: Value | undefined): string {
  return formatValue(value ?? null);
}

const text = textOf;
const count = countOf;
const maxRepeat = 1_000_000;
const maxText = 8_000_000;

/** Sprig's functions over text. */
export const sprigText: Readonly<Record<string, HostFunction>> = {
  trim: (value) => text(value).trim(),
  trimAll: (cutset, value) => trimSides(text(value), text(cutset), true, true),
  trimPrefix: (part, value) =>
    text(value).startsWith(text(part)) ? text(value).slice(text(part).length) : text(value),
  trimSuffix: (part, value) =>
    text(part) && text(value).endsWith(text(part)) ? text(value).slice(0, -text(part).length) : text(value),
  upper: (value) => upperCase(text(value)),
  lower: (value) => lowerCase(text(value)),
  title: (value) =>
    text(value).replace(
      /(^|[^\p{L}\p{N}_'])(\p{L})/gu,
      (_, before: string, letter: string) => before + letter.toUpperCase(),
    ),
  untitle: (value) =>
    text(value).replace(/(^|\s)(\p{L})/gu, (_, before: string, letter: string) => before + letter.toLowerCase()),
  repeat: (times, value) => {
    if (count(times) * text(value).length > maxRepeat) throw new Error('the repeated text is too long');
    return text(value).repeat(Math.max(0, count(times)));
  },
  contains: (part, value) => text(value).includes(text(part)),
  hasPrefix: (part, value) => text(value).startsWith(text(part)),
  hasSuffix: (part, value) => text(value).endsWith(text(part)),
  quote: (...values) =>
    values
      .filter((value) => value !== null)
      .map((value) => JSON.stringify(sprigText1(value)))
      .join(' '),
  squote: (...values) =>
    values
      .filter((value) => value !== null)
      .map((value) => `'${sprigText1(value)}'`)
      .join(' '),
  cat: (...values) =>
    values
      .filter((value) => value !== null)
      .map(sprigText1)
      .join(' '),
  indent: (size, value) => indent(count(size), text(value)),
  nindent: (size, value) => `\n${indent(count(size), text(value))}`,
  replace: (from, to, value) => replaceAll(text(value), text(from), text(to)),
  plural: (one, many, size) => (count(size) === 1 ? text(one) : text(many)),
  nospace: (value) => text(value).replace(/\s/g, ''),
  initials: (value) => (text(value).match(/\S+/g) ?? []).map((word) => word.charAt(0)).join(''),
  snakecase: (value) => words(text(value)).join('_').toLowerCase(),
  kebabcase: (value) => words(text(value)).join('-').toLowerCase(),
  swapcase: (value) =>
    Array.from(text(value))
      .map((char) => (char === char.toLowerCase() ? char.toUpperCase() : char.toLowerCase()))
      .join(''),
  toString: (value: Value | undefined) => sprigText1(value),
  toStrings: (list) => (isList(list) ? list.filter((item) => item !== null).map(sprigText1) : [sprigText1(list)]),
  join: (by, list) =>
    isList(list)
      ? list
          .filter((item) => item !== null)
          .map(sprigText1)
          .join(text(by))
      : sprigText1(list),
  splitList: (by, value) => (text(by) === '' ? Array.from(text(value)) : text(value).split(text(by))),
  split: (by, value) => numbered(text(value).split(text(by))),
  splitn: (by, size, value) => numbered(limited(text(value), text(by), count(size))),
  sortAlpha: (list) =>
    isList(list) ? list.map(sprigText1).toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)) : [sprigText1(list)],
  b64enc: (value) => toBase64(encodeUtf8(text(value))),
  b64dec: (value) => {
    const bytes = fromBase64(text(value));
    return bytes ? decodeUtf8(bytes) : 'illegal base64 data at input byte 0';
  },
  b32enc: (value) => toBase32(encodeUtf8(text(value))),
  b32dec: (value) => {
    const bytes = fromBase32(text(value));
    return typeof bytes === 'number' ? `illegal base32 data at input byte ${bytes}` : decodeUtf8(bytes);
  },
  sha1sum: (value) => sha1(encodeUtf8(text(value))),
  sha256sum: (value) => sha256(encodeUtf8(text(value))),
  sha512sum: (value) => sha512(encodeUtf8(text(value))),
  adler32sum: (value) => adler32(encodeUtf8(text(value))),
};

function replaceAll(value: string, from: string, to: string): string {
  const parts = from === '' ? ['', ...Array.from(value), ''] : value.split(from);
  if (value.length + parts.length * to.length > maxText) throw new Error('the replaced text is too long');
  return parts.join(to);
}

function indent(size: number, value: string): string {
  const blank = ' '.repeat(Math.min(1_000, Math.max(0, size)));
  if (value.length + value.split('\n').length * blank.length > maxText)
    throw new Error('the indented text is too long');
  return blank + value.replaceAll('\n', `\n${blank}`);
}

function words(value: string): string[] {
  return value
    .replace(/([\p{Ll}\p{N}])(\p{Lu})/gu, '$1 $2')
    .replace(/(\p{Lu}+)(\p{Lu}\p{Ll})/gu, '$1 $2')
    .split(/[\s_-]+/)
    .filter((word) => word !== '');
}

function limited(value: string, by: string, size: number): string[] {
  const parts = value.split(by);
  if (size === 0) return [];
  return parts.length <= size || size < 0 ? parts : [...parts.slice(0, size - 1), parts.slice(size - 1).join(by)];
}

function numbered(parts: readonly string[]): Value {
  return new Map<Value, Value>(parts.map((part, index) => [`_${index}`, part]));
}
