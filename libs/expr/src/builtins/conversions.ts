import type { Json } from '@sluice/model';
import { OperatorError } from '../lang/operators.ts';
import { parseDuration } from '../duration.ts';
import {
  Duration,
  formatValue,
  fromBase64,
  fromJson,
  Instant,
  isList,
  isMap,
  NamedInt,
  toBase64,
  toJsonText,
  typeName,
  type Value,
  Zone,
} from '../value.ts';
import { decodeUtf8, encodeUtf8 } from '../utf8.ts';
import { textOf } from './arguments.ts';
import { zoneOffset } from './go-time.ts';
import { parseGoTime, parseKnownTime } from './parse-go-time.ts';
import type { PlainBuiltin } from './plain-builtin.ts';

/** Builtins that turn one type into another. */
export const conversionBuiltins: Readonly<Record<string, PlainBuiltin>> = {
  int: { least: 1, most: 1, apply: ([value]) => toInt(value ?? null) },
  float: { least: 1, most: 1, apply: ([value]) => toFloatValue(value ?? null) },
  string: { least: 1, most: 1, apply: ([value]) => formatValue(value ?? null) },
  type: { least: 1, most: 1, apply: ([value]) => typeWord(value ?? null) },
  toJSON: { least: 1, most: 1, apply: ([value]) => indentJson(toJsonText(value ?? null)) },
  fromJSON: { least: 1, most: 1, apply: ([text]) => parseJson(textOf('fromJSON', text)) },
  toBase64: { least: 1, most: 1, apply: ([text]) => toBase64(encodeUtf8(textOf('toBase64', text))) },
  fromBase64: { least: 1, most: 1, apply: ([text]) => decode(textOf('fromBase64', text)) },
  duration: { least: 1, most: 1, apply: ([text]) => duration(textOf('duration', text)) },
  date: { least: 1, most: 3, apply: date },
  timezone: { least: 1, most: 1, apply: ([name]) => timezone(textOf('timezone', name)) },
  now: { least: 0, most: 0, apply: (_, budget) => new Instant(budget.now()) },
};

function toInt(value: Value): Value {
  if (typeof value === 'bigint') return value;
  if (value instanceof NamedInt) return value.value;
  if (typeof value === 'number') return floatToInt(value);
  if (typeof value !== 'string') throw new OperatorError(`invalid operation: int(${typeName(value)})`);
  if (!/^[+-]?\d+$/.test(value)) throw new OperatorError(`invalid operation: int(${value})`);
  const whole = BigInt(value.replace(/^\+/, ''));
  if (whole !== BigInt.asIntN(64, whole)) throw new OperatorError(`invalid operation: int(${value})`);
  return whole;
}

const outOfRange = -(2n ** 63n);

/** A float as a whole number, as Go converts on amd64: what does not fit becomes the least integer. */
export function floatToInt(value: number): bigint {
  if (!Number.isFinite(value)) return outOfRange;
  const whole = BigInt(Math.trunc(value));
  return whole === BigInt.asIntN(64, whole) ? whole : outOfRange;
}

function toFloatValue(value: Value): Value {
  if (typeof value === 'bigint' || typeof value === 'number') return Number(value);
  if (typeof value === 'string') {
    if (/^[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(value)) return Number(value);
    if (/^[+-]?inf(?:inity)?$/i.test(value)) return value.startsWith('-') ? -Infinity : Infinity;
    if (/^nan$/i.test(value)) return Number.NaN;
    throw new OperatorError(`invalid operation: float(${value})`);
  }
  throw new OperatorError(`invalid operation: float(${typeName(value)})`);
}

function typeWord(value: Value): string {
  if (value === null) return 'nil';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'number') return 'float';
  if (typeof value === 'string') return 'string';
  if (isList(value) || value instanceof Uint8Array) return 'array';
  if (isMap(value)) return 'map';
  return typeof value === 'function' ? 'func' : value instanceof Duration ? 'time.Duration' : 'time.Time';
}

/** Compact JSON text with two blanks of indentation, as Go's MarshalIndent writes it. */
export function indentJson(text: string): string {
  let depth = 0;
  const newLine = (): string => `\n${'  '.repeat(Math.min(depth, 500))}`;
  return text.replace(/"(?:[^"\\]|\\.)*"|\{\}|\[\]|[{}[\],:]/g, (part) => {
    if (part === '{' || part === '[') {
      depth++;
      return part + newLine();
    }
    if (part === '}' || part === ']') {
      depth--;
      return newLine() + part;
    }
    if (part === ',') return part + newLine();
    return part === ':' ? ': ' : part;
  });
}

/** Parse JSON text; numbers become floats as in Go. Throws {@link OperatorError}. */
export function parseJson(text: string): Value {
  try {
    const json: Json = JSON.parse(text);
    return fromJson(json, true);
  } catch (error) {
    throw new OperatorError(`invalid JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function decode(text: string): Value {
  const bytes = fromBase64(text);
  if (!bytes) throw new OperatorError('illegal base64 data at input byte 0');
  return decodeUtf8(bytes);
}

function duration(text: string): Value {
  const nanoseconds = parseDuration(text);
  if (nanoseconds === undefined) throw new OperatorError(`time: invalid duration "${text}"`);
  return new Duration(nanoseconds);
}

function date([text = null, layout, zone]: readonly Value[]): Value {
  const name = zone === undefined ? 'UTC' : textOf('date', zone);
  if (zoneOffset(name, 0) === undefined) throw new OperatorError(`unknown time zone ${name}`);
  const found =
    layout === undefined
      ? parseKnownTime(textOf('date', text), name)
      : parseGoTime(textOf('date', layout), textOf('date', text), name);
  if (!found) throw new OperatorError(`invalid date ${formatValue(text)}`);
  return found;
}

function timezone(name: string): Value {
  if (zoneOffset(name, 0) === undefined) throw new OperatorError(`unknown time zone ${name}`);
  return new Zone(name === '' ? 'UTC' : name);
}
