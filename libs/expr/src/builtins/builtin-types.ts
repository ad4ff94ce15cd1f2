import { argumentName, isNumeric, listType, mapType, type Signature, type Type, types } from '../lang/types.ts';
import { plainBuiltins } from './plain.ts';
import { predicateBuiltins } from './predicate-names.ts';

/** A signature to be held against the arguments, what comes of them, or what is wrong with them. */
export type BuiltinCheck =
  Signature | { readonly gives: Type } | { readonly problem: string; readonly argument?: number };

const { string, int, float, bool, unknown, time, duration, zone } = types;
const signatures: Readonly<Record<string, Signature>> = {
  upper: { takes: [string], gives: string },
  lower: { takes: [string], gives: string },
  trim: { takes: [string], optional: [string], gives: string },
  trimPrefix: { takes: [string], optional: [string], gives: string },
  trimSuffix: { takes: [string], optional: [string], gives: string },
  hasPrefix: { takes: [string, string], gives: bool },
  hasSuffix: { takes: [string, string], gives: bool },
  indexOf: { takes: [string, string], gives: int },
  lastIndexOf: { takes: [string, string], gives: int },
  split: { takes: [string, string], optional: [int], gives: listType(string, '[]string') },
  splitAfter: { takes: [string, string], optional: [int], gives: listType(string, '[]string') },
  join: { takes: [listType(unknown)], optional: [string], gives: string },
  replace: { takes: [string, string, string], optional: [int], gives: string },
  repeat: { takes: [string, int], gives: string },
  toJSON: { takes: [unknown], gives: string },
  fromJSON: { takes: [string], gives: unknown },
  toBase64: { takes: [string], gives: string },
  fromBase64: { takes: [string], gives: string },
  string: { takes: [unknown], gives: string },
  type: { takes: [unknown], gives: string },
  duration: { takes: [string], gives: duration },
  now: { takes: [], gives: time },
  timezone: { takes: [string], gives: zone },
  bitnot: { takes: [int], gives: int },
  ...Object.fromEntries(
    ['bitand', 'bitor', 'bitxor', 'bitnand', 'bitshl', 'bitshr', 'bitushr'].map((name) => [
      name,
      { takes: [int, int], gives: int },
    ]),
  ),
};

type Kinds = readonly Type['kind'][];
const lists: Kinds = ['list', 'unknown'];
const maps: Kinds = ['map', 'unknown'];

/** Builtins of one argument: the kinds it takes, what comes, and the words of the refusal before the type. */
const shaped: Readonly<Record<string, readonly [Kinds, (given: Type) => Type, string]>> = {
  len: [['list', 'map', 'string', 'unknown'], () => int, 'invalid argument for len'],
  abs: [['int', 'float', 'unknown'], (given) => given, 'invalid argument for abs'],
  ceil: [['int', 'float', 'unknown'], () => float, 'invalid argument for ceil'],
  floor: [['int', 'float', 'unknown'], () => float, 'invalid argument for floor'],
  round: [['int', 'float', 'unknown'], () => float, 'invalid argument for round'],
  int: [['int', 'float', 'string', 'duration', 'unknown'], () => int, 'invalid argument for int'],
  float: [['int', 'float', 'string', 'duration', 'unknown'], () => float, 'invalid argument for float'],
  first: [lists, itemOf, 'cannot get first element from'],
  last: [lists, itemOf, 'cannot get last element from'],
  keys: [maps, () => listType(), 'cannot get keys from'],
  values: [maps, () => listType(), 'cannot get values from'],
  toPairs: [maps, () => listType(), 'cannot transform to pairs'],
  fromPairs: [lists, () => mapType(), 'cannot transform from pairs'],
  reverse: [lists, () => listType(), 'cannot reverse'],
  uniq: [lists, () => listType(), 'cannot uniq'],
  flatten: [lists, () => listType(), 'cannot flatten'],
};

/** What a builtin that takes plain values makes of the types it is given. */
export function builtinType(name: string, given: readonly Type[]): BuiltinCheck {
  const signature = signatures[name];
  if (signature) return signature;
  const shape = shaped[name];
  if (shape) return shapedType(shape, given);
  if (name === 'date') return dateType(given);
  if (name === 'get') return getType(given);
  if (name === 'concat') return concatType(given);
  if (name === 'count') return firstIs('count', given, lists, int);
  if (name === 'sum') return firstIs('sum', given, lists, given[0]?.item ?? unknown);
  if (name === 'take') return takeType(given);
  if (name === 'sort') return given.length === 0 ? few(name) : { gives: listType() };
  return aggregateType(name, given);
}

/** True for the name of a builtin. */
export function isBuiltinName(name: string): boolean {
  return Object.hasOwn(predicateBuiltins, name) || plainBuiltins.has(name);
}

function few(name: string): BuiltinCheck {
  return { problem: `not enough arguments to call ${name}` };
}

function itemOf(given: Type): Type {
  return given.item ?? unknown;
}

function shapedType(
  [kinds, gives, words]: readonly [Kinds, (given: Type) => Type, string],
  given: readonly Type[],
): BuiltinCheck {
  const [only] = given;
  if (!only || given.length !== 1) return { problem: `invalid number of arguments (expected 1, got ${given.length})` };
  if (kinds.includes(only.kind)) return { gives: gives(only) };
  const shown = argumentName(only);
  return { problem: words.startsWith('invalid') ? `${words} (type ${shown})` : `${words} ${shown}` };
}

function firstIs(name: string, [first]: readonly Type[], kinds: Kinds, gives: Type): BuiltinCheck {
  if (!first) return few(name);
  if (kinds.includes(first.kind)) return { gives };
  return { problem: `builtin ${name} takes only array (got ${first.name})`, argument: 0 };
}

function takeType(given: readonly Type[]): BuiltinCheck {
  const [list, count] = given;
  if (!list || !count || given.length !== 2)
    return { problem: `invalid number of arguments (expected 2, got ${given.length})` };
  if (!lists.includes(list.kind)) return { problem: `cannot take from ${argumentName(list)}` };
  if (count.kind !== 'int' && count.kind !== 'unknown')
    return { problem: `cannot take ${argumentName(count)} elements` };
  return { gives: list.kind === 'list' ? list : listType() };
}

function dateType(given: readonly Type[]): BuiltinCheck {
  if (given.length === 0) return { problem: 'invalid number of arguments (expected at least 1, got 0)' };
  if (given.length > 3) return { problem: `invalid number of arguments (expected at most 3, got ${given.length})` };
  return { gives: time };
}

function getType(given: readonly Type[]): BuiltinCheck {
  const [base, key] = given;
  if (!base || !key || given.length !== 2)
    return { problem: `invalid number of arguments (expected 2, got ${given.length})` };
  const { kind } = base;
  if (kind === 'unknown') return { gives: unknown };
  if (kind === 'list') {
    if (key.kind === 'int' || key.kind === 'unknown') return { gives: itemOf(base) };
    return { problem: `non-integer slice index ${key.name}`, argument: 1 };
  }
  if (kind !== 'map') return { problem: `type ${base.name} does not support indexing`, argument: 0 };
  if (key.kind === 'string' || key.kind === 'unknown') return { gives: itemOf(base) };
  return { problem: `cannot use ${key.name} to get an element from ${base.name}`, argument: 1 };
}

function concatType(given: readonly Type[]): BuiltinCheck {
  if (given.length === 0) return few('concat');
  const wrong = given.find(({ kind }) => !lists.includes(kind));
  return wrong ? { problem: `cannot concat ${argumentName(wrong)}` } : { gives: listType() };
}

/** min, max, mean, median: numbers, or lists of them. */
function aggregateType(name: string, given: readonly Type[]): BuiltinCheck {
  const [first] = given;
  if (!first) return few(name);
  for (const type of given) {
    if (lists.includes(type.kind)) return { gives: unknown };
    if (!isNumeric(type)) return { problem: `invalid argument for ${name} (type ${argumentName(type)})` };
  }
  return {
    gives:
      name === 'mean' || name === 'median' ? float : given.every(({ kind }) => kind === first.kind) ? first : unknown,
  };
}
