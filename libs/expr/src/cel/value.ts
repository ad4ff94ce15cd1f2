import { encodeUtf8 } from '../utf8.ts';
import { CelError, type Meter } from './cel-error.ts';

/** An unsigned number. */
export class CelUint {
  readonly value: bigint;
  constructor(value: bigint) {
    if (value < 0n || value >= 2n ** 64n) throw new CelError('unsigned integer overflow');
    this.value = value;
  }
}

/** A length of time in nanoseconds. */
export class CelDuration {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    if (nanos >= 2n ** 63n || nanos < -(2n ** 63n)) throw new CelError('range error converting duration');
    this.nanos = nanos;
  }
}

const earliest = -62_135_596_800n * 1_000_000_000n;
const latest = 253_402_300_800n * 1_000_000_000n;

/** A point in time: nanoseconds since 1970, and how many minutes east of Greenwich it was written. */
export class CelTimestamp {
  readonly nanos: bigint;
  readonly offsetMinutes: number;
  constructor(nanos: bigint, offsetMinutes = 0) {
    this.offsetMinutes = offsetMinutes;
    if (nanos < earliest || nanos >= latest) throw new CelError('timestamp overflow');
    this.nanos = nanos;
  }
}

/** A value that may be missing. */
export class CelOptional {
  readonly value: unknown;
  constructor(value?: unknown) {
    this.value = value;
  }
  /** Whether there is a value. */
  get isPresent(): boolean {
    return this.value !== undefined;
  }
}

/** What `type(x)` gives. */
export class CelTypeValue {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** A list whose order does not count. */
export class CelSet extends Array<unknown> {
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }
}

/** A list of objects that are told apart by `keyOf`. */
export class CelMapList extends Array<unknown> {
  keyOf: (item: unknown) => string = () => '';
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }
}

/** An object with declared fields; what is not declared counts in comparisons only. */
export abstract class CelObject {
  abstract readonly typeName: string;
  /** The value of a declared field; undefined when it is not set. */
  abstract get(field: string): unknown;
  /** Names and values of all that is set, declared or not. */
  abstract entries(): ReadonlyMap<string, unknown>;
}

/** A value of a type that only functions can look into. */
export abstract class CelOpaque {
  abstract readonly typeName: string;
  abstract isSame(other: CelOpaque): boolean;
}

const primitiveNames: Readonly<Record<string, string>> = {
  bigint: 'int',
  number: 'double',
  string: 'string',
  boolean: 'bool',
};

const classNames: readonly (readonly [abstract new (...args: never[]) => object, string])[] = [
  [CelUint, 'uint'],
  [CelTimestamp, 'google.protobuf.Timestamp'],
  [CelDuration, 'google.protobuf.Duration'],
  [CelOptional, 'optional_type'],
  [CelTypeValue, 'type'],
  [Uint8Array, 'bytes'],
  [Map, 'map'],
];

/** The name of the type of a value. */
export function typeNameOf(value: unknown): string {
  if (value === null) return 'null_type';
  const primitive = primitiveNames[typeof value];
  if (primitive !== undefined) return primitive;
  if (Array.isArray(value)) return 'list';
  if (value instanceof CelObject || value instanceof CelOpaque) return value.typeName;
  return classNames.find(([ctor]) => value instanceof ctor)?.[1] ?? 'dyn';
}

const isNumber = (value: unknown): value is number | bigint | CelUint =>
  typeof value === 'number' || typeof value === 'bigint' || value instanceof CelUint;
const plain = (value: number | bigint | CelUint): number | bigint => (value instanceof CelUint ? value.value : value);

/** Equality of two values as expressions have it. */
export const isSameCel = (a: unknown, b: unknown): boolean => isSame(a, b, free);

const free: Meter = { spend: () => undefined, spendOnce: () => undefined };

/** Equality; values of different types differ, numbers compare by what they are. Charges one for each part it looks at. */
export function isSame(a: unknown, b: unknown, meter: Meter): boolean {
  meter.spend(1);
  if (isNumber(a)) return isNumber(b) && compareNumbers(plain(a), plain(b)) === 0;
  if (typeof a === 'string') {
    if (typeof b !== 'string') return false;
    meter.spend(Math.min(a.length, b.length) / 10);
    return a === b;
  }
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return a === b;
  if (Array.isArray(a)) return Array.isArray(b) && isSameList(a, b, meter);
  return isSameThing(a, b, meter);
}

function isSameThing(a: object, b: object, meter: Meter): boolean {
  if (a instanceof CelObject && b instanceof CelObject) {
    return a.typeName === b.typeName && isSameMap(a.entries(), b.entries(), meter);
  }
  if (a instanceof Map) return b instanceof Map && isSameMap(a, b, meter);
  const [left, right] = [contentOf(a), contentOf(b)];
  if (left !== undefined) return a.constructor === b.constructor && left === right;
  if (a instanceof CelOpaque) return b instanceof CelOpaque && a.typeName === b.typeName && a.isSame(b);
  if (a instanceof Uint8Array) return b instanceof Uint8Array && compareBytes(a, b) === 0;
  if (!(a instanceof CelOptional) || !(b instanceof CelOptional) || a.isPresent !== b.isPresent) return false;
  return !a.isPresent || isSame(a.value, b.value, meter);
}

/** What a time, a duration or a type is equal by. */
function contentOf(value: object): bigint | string | undefined {
  if (value instanceof CelDuration || value instanceof CelTimestamp) return value.nanos;
  return value instanceof CelTypeValue ? value.name : undefined;
}

function isSameList(a: readonly unknown[], b: readonly unknown[], meter: Meter): boolean {
  if (a.length !== b.length) return false;
  if (a instanceof CelSet) return a.every((item) => b.some((other) => isSame(item, other, meter)));
  if (!(a instanceof CelMapList)) return a.every((item, index) => isSame(item, b[index], meter));
  const others = new Map(b.map((item) => [a.keyOf(item), item]));
  return a.every((item) => isSame(item, others.get(a.keyOf(item)), meter));
}

function isSameMap(a: ReadonlyMap<unknown, unknown>, b: ReadonlyMap<unknown, unknown>, meter: Meter): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) if (!b.has(key) || !isSame(value, b.get(key), meter)) return false;
  return true;
}

/** Order of two values: numbers, texts, bytes, truths, times, durations. Throws for values that have none. */
export function compareValues(a: unknown, b: unknown): number {
  if (isNumber(a) && isNumber(b)) return compareNumbers(plain(a), plain(b));
  if (typeof a === 'string' && typeof b === 'string') return compareTexts(a, b);
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  if (a instanceof CelDuration && b instanceof CelDuration) return order(a.nanos, b.nanos);
  if (a instanceof CelTimestamp && b instanceof CelTimestamp) return order(a.nanos, b.nanos);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return compareBytes(a, b);
  throw new CelError('no such overload');
}

/** Whole numbers are compared with others as the floating-point numbers next to them; a number that is none is like no other. */
function compareNumbers(a: number | bigint, b: number | bigint): number {
  if (typeof a === typeof b) return Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : order(a, b);
  const [left, right] = [Number(a), Number(b)];
  return Number.isNaN(left) || Number.isNaN(right) ? Number.NaN : order(left, right);
}

function order(a: number | bigint, b: number | bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((byte, index) => byte !== b[index]);
  return at < 0 ? a.length - b.length : (a[at] ?? 0) - (b[at] ?? -1);
}

/** Bytes one after the other. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

const surrogate = /[\uD800-\uDFFF]/u;

function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  if (surrogate.test(a) || surrogate.test(b)) return compareBytes(encodeUtf8(a), encodeUtf8(b));
  return a < b ? -1 : 1;
}

/** Charges one for each part of a value, so that what follows is paid for; returns how many there are. */
export function weigh(value: unknown, meter: Meter): number {
  let weight = 1;
  meter.spend(1);
  if (typeof value === 'string') {
    weight += value.length / 10;
    meter.spend(value.length / 10);
  } else if (Array.isArray(value)) for (const item of value) weight += weigh(item, meter);
  else if (value instanceof Map) for (const item of value.values()) weight += weigh(item, meter);
  else if (value instanceof CelObject) for (const item of value.entries().values()) weight += weigh(item, meter);
  else if (value instanceof CelOptional && value.isPresent) weight += weigh(value.value, meter);
  return weight;
}

/** The key to look for; undefined for a number that no map has as a key. */
export function lookUpKey(value: unknown): string | boolean | bigint | undefined {
  return typeof value === 'number' && !Number.isInteger(value) ? undefined : mapKey(value);
}

/** The key under which a map keeps a value: all kinds of whole numbers are one. Throws for what cannot be a key. */
export function mapKey(value: unknown): string | boolean | bigint {
  if (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'bigint') return value;
  if (value instanceof CelUint) return value.value;
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
  throw new CelError(`unsupported key type: ${typeNameOf(value)}`);
}
