import type { Json } from '@sluice/model';
import { formatGoTime } from './builtins/go-time.ts';
import type { Signature } from './lang/types.ts';

/**
 * A value of the expression languages. Integers (Go's int) are bigint, floats are number, maps are Map so that no key
 * of a user can touch a prototype. Values are never changed once made.
 */
export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | readonly Value[]
  | ValueMap
  | HostFunction
  | Duration
  | Instant
  | Zone
  | NamedInt
  | Uint8Array;

/** A map of values; keys are strings except where an expression made others. */
export type ValueMap = ReadonlyMap<Value, Value>;

/** A function that an expression may call. Throws Error with a message for the user. With a signature, calls are checked before they run. */
export type HostFunction = ((...values: Value[]) => Value) & { readonly signature?: Signature };

/** A Go time.Duration: nanoseconds. */
export class Duration {
  readonly nanoseconds: bigint;
  constructor(nanoseconds: bigint) {
    this.nanoseconds = nanoseconds;
  }
}

/** A point in time: whole milliseconds since 1970, the nanoseconds beyond, and the zone it is shown in (`UTC`, `+02:00`, `Europe/Berlin`). */
export class Instant {
  readonly milliseconds: number;
  readonly nanoseconds: number;
  readonly zone: string;
  constructor(milliseconds: number, nanoseconds = 0, zone = 'UTC') {
    this.milliseconds = Math.floor(milliseconds);
    this.nanoseconds = nanoseconds;
    this.zone = zone;
  }
}

/** A time zone by its name. */
export class Zone {
  readonly zoneName: string;
  constructor(zoneName: string) {
    this.zoneName = zoneName;
  }
}

/** A whole number that is shown by a name: a month, a weekday. Outside an expression it is the number. */
export class NamedInt {
  readonly value: bigint;
  readonly label: string;
  constructor(value: number, label: string) {
    this.value = BigInt(value);
    this.label = label;
  }
}

const stringHolders = new WeakSet<object>();

/** Declare that a list or map holds nothing but strings, as Go's `[]string` does: expressions over it are checked more strictly. */
export function declareStrings<T extends readonly Value[] | ValueMap>(value: T): T {
  stringHolders.add(value);
  return value;
}

/** True when {@link declareStrings} was said of the list or map. */
export function holdsStrings(value: readonly Value[] | ValueMap): boolean {
  return stringHolders.has(value);
}

/** True for a map. */
export function isMap(value: Value | undefined): value is ValueMap {
  return value instanceof Map;
}

/** True for a list. */
export function isList(value: Value | undefined): value is readonly Value[] {
  return Array.isArray(value);
}

/** True for an int or a float. */
export function isNumber(value: Value | undefined): value is bigint | number {
  return typeof value === 'bigint' || typeof value === 'number';
}

/** The name of a value's type as Go prints it, used in messages. */
export function typeName(value: Value): string {
  if (value === null) return '<nil>';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'number') return 'float64';
  if (typeof value === 'string') return 'string';
  if (isList(value)) return '[]interface {}';
  if (isMap(value)) return 'map[string]interface {}';
  if (value instanceof Duration) return 'time.Duration';
  if (value instanceof Instant) return 'time.Time';
  if (value instanceof Uint8Array) return '[]uint8';
  if (value instanceof NamedInt) return 'int';
  return value instanceof Zone ? '*time.Location' : 'func';
}

/** JSON to a value. `floats` reads every number as a float, as Go's encoding/json does; else whole numbers are ints. */
export function fromJson(json: Json | undefined, floats = false): Value {
  if (json === null || json === undefined) return null;
  if (typeof json === 'number') return !floats && Number.isSafeInteger(json) ? BigInt(json) : json;
  if (typeof json !== 'object') return json;
  if (Array.isArray(json)) return json.map((item: Json) => fromJson(item, floats));
  const map = new Map<Value, Value>();
  for (const [key, item] of Object.entries(json)) map.set(key, fromJson(item, floats));
  return map;
}

/** Deep equality with the types kept: 1 is not 1.0. */
export function isIdentical(a: Value, b: Value, allowance: Allowance = { left: maxParts }): boolean {
  spend(allowance);
  if (isNumber(a) && isNumber(b)) return a === b;
  if (isList(a) && isList(b))
    return a.length === b.length && a.every((item, index) => isIdentical(item, b[index] ?? null, allowance));
  if (isMap(a) && isMap(b))
    return (
      a.size === b.size && [...a].every(([key, item]) => b.has(key) && isIdentical(item, b.get(key) ?? null, allowance))
    );
  return isEqual(a, b);
}

/** How many parts of values may still be looked at: values that share parts can be small and look endless. */
type Allowance = { left: number };
const maxParts = 2_000_000;

function spend(allowance: Allowance): void {
  if (--allowance.left < 0) throw new RangeError('the value is too large');
}

/** Deep equality as expressions see it: 1 equals 1.0, other types must be the same. Throws RangeError for values beyond all measure. */
export function isEqual(a: Value, b: Value, allowance: Allowance = { left: maxParts }): boolean {
  if (a === b) return true;
  spend(allowance);
  if (isNumber(a) && isNumber(b)) return Number(a) === Number(b);
  if (isList(a) && isList(b))
    return a.length === b.length && a.every((item, index) => isEqual(item, b[index] ?? null, allowance));
  if (isMap(a) && isMap(b)) return isEqualMap(a, b, allowance);
  if (a instanceof NamedInt) return isEqual(a.value, b instanceof NamedInt ? b.value : b);
  return b instanceof NamedInt ? isEqual(a, b.value) : isEqualPlain(a, b);
}

function isEqualMap(a: ValueMap, b: ValueMap, allowance: Allowance): boolean {
  if (a.size !== b.size) return false;
  for (const [key, item] of a) if (!b.has(key) || !isEqual(item, b.get(key) ?? null, allowance)) return false;
  return true;
}

function isEqualPlain(a: Value, b: Value): boolean {
  if (a instanceof Duration && b instanceof Duration) return a.nanoseconds === b.nanoseconds;
  if (a instanceof Instant && b instanceof Instant)
    return a.milliseconds === b.milliseconds && a.nanoseconds === b.nanoseconds;
  if (a instanceof Uint8Array && b instanceof Uint8Array)
    return a.length === b.length && a.every((byte, index) => byte === b[index]);
  return false;
}

const goUnits: readonly (readonly [bigint, string])[] = [
  [3_600_000_000_000n, 'h'],
  [60_000_000_000n, 'm'],
];

/** `1h2m3.5s`, as Go prints a duration. */
export function formatDuration({ nanoseconds }: Duration): string {
  if (nanoseconds === 0n) return '0s';
  const sign = nanoseconds < 0n ? '-' : '';
  let rest = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  if (rest < 1_000n) return `${sign}${rest}ns`;
  if (rest < 1_000_000n) return `${sign}${Number(rest) / 1e3}µs`;
  if (rest < 1_000_000_000n) return `${sign}${Number(rest) / 1e6}ms`;
  let text = sign;
  for (const [size, unit] of goUnits) {
    const count = rest / size;
    rest %= size;
    if (count > 0n || text !== sign) text += `${count}${unit}`;
  }
  return `${text}${Number(rest) / 1e9}s`;
}

/** RFC 3339 without needless fractions, as Go marshals a time; in the zone of the instant. */
export function formatInstant(instant: Instant): string {
  return formatGoTime(instant, '2006-01-02T15:04:05.999999999Z07:00');
}

/** A float as Go's `%v` prints it: the shortest digits, with an exponent below 1e-4 and from 1e6 on. */
export function formatFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude < 1e-4 || magnitude >= 1e6)) {
    const [digits = '0', exponent = '0'] = value.toExponential().split('e');
    const sign = exponent.startsWith('-') ? '-' : '+';
    return `${digits}e${sign}${exponent.replace(/^[+-]/, '').padStart(2, '0')}`;
  }
  return String(value);
}

/** How Go's fmt.Sprint shows a value. */
export function formatValue(value: Value, allowance: Allowance = { left: maxParts }): string {
  spend(allowance);
  if (value === null) return '<nil>';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return formatFloat(value);
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (isList(value)) return `[${value.map((item) => formatValue(item, allowance)).join(' ')}]`;
  if (value instanceof Uint8Array) return `[${value.join(' ')}]`;
  if (value instanceof Duration) return formatDuration(value);
  if (value instanceof Instant) return formatGoTime(value, '2006-01-02 15:04:05.999999999 -0700 MST');
  if (value instanceof NamedInt) return value.label;
  if (value instanceof Zone) return value.zoneName;
  if (isMap(value)) {
    const entries = [...value].map(
      ([key, item]) => [formatValue(key, allowance), formatValue(item, allowance)] as const,
    );
    entries.sort(([a], [b]) => (a < b ? -1 : 1));
    return `map[${entries.map(([key, item]) => `${key}:${item}`).join(' ')}]`;
  }
  return 'func';
}

/** JSON text as Go's encoding/json writes it: sorted keys; with `html` also `<`, `>` and `&` escaped. */
export function toJsonText(value: Value, html = true, allowance: Allowance = { left: maxParts }): string {
  spend(allowance);
  if (typeof value === 'string') return jsonString(value, html);
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new Error(`json: unsupported value: ${formatFloat(value)}`);
    return jsonFloat(value);
  }
  if (value === null || typeof value === 'boolean') return String(value);
  if (isList(value)) return `[${value.map((item) => toJsonText(item, html, allowance)).join(',')}]`;
  if (value instanceof Uint8Array) return `"${toBase64(value)}"`;
  if (value instanceof Duration) return String(value.nanoseconds);
  if (value instanceof Instant) return `"${formatInstant(value)}"`;
  if (value instanceof NamedInt) return String(value.value);
  if (isMap(value)) {
    const entries = [...value].map(([key, item]) => [formatValue(key), item] as const);
    entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `{${entries.map(([key, item]) => `${jsonString(key, html)}:${toJsonText(item, html, allowance)}`).join(',')}}`;
  }
  throw new Error('json: unsupported type: func');
}

function jsonFloat(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude === 0 || (magnitude >= 1e-6 && magnitude < 1e21)) return Object.is(value, -0) ? '-0' : String(value);
  return value
    .toExponential()
    .replace(/e([+-])(\d)$/, (_, sign: string, digit: string) => `e${sign === '+' ? '+' : '-'}0${digit}`);
}

/** A JSON string literal as Go writes it. */
export function jsonString(text: string, html = true): string {
  const plain = JSON.stringify(text)
    .replace(/\u2028/g, '\\u2028')
    .replace(/\u2029/g, '\\u2029');
  if (!html) return plain;
  return plain.replace(/</g, '\\u003c').replace(/>/g, '\\u003e').replace(/&/g, '\\u0026');
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Standard base64 with padding. */
export function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let index = 0; index < bytes.length; index += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(index, index + 3);
    const bits = (a << 16) | (b << 8) | c;
    const left = bytes.length - index;
    text += alphabet.charAt(bits >> 18) + alphabet.charAt((bits >> 12) & 63);
    text += (left > 1 ? alphabet.charAt((bits >> 6) & 63) : '=') + (left > 2 ? alphabet.charAt(bits & 63) : '=');
  }
  return text;
}

/** The bytes of standard base64; undefined when the text is not that. */
export function fromBase64(text: string): Uint8Array | undefined {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) return undefined;
  const bytes: number[] = [];
  for (let index = 0; index < text.length; index += 4) {
    const group = Array.from(text.slice(index, index + 4), (char) => Math.max(0, alphabet.indexOf(char)));
    const bits = ((group[0] ?? 0) << 18) | ((group[1] ?? 0) << 12) | ((group[2] ?? 0) << 6) | (group[3] ?? 0);
    bytes.push(bits >> 16, (bits >> 8) & 255, bits & 255);
  }
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  return Uint8Array.from(bytes.slice(0, bytes.length - padding));
}
