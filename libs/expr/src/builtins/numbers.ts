import { OperatorError, orderOf, toInt64 } from '../lang/operators.ts';
import { isList, isNumber, typeName, type Value } from '../value.ts';
import { intOf, numberOf } from './arguments.ts';
import type { PlainBuiltin } from './plain-builtin.ts';

/** Builtins over numbers. */
export const numberBuiltins: Readonly<Record<string, PlainBuiltin>> = {
  abs: { least: 1, most: 1, apply: ([value]) => absolute(numberOf('abs', value)) },
  ceil: { least: 1, most: 1, apply: ([value]) => Math.ceil(Number(numberOf('ceil', value))) },
  floor: { least: 1, most: 1, apply: ([value]) => Math.floor(Number(numberOf('floor', value))) },
  round: { least: 1, most: 1, apply: ([value]) => roundHalfAway(Number(numberOf('round', value))) },
  min: { least: 1, most: 255, apply: (values) => extreme('min', values) },
  max: { least: 1, most: 255, apply: (values) => extreme('max', values) },
  mean: { least: 1, most: 255, apply: (values) => mean(flatNumbers('mean', values)) },
  median: { least: 1, most: 255, apply: (values) => median(flatNumbers('median', values)) },
  bitand: { least: 2, most: 2, apply: (values) => bits('bitand', values, (a, b) => a & b) },
  bitor: { least: 2, most: 2, apply: (values) => bits('bitor', values, (a, b) => a | b) },
  bitxor: { least: 2, most: 2, apply: (values) => bits('bitxor', values, (a, b) => a ^ b) },
  bitnand: { least: 2, most: 2, apply: (values) => bits('bitnand', values, (a, b) => a & ~b) },
  bitnot: { least: 1, most: 1, apply: ([value]) => toInt64(~intOf('bitnot', value)) },
  bitshl: { least: 2, most: 2, apply: (values) => bits('bitshl', values, (a, b) => a << shift(b)) },
  bitshr: { least: 2, most: 2, apply: (values) => bits('bitshr', values, (a, b) => a >> shift(b)) },
  bitushr: {
    least: 2,
    most: 2,
    apply: (values) => bits('bitushr', values, (a, b) => BigInt.asUintN(64, a) >> shift(b)),
  },
};

function absolute(value: bigint | number): Value {
  if (typeof value === 'number') return value < 0 ? -value : value;
  return value < 0n ? -value : value;
}

/** Half away from zero, as Go rounds. */
function roundHalfAway(value: number): number {
  return value < 0 ? -Math.round(-value) : Math.round(value);
}

function flatNumbers(name: string, values: readonly Value[]): readonly (bigint | number)[] {
  return values.flatMap((value) => {
    if (isList(value)) return flatNumbers(name, value);
    if (!isNumber(value)) throw new OperatorError(`invalid argument for ${name} (type ${typeName(value)})`);
    return [value];
  });
}

function extreme(name: 'min' | 'max', values: readonly Value[]): Value {
  const [only] = values;
  if (values.length === 1 && (typeof only === 'string' || typeof only === 'boolean')) return only;
  const numbers = flatNumbers(name, values);
  const [first, ...rest] = numbers;
  if (first === undefined) throw new OperatorError(`not enough arguments to call ${name}`);
  return rest.reduce((best, value) => {
    const order = orderOf(value, best) ?? 0;
    return (name === 'min' ? order < 0 : order > 0) ? value : best;
  }, first);
}

function mean(numbers: readonly (bigint | number)[]): Value {
  if (numbers.length === 0) return 0;
  return numbers.reduce<number>((total, value) => total + Number(value), 0) / numbers.length;
}

function median(numbers: readonly (bigint | number)[]): Value {
  if (numbers.length === 0) return 0;
  const sorted = numbers.map(Number).toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? 0)) / 2;
}

function bits(name: string, [a, b]: readonly Value[], apply: (a: bigint, b: bigint) => bigint): Value {
  return toInt64(apply(intOf(name, a), intOf(name, b)));
}

function shift(by: bigint): bigint {
  if (by < 0n) throw new OperatorError('invalid operation: negative shift count');
  return by > 64n ? 64n : by;
}
