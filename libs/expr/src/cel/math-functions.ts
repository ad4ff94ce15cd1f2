import { CelError, type Meter } from './cel-error.ts';
import type { Signatures } from './signature.ts';
import { CelUint, compareValues } from './value.ts';

type CelNumber = bigint | number | CelUint;

const numbers = ['int', 'uint', 'double'] as const;

function isNumber(value: unknown): value is CelNumber {
  return typeof value === 'bigint' || typeof value === 'number' || value instanceof CelUint;
}

/** The first of the least or greatest values. */
const extreme =
  (name: string, sign: 1 | -1) =>
  (meter: Meter, ...values: readonly unknown[]): unknown => {
    meter.spend(values.length);
    for (const value of values) if (!isNumber(value)) throw new CelError('no such overload');
    if (values.length === 0) throw new CelError(`math.${name}(list) argument must not be empty`);
    return values.reduce((best, value) => (compareValues(value, best) * sign < 0 ? value : best));
  };

function extremes(name: string, sign: 1 | -1): Signatures {
  const pick = extreme(name, sign);
  const ofList = (meter: Meter, list: readonly unknown[]): unknown => pick(meter, ...list);
  const mixed = numbers.flatMap((a) => numbers.filter((b) => b !== a).map((b) => [a, b] as const));
  return Object.fromEntries([
    ...numbers.flatMap((type) => [
      [`math.${name}(${type}): ${type}`, pick],
      [`math.${name}(${type}, ${type}): ${type}`, pick],
      [`math.${name}(list<${type}>): ${type}`, ofList],
    ]),
    ...mixed.map(([a, b]) => [`math.${name}(${a}, ${b}): dyn`, pick]),
    [`math.${name}(list<dyn>): dyn`, ofList],
    ...[3, 4, 5, 6, 7, 8].map((count) => [`math.${name}(${Array<string>(count).fill('dyn').join(', ')}): dyn`, pick]),
  ]) as Signatures;
}

/** To the nearest whole number, halves away from zero. */
function rounded(value: number): number {
  return Math.sign(value) * Math.round(Math.abs(value));
}

function magnitude(value: bigint): bigint {
  if (value === -(2n ** 63n)) throw new CelError('integer overflow');
  return value < 0n ? -value : value;
}

function shiftBy(count: bigint): bigint {
  if (count < 0n) throw new CelError(`math.bitShift() negative offset: ${count}`);
  return count > 64n ? 64n : count;
}

const rounding: Signatures = {
  'math.ceil(double): double': (value: number) => Math.ceil(value),
  'math.floor(double): double': (value: number) => Math.floor(value),
  'math.round(double): double': rounded,
  'math.trunc(double): double': (value: number) => Math.trunc(value),
  'math.isNaN(double): bool': (value: number) => Number.isNaN(value),
  'math.isInf(double): bool': (value: number) => value === Infinity || value === -Infinity,
  'math.isFinite(double): bool': (value: number) => Number.isFinite(value),
  'math.sqrt(double): double': (value: number) => Math.sqrt(value),
  'math.sqrt(int): double': (value: bigint) => Math.sqrt(Number(value)),
  'math.sqrt(uint): double': ({ value }: CelUint) => Math.sqrt(Number(value)),
  'math.abs(int): int': magnitude,
  'math.abs(uint): uint': (value: CelUint) => value,
  'math.abs(double): double': (value: number) => Math.abs(value),
  'math.sign(int): int': (value: bigint) => (value < 0n ? -1n : value > 0n ? 1n : 0n),
  'math.sign(uint): uint': ({ value }: CelUint) => new CelUint(value > 0n ? 1n : 0n),
  'math.sign(double): double': (value: number) => Math.sign(value),
};

const signed = (value: bigint): bigint => BigInt.asIntN(64, value);
const unsigned = (value: bigint): CelUint => new CelUint(BigInt.asUintN(64, value));

const bits: Signatures = {
  'math.bitAnd(int, int): int': (a: bigint, b: bigint) => a & b,
  'math.bitAnd(uint, uint): uint': (a: CelUint, b: CelUint) => unsigned(a.value & b.value),
  'math.bitOr(int, int): int': (a: bigint, b: bigint) => a | b,
  'math.bitOr(uint, uint): uint': (a: CelUint, b: CelUint) => unsigned(a.value | b.value),
  'math.bitXor(int, int): int': (a: bigint, b: bigint) => a ^ b,
  'math.bitXor(uint, uint): uint': (a: CelUint, b: CelUint) => unsigned(a.value ^ b.value),
  'math.bitNot(int): int': (value: bigint) => ~value,
  'math.bitNot(uint): uint': ({ value }: CelUint) => unsigned(~value),
  'math.bitShiftLeft(int, int): int': (value: bigint, count: bigint) => signed(value << shiftBy(count)),
  'math.bitShiftLeft(uint, int): uint': ({ value }: CelUint, count: bigint) => unsigned(value << shiftBy(count)),
  // The sign is shifted as any other bit.
  'math.bitShiftRight(int, int): int': (value: bigint, count: bigint) =>
    signed(BigInt.asUintN(64, value) >> shiftBy(count)),
  'math.bitShiftRight(uint, int): uint': ({ value }: CelUint, count: bigint) => unsigned(value >> shiftBy(count)),
};

/** Functions of numbers. */
export const mathFunctions: readonly Signatures[] = [rounding, bits];
/** The same for functions that charge for themselves. */
export const meteredMathFunctions: readonly Signatures[] = [extremes('least', 1), extremes('greatest', -1)];
