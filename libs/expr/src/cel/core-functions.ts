import { CelError, type Meter } from './cel-error.ts';
import type { Signatures } from './signature.ts';
import {
  durationFunctions,
  formatDuration,
  formatTimestamp,
  parseDuration,
  parseTimestamp,
  timestampFunctions,
} from './time.ts';
import {
  CelDuration,
  CelMapList,
  CelOptional,
  CelSet,
  CelTimestamp,
  CelTypeValue,
  CelUint,
  compareValues,
  isSame,
  joinBytes,
  lookUpKey,
  typeNameOf,
} from './value.ts';

function int(value: bigint): bigint {
  if (BigInt.asIntN(64, value) !== value) throw new CelError('integer overflow');
  return value;
}

function requireDivisor(value: bigint, word: string): bigint {
  if (value === 0n) throw new CelError(word);
  return value;
}

const arithmetic: Signatures = {
  '_+_(int, int): int': (a: bigint, b: bigint) => int(a + b),
  '_-_(int, int): int': (a: bigint, b: bigint) => int(a - b),
  '_*_(int, int): int': (a: bigint, b: bigint) => int(a * b),
  '_/_(int, int): int': (a: bigint, b: bigint) => int(a / requireDivisor(b, 'division by zero')),
  '_%_(int, int): int': (a: bigint, b: bigint) => a % requireDivisor(b, 'modulus by zero'),
  '-_(int): int': (a: bigint) => int(-a),
  '_+_(uint, uint): uint': (a: CelUint, b: CelUint) => new CelUint(a.value + b.value),
  '_-_(uint, uint): uint': (a: CelUint, b: CelUint) => new CelUint(a.value - b.value),
  '_*_(uint, uint): uint': (a: CelUint, b: CelUint) => new CelUint(a.value * b.value),
  '_/_(uint, uint): uint': (a: CelUint, b: CelUint) =>
    new CelUint(a.value / requireDivisor(b.value, 'division by zero')),
  '_%_(uint, uint): uint': (a: CelUint, b: CelUint) =>
    new CelUint(a.value % requireDivisor(b.value, 'modulus by zero')),
  '_+_(double, double): double': (a: number, b: number) => a + b,
  '_-_(double, double): double': (a: number, b: number) => a - b,
  '_*_(double, double): double': (a: number, b: number) => a * b,
  '_/_(double, double): double': (a: number, b: number) => a / b,
  '-_(double): double': (a: number) => -a,
  '_+_(string, string): string': (a: string, b: string) => a + b,
  '_+_(bytes, bytes): bytes': (a: Uint8Array, b: Uint8Array) => joinBytes([a, b]),
  '_+_(duration, duration): duration': (a: CelDuration, b: CelDuration) => new CelDuration(a.nanos + b.nanos),
  '_-_(duration, duration): duration': (a: CelDuration, b: CelDuration) => new CelDuration(a.nanos - b.nanos),
  '-_(duration): duration': (a: CelDuration) => new CelDuration(-a.nanos),
  '_+_(timestamp, duration): timestamp': (a: CelTimestamp, b: CelDuration) =>
    new CelTimestamp(a.nanos + b.nanos, a.offsetMinutes),
  '_+_(duration, timestamp): timestamp': (a: CelDuration, b: CelTimestamp) =>
    new CelTimestamp(a.nanos + b.nanos, b.offsetMinutes),
  '_-_(timestamp, duration): timestamp': (a: CelTimestamp, b: CelDuration) =>
    new CelTimestamp(a.nanos - b.nanos, a.offsetMinutes),
  '_-_(timestamp, timestamp): duration': (a: CelTimestamp, b: CelTimestamp) => new CelDuration(a.nanos - b.nanos),
  '!_(bool): bool': (a: boolean) => !a,
};

/** Known to the checker; the evaluator has its own way with them, because one side may decide alone. */
const special: Signatures = {
  '_&&_(bool, bool): bool': (a: boolean, b: boolean) => a && b,
  '_||_(bool, bool): bool': (a: boolean, b: boolean) => a || b,
  '_?_:_(bool, T, T): T': (condition: boolean, yes: unknown, no: unknown) => (condition ? yes : no),
  '_==_(T, T): bool': () => false,
  '_!=_(T, T): bool': () => false,
  'optional<T>.or(optional<T>): optional<T>': (a: CelOptional, b: CelOptional) => (a.isPresent ? a : b),
  'optional<T>.orValue(T): T': (a: CelOptional, b: unknown) => (a.isPresent ? a.value : b),
};

const numbers = ['int', 'uint', 'double'];
const pairs = [
  ...numbers.flatMap((a) => numbers.map((b) => [a, b] as const)),
  ...['string', 'bytes', 'bool', 'timestamp', 'duration'].map((name) => [name, name] as const),
];
const comparisons: Readonly<Record<string, (order: number) => boolean>> = {
  '_<_': (order) => order < 0,
  '_<=_': (order) => order <= 0,
  '_>_': (order) => order > 0,
  '_>=_': (order) => order >= 0,
};
const ordering: Signatures = Object.fromEntries(
  Object.entries(comparisons).flatMap(([name, test]) =>
    pairs.map(([a, b]) => [
      `${name}(${a}, ${b}): bool`,
      // A number that is none is neither less nor greater.
      (left: unknown, right: unknown) => test(compareValues(left, right)),
    ]),
  ),
);

function doubleToInt(value: number): bigint {
  if (!Number.isFinite(value) || value <= -(2 ** 63) || value >= 2 ** 63) throw new CelError('integer overflow');
  return BigInt(Math.trunc(value));
}

function textToInt(text: string): bigint {
  if (!/^[-+]?\d{1,20}$/u.test(text))
    throw new CelError(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return int(BigInt(text.replace('+', '')));
}

function textToDouble(text: string): number {
  const value = /^[-+]?(\d+\.?\d*(e[-+]?\d+)?|\.\d+(e[-+]?\d+)?|inf|infinity|nan)$/iu.test(text)
    ? Number(text)
    : Number.NaN;
  if (!Number.isNaN(value) || /nan/iu.test(text)) return value;
  if (/inf/iu.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  throw new CelError(`strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`);
}

function textToBool(text: string): boolean {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text)) return false;
  throw new CelError(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
}

const conversions: Signatures = {
  'int(int): int': (value: bigint) => value,
  'int(uint): int': (value: CelUint) => int(value.value),
  'int(double): int': doubleToInt,
  'int(string): int': textToInt,
  'int(timestamp): int': (time: CelTimestamp) => floorDivided(time.nanos, 1_000_000_000n),
  'uint(uint): uint': (value: CelUint) => value,
  'uint(int): uint': (value: bigint) => new CelUint(value),
  'uint(double): uint': (value: number) => new CelUint(BigInt(Math.trunc(value))),
  'uint(string): uint': (text: string) => new CelUint(textToInt(text)),
  'double(double): double': (value: number) => value,
  'double(int): double': (value: bigint) => Number(value),
  'double(uint): double': (value: CelUint) => Number(value.value),
  'double(string): double': textToDouble,
  'bool(bool): bool': (value: boolean) => value,
  'bool(string): bool': textToBool,
  'string(string): string': (value: string) => value,
  'string(int): string': (value: bigint) => String(value),
  'string(uint): string': (value: CelUint) => String(value.value),
  'string(double): string': (value: number) => String(value),
  'string(bool): string': (value: boolean) => String(value),
  'string(bytes): string': (value: Uint8Array) => new TextDecoder('utf-8', { fatal: true }).decode(value),
  'string(timestamp): string': formatTimestamp,
  'string(duration): string': formatDuration,
  'bytes(bytes): bytes': (value: Uint8Array) => value,
  'bytes(string): bytes': (value: string) => new TextEncoder().encode(value),
  'timestamp(string): timestamp': parseTimestamp,
  'timestamp(timestamp): timestamp': (value: CelTimestamp) => value,
  'timestamp(int): timestamp': (seconds: bigint) => new CelTimestamp(seconds * 1_000_000_000n),
  'duration(string): duration': parseDuration,
  'duration(duration): duration': (value: CelDuration) => value,
  'duration(int): duration': (nanos: bigint) => new CelDuration(nanos),
};

function floorDivided(a: bigint, b: bigint): bigint {
  return a >= 0n ? a / b : -((-a + b - 1n) / b);
}

/** Charges one; for functions that do not look at the whole of what they are given. */
const cheap =
  (call: (...args: never[]) => unknown) =>
  (_: Meter, ...args: never[]) =>
    call(...args);

const sizes: Signatures = Object.fromEntries(
  (
    [
      ['string', (value: string) => BigInt(Array.from(value).length)],
      ['bytes', (value: Uint8Array) => BigInt(value.length)],
      ['list<T>', (value: readonly unknown[]) => BigInt(value.length)],
      ['map<K, V>', (value: ReadonlyMap<unknown, unknown>) => BigInt(value.size)],
    ] as readonly [string, (value: never) => bigint][]
  ).flatMap(([type, call]) => [
    [`size(${type}): int`, cheap(call)],
    [`${type}.size(): int`, cheap(call)],
  ]),
);

function added(meter: Meter, a: readonly unknown[], b: readonly unknown[]): readonly unknown[] {
  meter.spend(a.length + b.length);
  if (a instanceof CelSet) {
    return CelSet.from([...a, ...b.filter((item) => !a.some((other) => isSame(item, other, meter)))]);
  }
  if (!(a instanceof CelMapList)) return [...a, ...b];
  const merged = new Map(a.map((item) => [a.keyOf(item), item]));
  for (const item of b) merged.set(a.keyOf(item), item);
  const out = CelMapList.from(merged.values()) as CelMapList;
  out.keyOf = a.keyOf;
  return out;
}

/** Functions that charge for themselves. */
const metered: Signatures = {
  ...sizes,
  '_+_(list<T>, list<T>): list<T>': added,
  '@in(T, list<T>): bool': (meter: Meter, item: unknown, list: readonly unknown[]) =>
    list.some((other) => isSame(item, other, meter)),
  '@in(K, map<K, V>): bool': (_: Meter, key: unknown, map: ReadonlyMap<unknown, unknown>) => map.has(lookUpKey(key)),
  'type(T): type<T>': (_: Meter, value: unknown) => new CelTypeValue(typeNameOf(value)),
  'dyn(T): dyn': (_: Meter, value: unknown) => value,
  'optional.of(T): optional<T>': (_: Meter, value: unknown) => new CelOptional(value),
  'optional.none(): optional<T>': () => new CelOptional(),
  'optional.ofNonZeroValue(T): optional<T>': (_: Meter, value: unknown) =>
    new CelOptional(isZero(value) ? undefined : value),
  'optional<T>.hasValue(): bool': (_: Meter, value: CelOptional) => value.isPresent,
  'optional<T>.value(): T': (_: Meter, value: CelOptional) => {
    if (!value.isPresent) throw new CelError('optional.none() dereference');
    return value.value;
  },
};

/** Whether CEL counts the value as the zero of its type. */
function isZero(value: unknown): boolean {
  if (value === null || value === false || value === '' || value === 0 || value === 0n) return true;
  if (value instanceof CelTimestamp) return value.nanos === -62_135_596_800_000_000_000n;
  if (value instanceof CelDuration) return value.nanos === 0n;
  if (value instanceof CelUint) return value.value === 0n;
  if (value instanceof CelOptional) return !value.isPresent;
  if (value instanceof Map) return value.size === 0;
  return (Array.isArray(value) || value instanceof Uint8Array) && value.length === 0;
}

/** Operators, conversions, times and optionals. */
export const coreFunctions: readonly Signatures[] = [
  arithmetic,
  special,
  ordering,
  conversions,
  timestampFunctions,
  durationFunctions,
];

/** The same for functions that charge for themselves. */
export const meteredCoreFunctions: readonly Signatures[] = [metered];
