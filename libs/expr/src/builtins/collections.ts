import { OperatorError } from '../lang/operators.ts';
import { isList, isMap, isNumber, isEqual, typeName, type Value } from '../value.ts';
import { encodeUtf8 } from '../utf8.ts';
import { listOf, mapOf } from './arguments.ts';
import type { PlainBuiltin } from './plain-builtin.ts';
import { sortOrder } from './predicates.ts';

const maxFlatDepth = 1_000;
const maxFlatItems = 1_000_000;

/** Builtins over lists and maps. */
export const collectionBuiltins: Readonly<Record<string, PlainBuiltin>> = {
  len: { least: 1, most: 1, apply: ([value]) => lengthOf(value ?? null) },
  first: { least: 1, most: 1, apply: ([list]) => at(list, 0) },
  last: { least: 1, most: 1, apply: ([list]) => at(list, -1) },
  take: { least: 2, most: 2, apply: ([list, count]) => listOf('take', list).slice(0, countOf('take', count)) },
  get: { least: 2, most: 2, apply: ([object, key]) => get(object ?? null, key ?? null) },
  keys: { least: 1, most: 1, apply: ([map]) => (isMap(map) ? [...map.keys()] : refuseMap('keys', map)) },
  values: { least: 1, most: 1, apply: ([map]) => (isMap(map) ? [...map.values()] : refuseMap('values', map)) },
  toPairs: { least: 1, most: 1, apply: ([map]) => [...mapOf('toPairs', map)].map(([key, value]) => [key, value]) },
  fromPairs: { least: 1, most: 1, apply: ([pairs]) => fromPairs(listOf('fromPairs', pairs)) },
  reverse: { least: 1, most: 1, apply: ([list]) => listOf('reverse', list).toReversed() },
  concat: { least: 1, most: 255, apply: (lists) => lists.flatMap((list) => listOf('concat', list)) },
  flatten: { least: 1, most: 1, apply: ([list]) => flatten(listOf('flatten', list)) },
  uniq: { least: 1, most: 1, apply: ([list]) => unique(listOf('uniq', list)) },
  sort: { least: 1, most: 2, apply: ([list, order = 'asc']) => (isList(list) ? sort(list, order) : []) },
};

/** The number of characters, items or entries. */
export function lengthOf(value: Value): bigint {
  if (typeof value === 'string') return BigInt(Array.from(value).length);
  if (isList(value)) return BigInt(value.length);
  if (isMap(value)) return BigInt(value.size);
  if (value instanceof Uint8Array) return BigInt(value.length);
  throw new OperatorError(`invalid argument for len (type ${typeName(value)})`);
}

function refuseMap(name: string, value: Value | undefined): never {
  throw new OperatorError(
    `cannot get ${name} from ${value === null || value === undefined ? 'invalid' : typeName(value)}`,
  );
}

function countOf(name: string, value: Value | undefined): number {
  if (typeof value !== 'bigint' || value < 0n)
    throw new OperatorError(`cannot ${name} ${value === undefined ? '' : typeName(value)}`);
  return Number(value);
}

function at(list: Value | undefined, index: number): Value {
  const bytes = typeof list === 'string' ? encodeUtf8(list) : list;
  if (bytes instanceof Uint8Array) {
    const byte = bytes.at(index);
    return byte === undefined ? null : BigInt(byte);
  }
  return isList(list) ? (list.at(index) ?? null) : null;
}

function get(object: Value, key: Value): Value {
  if (isMap(object)) return object.get(key) ?? null;
  if ((isList(object) || typeof object === 'string') && isNumber(key)) return object.at(Number(key)) ?? null;
  return null;
}

function fromPairs(pairs: readonly Value[]): Value {
  const map = new Map<Value, Value>();
  for (const pair of pairs) {
    if (!isList(pair) || pair.length !== 2) throw new OperatorError('invalid pair');
    map.set(pair[0] ?? null, pair[1] ?? null);
  }
  return map;
}

function flatten(list: readonly Value[]): readonly Value[] {
  const found: Value[] = [];
  const add = (items: readonly Value[], depth: number): void => {
    if (depth > maxFlatDepth) throw new OperatorError('recursion depth exceeded');
    for (const item of items) {
      if (isList(item)) add(item, depth + 1);
      else found.push(item);
      if (found.length > maxFlatItems) throw new OperatorError('memory budget exceeded');
    }
  };
  add(list, 0);
  return found;
}

function unique(list: readonly Value[]): readonly Value[] {
  const seen = new Set<Value>();
  const found: Value[] = [];
  for (const item of list) {
    const plain = item === null || typeof item !== 'object';
    const key = typeof item === 'bigint' ? Number(item) : item;
    if (plain ? seen.has(key) : found.some((other) => isEqual(other, item))) continue;
    if (plain) seen.add(key);
    found.push(item);
  }
  return found;
}

function sort(list: readonly Value[], order: Value): Value {
  if (order !== 'asc' && order !== 'desc') throw new OperatorError('invalid order argument (expected "asc" or "desc")');
  return list.toSorted((a, b) => sortOrder(a, b, order));
}
