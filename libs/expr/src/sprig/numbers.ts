import {
  addDecimals,
  type Decimal,
  divideDecimals,
  fromDecimal,
  multiplyDecimals,
  subtractDecimals,
  toDecimal,
} from './decimal.ts';
import { formatValue, type HostFunction, isNumber, type Value } from '../value.ts';

const whole = (value: Value | undefined): bigint => {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return BigInt(Math.trunc(Number.isFinite(value) ? value : 0));
  if (typeof value === 'boolean') return value ? 1n : 0n;
  return typeof value === 'string' ? wholeText(value) : 0n;
};
const literal = /^([+-]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(\d+))$/;

/** Text as Go reads a number of any base; text that is none counts as zero. */
function wholeText(text: string): bigint {
  const match = literal.exec(text.replace(/\.0+$/, ''));
  if (!match) return 0n;
  const [, sign, hex, binary, octal, decimal] = match;
  const prefixed =
    hex !== undefined
      ? `0x${hex}`
      : binary !== undefined
        ? `0b${binary}`
        : octal !== undefined
          ? `0o${octal}`
          : decimal;
  const value = BigInt(prefixed ?? '0') * (sign === '-' ? -1n : 1n);
  return value === BigInt.asIntN(64, value) ? value : 0n;
}

const float = (value: Value | undefined): number => {
  if (isNumber(value)) return Number(value);
  if (typeof value === 'boolean') return value ? 1 : 0;
  const parsed = typeof value === 'string' && value.trim() !== '' ? Number(value) : 0;
  return Number.isNaN(parsed) ? 0 : parsed;
};
const wrap = (value: bigint): bigint => BigInt.asIntN(64, value);
const maxSequence = 100_000n;

/** Sprig's arithmetic: whole numbers are 64 bit, text is read as a number, what is none counts as zero. */
export const sprigNumbers: Readonly<Record<string, HostFunction>> = {
  atoi: (value) => {
    if (typeof value !== 'string') throw new Error(`expected a string, got ${formatValue(value ?? null)}`);
    return /^[+-]?\d+$/.test(value) ? BigInt(value.replace(/^\+/, '')) : 0n;
  },
  int: whole,
  int64: whole,
  float64: float,
  toDecimal: (value) => BigInt(Number.parseInt(formatValue(value ?? null), 8) || 0),
  add: (...values) => wrap(values.reduce<bigint>((total, value) => total + whole(value), 0n)),
  add1: (value) => wrap(whole(value) + 1n),
  sub: (a, b) => wrap(whole(a) - whole(b)),
  mul: (first, ...rest) => wrap(rest.reduce<bigint>((total, value) => total * whole(value), whole(first))),
  div: (a, b) => whole(a) / nonZero(whole(b)),
  mod: (a, b) => whole(a) % nonZero(whole(b)),
  addf: (...values) => decimals([0n, ...values], addDecimals),
  add1f: (value) => decimals([value, 1n], addDecimals),
  subf: (...values) => decimals(values, subtractDecimals),
  mulf: (...values) => decimals(values, multiplyDecimals),
  divf: (...values) => decimals(values, divideDecimals),
  max: (first, ...rest) =>
    rest.reduce<bigint>((best, value) => (whole(value) > best ? whole(value) : best), whole(first)),
  biggest: (first, ...rest) =>
    rest.reduce<bigint>((best, value) => (whole(value) > best ? whole(value) : best), whole(first)),
  min: (first, ...rest) =>
    rest.reduce<bigint>((best, value) => (whole(value) < best ? whole(value) : best), whole(first)),
  maxf: (first, ...rest) => rest.reduce<number>((best, value) => Math.max(best, float(value)), float(first)),
  minf: (first, ...rest) => rest.reduce<number>((best, value) => Math.min(best, float(value)), float(first)),
  floor: (value) => Math.floor(float(value)),
  ceil: (value) => Math.ceil(float(value)),
  round: (value, places, at) => round(float(value), Number(whole(places)), at === undefined ? 0.5 : float(at)),
  until: (count) => sequence(0n, whole(count), whole(count) < 0n ? -1n : 1n),
  untilStep: (start, end, step) => sequence(whole(start), whole(end), whole(step)),
  seq: (...values) => {
    const [first = 0n, second = 0n, third = 0n] = values.map(whole);
    if (values.length === 0) return '';
    if (values.length === 1) return steps(1n, first, first < 1n ? -1n : 1n);
    return values.length === 2 ? steps(first, second, second < first ? -1n : 1n) : steps(first, third, second);
  },
};

/** Arithmetic over decimals, so that 0.1 and 0.2 make 0.3. */
function decimals(values: readonly (Value | undefined)[], apply: (a: Decimal, b: Decimal) => Decimal): number {
  const read = (value: Value | undefined): Decimal => {
    const decimal = toDecimal(float(value));
    if (!decimal) throw new Error(`Cannot create a Decimal from ${formatValue(float(value))}`);
    return decimal;
  };
  const [first, ...rest] = values;
  return fromDecimal(rest.reduce<Decimal>((total, value) => apply(total, read(value)), read(first)));
}

function nonZero(value: bigint): bigint {
  if (value === 0n) throw new Error('runtime error: integer divide by zero');
  return value;
}

function round(value: number, places: number, at: number): number {
  const scale = 10 ** places;
  const digit = scale * value;
  const fraction = digit % 1;
  const up = value < 0 ? Math.abs(fraction) >= at : fraction >= at;
  if (!up) return (value < 0 ? Math.ceil(digit) : Math.floor(digit)) / scale;
  return (value < 0 ? Math.floor(digit) : Math.ceil(digit)) / scale;
}

function sequence(start: bigint, end: bigint, step: bigint): Value[] {
  const items: Value[] = [];
  if (step === 0n || (end > start && step < 0n) || (end < start && step > 0n)) return items;
  if ((end - start) / step > maxSequence) throw new Error('the sequence is too long');
  for (let value = start; step > 0n ? value < end : value > end; value += step) items.push(value);
  return items;
}

function steps(start: bigint, end: bigint, step: bigint): string {
  return sequence(start, step > 0n ? end + 1n : end - 1n, step)
    .map(String)
    .join(' ');
}
