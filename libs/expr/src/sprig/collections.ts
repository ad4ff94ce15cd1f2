import { indentJson, parseJson } from '../builtins/conversions.ts';
import { OperatorError } from '../lang/operators.ts';
import {
  formatValue,
  type HostFunction,
  isIdentical,
  isList,
  isMap,
  isNumber,
  toJsonText,
  typeName,
  type Value,
  type ValueMap,
} from '../value.ts';

const map = (value: Value | undefined): ValueMap => {
  if (!isMap(value)) throw new Error(`expected a map, got ${formatValue(value ?? null)}`);
  return value;
};
const list = (value: Value | undefined): readonly Value[] => {
  if (!isList(value)) throw new Error(`expected a list, got ${formatValue(value ?? null)}`);
  return value;
};
const key = (value: Value | undefined): string => {
  if (typeof value !== 'string') throw new Error(`expected a string, got ${formatValue(value ?? null)}`);
  return value;
};

/** True for nil, zero, false and what has no items. */
export function isEmpty(value: Value | undefined): boolean {
  if (value === undefined || value === null || value === false || value === '') return true;
  if (isNumber(value)) return Number(value) === 0;
  if (isList(value)) return value.length === 0;
  return isMap(value) && value.size === 0;
}

/** Sprig's functions over lists, maps and any value. */
export const sprigCollections: Readonly<Record<string, HostFunction>> = {
  default: (fallback, value) => (isEmpty(value) ? (fallback ?? null) : (value ?? null)),
  empty: (value) => isEmpty(value),
  coalesce: (...values) => values.find((value) => !isEmpty(value)) ?? null,
  all: (...values) => !values.some(isEmpty),
  any: (...values) => values.some((value) => !isEmpty(value)),
  ternary: (then, otherwise, test) => (test === true ? (then ?? null) : (otherwise ?? null)),
  deepEqual: (a, b) => isIdentical(a ?? null, b ?? null),
  list: (...values) => values,
  tuple: (...values) => values,
  first: (items) => list(items)[0] ?? null,
  last: (items) => list(items).at(-1) ?? null,
  rest: (items) => list(items).slice(1),
  initial: (items) => list(items).slice(0, -1),
  push: (items, item) => [...list(items), item ?? null],
  deepCopy: (value) => value ?? null,
  append: (items, item) => [...list(items), item ?? null],
  prepend: (items, item) => [item ?? null, ...list(items)],
  concat: (...lists) => lists.flatMap(list),
  reverse: (items) => list(items).toReversed(),
  uniq: (items) =>
    list(items).filter((item, index, all) => all.findIndex((other) => isIdentical(other, item)) === index),
  without: (items, ...removed) => list(items).filter((item) => !removed.some((other) => isIdentical(other, item))),
  has: (needle, items) => list(items).some((item) => isIdentical(item, needle ?? null)),
  compact: (items) => list(items).filter((item) => !isEmpty(item)),
  slice: (items, ...bounds) => slice(list(items), bounds),
  chunk: (size, items) => chunk(Number(size ?? 0n), list(items)),
  dict: (...pairs) => {
    const made = new Map<Value, Value>();
    for (let index = 0; index < pairs.length; index += 2)
      made.set(formatValue(pairs[index] ?? null), pairs[index + 1] ?? '');
    return made;
  },
  get: (source, name) => map(source).get(key(name)) ?? '',
  set: (source, name, value) => new Map(map(source)).set(key(name), value ?? null),
  unset: (source, name) => {
    const copy = new Map(map(source));
    copy.delete(key(name));
    return copy;
  },
  hasKey: (source, name) => map(source).has(key(name)),
  pluck: (name, ...maps) =>
    maps
      .map(map)
      .filter((source) => source.has(key(name)))
      .map((source) => source.get(key(name)) ?? null),
  keys: (...maps) => maps.flatMap((source) => [...map(source).keys()]),
  values: (source) => [...map(source).values()],
  pick: (source, ...names) => new Map([...map(source)].filter(([name]) => names.includes(name))),
  omit: (source, ...names) => new Map([...map(source)].filter(([name]) => !names.includes(name))),
  merge: (...maps) => maps.map(map).reduce(mergeUnder, new Map()),
  mergeOverwrite: (...maps) => maps.map(map).reduce(mergeOver, new Map()),
  dig: (...path) => dig(path),
  toJson: (value) => toJsonText(value ?? null),
  toRawJson: (value) => toJsonText(value ?? null, false),
  toPrettyJson: (value) => indentJson(toJsonText(value ?? null)),
  fromJson: (text) => parsedOr(key(text)),
  mustFromJson: (text) => parseJson(key(text)),
  kindOf: (value) => kindOf(value ?? null),
  typeOf: (value) => typeOf(value ?? null),
  typeIs: (type, value) => typeOf(value ?? null) === type,
  typeIsLike: (type, value) => typeOf(value ?? null) === type || `*${key(type)}` === typeOf(value ?? null),
  kindIs: (kind, value) => kindOf(value ?? null) === kind,
  fail: (message) => {
    throw new Error(key(message));
  },
};

function mergeUnder(upper: ValueMap, lower: ValueMap): ValueMap {
  const merged = new Map(upper);
  for (const [name, value] of lower) {
    const present = merged.get(name);
    if (isMap(present) && isMap(value)) merged.set(name, mergeUnder(present, value));
    else if (isEmpty(present)) merged.set(name, value);
  }
  return merged;
}

function mergeOver(lower: ValueMap, upper: ValueMap): ValueMap {
  const merged = new Map(lower);
  for (const [name, value] of upper) {
    const present = merged.get(name);
    merged.set(name, isMap(present) && isMap(value) ? mergeOver(present, value) : value);
  }
  return merged;
}

function dig(path: readonly Value[]): Value {
  if (path.length < 3) throw new Error('dig needs at least three arguments');
  const fallback = path.at(-2) ?? null;
  let value: Value = path.at(-1) ?? null;
  for (const name of path.slice(0, -2)) {
    if (!isMap(value))
      throw new Error(`interface conversion: interface {} is ${typeOf(value)}, not map[string]interface {}`);
    if (!value.has(name)) return fallback;
    value = value.get(name) ?? null;
  }
  return value;
}

/** The value of JSON text; nil where it is none. */
function parsedOr(text: string): Value {
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof OperatorError) return null;
    throw error;
  }
}

function slice(items: readonly Value[], bounds: readonly Value[]): Value {
  if (items.length === 0) return null;
  const [from = 0, to = items.length] = bounds.map(Number);
  if (from < 0 || to < from || to > items.length) throw new Error('reflect.Value.Slice: slice index out of bounds');
  return items.slice(from, to);
}

function chunk(size: number, items: readonly Value[]): Value {
  if (size < 1) throw new Error('runtime error: integer divide by zero');
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

function typeOf(value: Value): string {
  return typeName(value);
}

function kindOf(value: Value): string {
  if (value === null) return 'invalid';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'number') return 'float64';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'string';
  return isList(value) ? 'slice' : isMap(value) ? 'map' : 'struct';
}
