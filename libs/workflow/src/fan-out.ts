import { extendEnvironment } from '@sluice/expr';
import type { Json, JsonObject } from '@sluice/model';
import type { Variables } from './variables.ts';
import { substitute, type Substituted } from './variables.ts';
import type { Sequence, TemplateCall } from './workflow-types.ts';

/** The most items of one loop. */
export const maxFanOut = 100_000;

/** One item of a loop: the name of its node and the call, made when it is needed. */
export type FanOutItem<T> = { readonly name: string; make: () => Substituted<T> };

type Items = { readonly ok: true; readonly items: readonly Json[] } | { readonly ok: false; readonly message: string };

/** True for a step or task with a loop. */
export function isLoop(call: TemplateCall): boolean {
  return (call.withItems?.length ?? 0) > 0 || Boolean(call.withParam) || call.withSequence !== undefined;
}

/** Expand a loop whose tags (except `item`) are replaced. Without a loop there is one item, the call itself. */
export function expandLoop<T extends TemplateCall & { readonly name: string }>(
  call: T,
  outer: Variables,
): { readonly ok: true; readonly items: readonly FanOutItem<T>[] } | { readonly ok: false; readonly message: string } {
  if (!isLoop(call)) return { ok: true, items: [{ name: call.name, make: () => ({ ok: true, value: call }) }] };
  const found = loopItems(call);
  if (!found.ok) return found;
  if (found.items.length > maxFanOut)
    return { ok: false, message: `the loop has ${found.items.length} items; ${maxFanOut} are the most` };
  const { withItems: _items, withParam: _param, withSequence: _sequence, ...single } = call;
  const items = found.items.map((item, index) => {
    const name = itemName(call.name, index, item);
    const make = (): Substituted<T> => {
      const own = itemVariables(item);
      const variables = {
        lookUp: (key: string) => own.get(key) ?? outer.lookUp(key),
        environment: () => extendEnvironment(outer.environment(), own),
      };
      return substitute({ ...single, name } as unknown as T, variables, { keepUnresolved: true });
    };
    return { name, make };
  });
  return { ok: true, items };
}

function loopItems(call: TemplateCall): Items {
  if (call.withItems && call.withItems.length > 0) return { ok: true, items: call.withItems };
  if (call.withParam) return parseList(call.withParam);
  return call.withSequence ? expandSequence(call.withSequence) : { ok: true, items: [] };
}

function parseList(text: string): Items {
  try {
    const value: unknown = JSON.parse(text.trim());
    if (Array.isArray(value)) return { ok: true, items: value };
  } catch (error) {
    return {
      ok: false,
      message: `withParam value could not be parsed as a JSON list: ${text.slice(0, 200)}: ${error instanceof Error ? error.message : ''}`,
    };
  }
  return {
    ok: false,
    message: `withParam value could not be parsed as a JSON list: ${text.slice(0, 200)}: it is not a list`,
  };
}

/** `start` to `end` inclusive, down when start is the greater; `count` items from `start`. */
export function expandSequence(sequence: Sequence): Items {
  const number = (value: Json | undefined, fallback: number): number =>
    value === undefined || value === null || value === '' ? fallback : Number(value);
  const start = number(sequence.start, 0);
  let end: number;
  if (sequence.count !== undefined && sequence.count !== null && sequence.count !== '') {
    const count = number(sequence.count, 0);
    if (count === 0) return { ok: true, items: [] };
    end = start + count - 1;
  } else end = number(sequence.end, 0);
  if (!Number.isInteger(start) || !Number.isInteger(end))
    return { ok: false, message: 'withSequence needs whole numbers' };
  const size = Math.abs(end - start) + 1;
  if (size > maxFanOut) return { ok: false, message: `withSequence has ${size} items; ${maxFanOut} are the most` };
  const step = start <= end ? 1 : -1;
  const items = Array.from({ length: size }, (_, index) =>
    formatInteger(sequence.format ?? '%d', start + index * step),
  );
  return { ok: true, items };
}

/** printf of one integer: flags, width and the verbs d, x, X, o, b. */
function formatInteger(format: string, value: number): string {
  return format.replace(/%([-+ 0#]*)(\d*)([dxXobv%])/g, (_, flags: string, width: string, verb: string) => {
    if (verb === '%') return '%';
    const radix = { d: 10, v: 10, x: 16, X: 16, o: 8, b: 2 }[verb] ?? 10;
    const digits = Math.abs(value).toString(radix);
    const sign = value < 0 ? '-' : flags.includes('+') ? '+' : '';
    const shown = verb === 'X' ? digits.toUpperCase() : digits;
    const size = Number(width || 0);
    if (flags.includes('-')) return (sign + shown).padEnd(size);
    return flags.includes('0') ? sign + shown.padStart(size - sign.length, '0') : (sign + shown).padStart(size);
  });
}

function isObject(item: Json): item is JsonObject {
  return typeof item === 'object' && item !== null && !Array.isArray(item);
}

function itemText(item: Json): string {
  return typeof item === 'string' ? item : JSON.stringify(item);
}

function itemVariables(item: Json): ReadonlyMap<string, string> {
  const values = new Map<string, string>([['item', itemText(item)]]);
  if (isObject(item)) for (const [key, value] of Object.entries(item)) values.set(`item.${key}`, itemText(value));
  return values;
}

/** `name(0:value)`; maps as sorted `key:value` pairs; parentheses of the value left out. */
function itemName(name: string, index: number, item: Json): string {
  const shown = isObject(item)
    ? Object.entries(item)
        .map(([key, value]) => `${key}:${itemText(value)}`)
        .toSorted()
        .join(',')
    : itemText(item);
  return `${name}(${index}:${shown.replaceAll('(', '').replaceAll(')', '')})`;
}
