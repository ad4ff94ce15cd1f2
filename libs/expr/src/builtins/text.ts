import { OperatorError } from '../lang/operators.ts';
import type { Budget } from '../lang/budget.ts';
import { byteLength } from '../utf8.ts';
import { formatValue, type Value } from '../value.ts';
import { intOf, listOf, textOf } from './arguments.ts';
import type { PlainBuiltin } from './plain-builtin.ts';

/** Builtins over text. */
export const textBuiltins: Readonly<Record<string, PlainBuiltin>> = {
  upper: { least: 1, most: 1, apply: ([text]) => upperCase(textOf('upper', text)) },
  lower: { least: 1, most: 1, apply: ([text]) => lowerCase(textOf('lower', text)) },
  trim: { least: 1, most: 2, apply: ([text, cutset]) => trimSides(textOf('trim', text), cutset, true, true) },
  trimPrefix: {
    least: 1,
    most: 2,
    apply: ([text, prefix = ' ']) => withoutPrefix(textOf('trimPrefix', text), textOf('trimPrefix', prefix)),
  },
  trimSuffix: {
    least: 1,
    most: 2,
    apply: ([text, suffix = ' ']) => withoutSuffix(textOf('trimSuffix', text), textOf('trimSuffix', suffix)),
  },
  hasPrefix: {
    least: 2,
    most: 2,
    apply: ([text, part]) => textOf('hasPrefix', text).startsWith(textOf('hasPrefix', part)),
  },
  hasSuffix: {
    least: 2,
    most: 2,
    apply: ([text, part]) => textOf('hasSuffix', text).endsWith(textOf('hasSuffix', part)),
  },
  indexOf: {
    least: 2,
    most: 2,
    apply: ([text, part]) =>
      byteIndex(textOf('indexOf', text), textOf('indexOf', text).indexOf(textOf('indexOf', part))),
  },
  lastIndexOf: {
    least: 2,
    most: 2,
    apply: ([text, part]) =>
      byteIndex(textOf('lastIndexOf', text), textOf('lastIndexOf', text).lastIndexOf(textOf('lastIndexOf', part))),
  },
  split: { least: 2, most: 3, apply: ([text, by, limit]) => split(textOf('split', text), textOf('split', by), limit) },
  splitAfter: {
    least: 2,
    most: 3,
    apply: ([text, by, limit]) => splitAfter(textOf('splitAfter', text), textOf('splitAfter', by), limit),
  },
  join: {
    least: 1,
    most: 2,
    apply: ([list, by = '']) =>
      listOf('join', list)
        .map((item) => textOf('join', item))
        .join(textOf('join', by)),
  },
  replace: {
    least: 3,
    most: 4,
    apply: ([text, from, to, limit], budget) =>
      replace([textOf('replace', text), textOf('replace', from), textOf('replace', to)], limit, budget),
  },
  repeat: {
    least: 2,
    most: 2,
    apply: ([text, count], budget) => repeat(textOf('repeat', text), intOf('repeat', count), budget),
  },
};

/** Upper case letter by letter: no letter becomes two, as in Go. */
export function upperCase(text: string): string {
  return eachLetter(text, (char) => char.toUpperCase());
}

/** Lower case letter by letter. */
export function lowerCase(text: string): string {
  return eachLetter(text, (char) => char.toLowerCase());
}

function eachLetter(text: string, change: (char: string) => string): string {
  const changed = (char: string): string => {
    const to = change(char);
    return Array.from(to).length === 1 ? to : char;
  };
  return Array.from(text, changed).join('');
}

function byteIndex(text: string, index: number): Value {
  return index < 0 ? -1n : BigInt(byteLength(text.slice(0, index)));
}

/** Remove characters of `cutset` (white space by default) at the asked sides. */
export function trimSides(text: string, cutset: Value | undefined, start: boolean, end: boolean): string {
  if (cutset === undefined) return start && end ? text.trim() : start ? text.trimStart() : text.trimEnd();
  const set = new Set(textOf('trim', cutset));
  const chars = Array.from(text);
  let from = 0;
  let to = chars.length;
  while (start && from < to && set.has(chars[from] ?? '')) from++;
  while (end && to > from && set.has(chars[to - 1] ?? '')) to--;
  return chars.slice(from, to).join('');
}

function withoutPrefix(text: string, prefix: string): string {
  return text.startsWith(prefix) ? text.slice(prefix.length) : text;
}

function withoutSuffix(text: string, suffix: string): string {
  return suffix && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text;
}

function split(text: string, by: string, limit: Value | undefined): Value {
  const parts = by === '' ? Array.from(text) : text.split(by);
  if (limit === undefined) return parts;
  const most = Number(intOf('split', limit));
  if (most < 0 || parts.length <= most) return parts;
  return most === 0 ? [] : [...parts.slice(0, most - 1), parts.slice(most - 1).join(by)];
}

function splitAfter(text: string, by: string, limit: Value | undefined): Value {
  const parts = split(text, by, limit);
  if (!Array.isArray(parts)) return parts;
  return parts.map((part: Value, index: number) => (index < parts.length - 1 ? `${formatValue(part)}${by}` : part));
}

function replace(
  [text, from, to]: readonly [string, string, string],
  limit: Value | undefined,
  budget: Budget,
): string {
  const most = limit === undefined ? -1 : Number(intOf('replace', limit));
  const parts = from === '' ? ['', ...Array.from(text), ''] : text.split(from);
  const count = most < 0 ? parts.length - 1 : Math.min(most, parts.length - 1);
  budget.allocate(text.length + count * to.length);
  return (
    parts.slice(0, count + 1).join(to) +
    parts
      .slice(count + 1)
      .map((part) => from + part)
      .join('')
  );
}

function repeat(text: string, count: bigint, budget: Budget): string {
  if (count < 0n) throw new OperatorError('invalid argument for repeat (expected positive integer)');
  if (count > 1_000_000n) throw new OperatorError('memory budget exceeded');
  budget.allocate(text.length * Number(count));
  return text.repeat(Number(count));
}
