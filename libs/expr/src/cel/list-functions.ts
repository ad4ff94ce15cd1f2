import { CelError, type Meter } from './cel-error.ts';
import type { Signatures } from './signature.ts';
import { CelDuration, CelUint, compareValues, isSame, weigh } from './value.ts';

type List = readonly unknown[];

function extreme(meter: Meter, list: List, name: 'min' | 'max'): unknown {
  if (list.length === 0) throw new CelError(`${name} called on empty list`);
  meter.spend(list.length);
  const sign = name === 'min' ? 1 : -1;
  return list.reduce((best, item) => (compareValues(item, best) * sign < 0 ? item : best));
}

/** The sum; the sum of nothing is the zero of the type that was declared. */
const summing =
  (zero: unknown) =>
  (meter: Meter, list: List): unknown => {
    meter.spend(list.length);
    return list.length === 0 ? zero : list.reduce(plus);
  };

function plus(a: unknown, b: unknown): unknown {
  if (typeof a === 'bigint' && typeof b === 'bigint') {
    const sum = a + b;
    if (BigInt.asIntN(64, sum) !== sum) throw new CelError('integer overflow');
    return sum;
  }
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  if (a instanceof CelDuration && b instanceof CelDuration) return new CelDuration(a.nanos + b.nanos);
  if (a instanceof CelUint && b instanceof CelUint) return new CelUint(a.value + b.value);
  throw new CelError('no such overload');
}

function flattened(meter: Meter, list: List, depth = 1n): List {
  if (depth < 0n) throw new CelError('level must be non-negative');
  meter.spend(list.length);
  if (depth === 0n) return list;
  return list.flatMap((item) => (Array.isArray(item) ? flattened(meter, item as List, depth - 1n) : [item]));
}

function sliced(meter: Meter, list: List, start: bigint, end: bigint): List {
  meter.spend(list.length / 10);
  if (start < 0n || end < 0n) throw new CelError(`cannot slice(${start}, ${end}), negative indexes not supported`);
  if (start > end)
    throw new CelError(`cannot slice(${start}, ${end}), start index must be less than or equal to end index`);
  if (end > BigInt(list.length)) throw new CelError(`cannot slice(${start}, ${end}), list is length ${list.length}`);
  return list.slice(Number(start), Number(end));
}

function range(meter: Meter, count: bigint): List {
  if (count <= 0n) return [];
  meter.spend(Number(count));
  return Array.from({ length: Number(count) }, (_, index) => BigInt(index));
}

function distinct(meter: Meter, list: List): List {
  const out: unknown[] = [];
  for (const item of list) if (!out.some((other) => isSame(other, item, meter))) out.push(item);
  return out;
}

const has = (meter: Meter, list: List, item: unknown): boolean => list.some((other) => isSame(other, item, meter));
const hasAll = (meter: Meter, list: List, items: List): boolean => items.every((item) => has(meter, list, item));

const summable: Signatures = Object.fromEntries(
  (
    [
      ['int', 0n],
      ['uint', new CelUint(0n)],
      ['double', 0],
      ['duration', new CelDuration(0n)],
    ] as const
  ).map(([type, zero]) => [`list<${type}>.sum(): ${type}`, summing(zero)]),
);

const comparable = ['int', 'uint', 'double', 'bool', 'string', 'bytes', 'duration', 'timestamp'];
const ordered: Signatures = Object.fromEntries(
  comparable.flatMap((type) => [
    [`list<${type}>.min(): ${type}`, (meter: Meter, list: List) => extreme(meter, list, 'min')],
    [`list<${type}>.max(): ${type}`, (meter: Meter, list: List) => extreme(meter, list, 'max')],
    [
      `list<${type}>.isSorted(): bool`,
      (meter: Meter, list: List) => {
        meter.spend(list.length);
        return list.every((item, index) => index === 0 || compareValues(list[index - 1], item) <= 0);
      },
    ],
    [
      `list<${type}>.sort(): list<${type}>`,
      (meter: Meter, list: List) => {
        meter.spend(list.length * Math.ceil(Math.log2(list.length + 2)));
        return list.toSorted(compareValues);
      },
    ],
  ]),
);

/** Functions of lists; all charge for themselves. */
export const meteredListFunctions: readonly Signatures[] = [
  summable,
  ordered,
  {
    'list<T>.indexOf(T): int': (meter: Meter, list: List, item: unknown) =>
      BigInt(list.findIndex((other) => isSame(other, item, meter))),
    'list<T>.lastIndexOf(T): int': (meter: Meter, list: List, item: unknown) =>
      BigInt(list.findLastIndex((other) => isSame(other, item, meter))),
    'list<T>.slice(int, int): list<T>': sliced,
    'list<list<T>>.flatten(): list<T>': flattened,
    'list<dyn>.flatten(): list<dyn>': flattened,
    'list<T>.flatten(int): list<dyn>': flattened,
    'list<T>.distinct(): list<T>': distinct,
    'list<T>.reverse(): list<T>': (meter: Meter, list: List) => {
      meter.spend(list.length);
      return Array.from(list).toReversed();
    },
    'lists.range(int): list<int>': range,
    'sets.contains(list<T>, list<T>): bool': hasAll,
    'sets.intersects(list<T>, list<T>): bool': (meter: Meter, a: List, b: List) =>
      b.some((item) => has(meter, a, item)),
    'sets.equivalent(list<T>, list<T>): bool': (meter: Meter, a: List, b: List) => {
      weigh(a, meter);
      return hasAll(meter, a, b) && hasAll(meter, b, a);
    },
  },
];
