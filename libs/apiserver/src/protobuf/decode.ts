import type { Json, KubeObject, Result } from '@sluice/model';
import { builtinType } from '../kinds/builtin-types.ts';
import type { FieldSchema, TypeSchema } from '../kinds/kind.ts';
import { toBase64 } from './base64.ts';
import { readFields, WireError, type WireField } from './wire.ts';

const magic = [0x6b, 0x38, 0x73, 0];
const maxDepth = 64;
const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Decodes a body with the `k8s\0` envelope of any built-in kind or request body (DeleteOptions, Scale ...) into its JSON form. */
export function decodeProtobufBody(bytes: Uint8Array): Result<KubeObject> {
  if (magic.some((byte, index) => bytes[index] !== byte)) {
    return refuse('the body does not begin with the four bytes that mark a Kubernetes protobuf message');
  }
  try {
    return decodeEnvelope(bytes.subarray(4));
  } catch (error) {
    if (error instanceof WireError || error instanceof TypeError)
      return refuse(`the body is malformed: ${error.message}`);
    throw error;
  }
}

/** What the envelope says, without the four bytes before it. Throws WireError. */
export function readEnvelope(bytes: Uint8Array): Envelope {
  const unknown = readFields(bytes);
  const typeMeta = readFields(bytesOf(unknown, 1));
  const [apiVersion = '', kind = ''] = [1, 2].map((number) => text.decode(bytesOf(typeMeta, number)));
  return { apiVersion, kind, raw: bytesOf(unknown, 2), isEncoded: bytesOf(unknown, 3).length > 0 };
}

/** An object that is still encoded. */
export type Envelope = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly raw: Uint8Array;
  readonly isEncoded: boolean;
};

function decodeEnvelope(bytes: Uint8Array): Result<KubeObject> {
  const { apiVersion, kind, raw, isEncoded } = readEnvelope(bytes);
  if (isEncoded) return refuse('the body has a content encoding, which is not supported');
  const type = builtinType(apiVersion, kind);
  if (!type) return refuse(`kind ${kind} of ${apiVersion} is not known in protobuf form; send it as JSON`);
  const object = decodeMessage(type, raw, 0);
  return { ok: true, value: { apiVersion, kind, ...object } as unknown as KubeObject };
}

function refuse(message: string): Result<KubeObject> {
  return { ok: false, problems: [{ code: 'BadProtobuf', severity: 'error', message }] };
}

/** Decodes a message of a type without an envelope (a raw watch event, a part of an object). Throws WireError. */
export function decodeMessage(type: TypeSchema, bytes: Uint8Array, depth: number): { [key: string]: Json } {
  if (depth > maxDepth) throw new WireError(`messages are nested more than ${maxDepth} deep`);
  const { direct, inlined } = wireLayout(type);
  const values = new Map<FieldSchema, (bigint | Uint8Array)[]>();
  const collect = (fields: readonly WireField[], layout: ReadonlyMap<number, FieldSchema>) => {
    for (const { number, value } of fields) {
      const field = layout.get(number);
      if (field) values.set(field, [...(values.get(field) ?? []), value]);
    }
  };
  const fields = readFields(bytes);
  collect(fields, direct);
  for (const { number, value } of fields) {
    const layout = inlined.get(number);
    if (layout) collect(readFields(asBytes(value)), layout);
  }
  const out: { [key: string]: Json } = {};
  for (const field of type.fields?.values() ?? []) {
    const raw = values.get(field);
    const value = raw === undefined ? undefined : decodeField(field, raw, depth);
    if (value !== undefined) out[field.name] = value;
  }
  return out;
}

type Layout = {
  readonly direct: ReadonlyMap<number, FieldSchema>;
  readonly inlined: ReadonlyMap<number, ReadonlyMap<number, FieldSchema>>;
};

const layouts = new WeakMap<TypeSchema, Layout>();

/** Fields of a type by wire number: those of the message itself, and those in its inlined messages. */
export function wireLayout(type: TypeSchema): Layout {
  const known = layouts.get(type);
  if (known) return known;
  const direct = new Map<number, FieldSchema>();
  const inlined = new Map<number, Map<number, FieldSchema>>();
  for (const field of type.fields?.values() ?? []) {
    if (field.number === undefined) continue;
    if (field.via === undefined) direct.set(field.number, field);
    else inlined.set(field.via, (inlined.get(field.via) ?? new Map<number, FieldSchema>()).set(field.number, field));
  }
  const layout = { direct, inlined };
  layouts.set(type, layout);
  return layout;
}

function decodeField(field: FieldSchema, raw: readonly (bigint | Uint8Array)[], depth: number): Json | undefined {
  const { type } = field;
  if (type.type === 'list') return decodeList(type, raw, depth);
  if (type.type === 'object' && !type.fields) return decodeMap(type.values ?? { type: 'string' }, raw, depth);
  const last = raw.at(-1);
  if (last === undefined) return undefined;
  const value = decodeValue(type, last, depth);
  if (field.pointer === true || field.required === true) return value;
  return isZero(value) ? undefined : value;
}

/** What Go leaves out of JSON with `omitempty`. */
function isZero(value: Json | undefined): boolean {
  return value === '' || value === 0 || value === false || value === null;
}

function decodeList(type: TypeSchema, raw: readonly (bigint | Uint8Array)[], depth: number): Json {
  const items = type.items ?? { type: 'string' };
  if (type.wrapped === true) {
    const inner = readFields(asBytes(raw.at(-1) ?? new Uint8Array())).filter((field) => field.number === 1);
    return inner.map((field) => decodeValue(items, field.value, depth) ?? null);
  }
  return raw.flatMap((value) => unpack(items, value)).map((value) => decodeValue(items, value, depth) ?? null);
}

/** Numbers may come packed into one field. */
function unpack(items: TypeSchema, value: bigint | Uint8Array): readonly (bigint | Uint8Array)[] {
  if (typeof value === 'bigint' || (items.type !== 'integer' && items.type !== 'boolean')) return [value];
  const out: bigint[] = [];
  let current = 0n;
  let shift = 0n;
  for (const byte of value) {
    current |= BigInt(byte & 0x7f) << shift;
    shift += 7n;
    if (byte < 0x80) {
      out.push(BigInt.asUintN(64, current));
      [current, shift] = [0n, 0n];
    }
  }
  return out;
}

function decodeMap(values: TypeSchema, raw: readonly (bigint | Uint8Array)[], depth: number): Json {
  const out: { [key: string]: Json } = {};
  for (const entry of raw) {
    const fields = readFields(asBytes(entry));
    const key = text.decode(bytesOf(fields, 1));
    const value = fields.findLast((field) => field.number === 2)?.value ?? new Uint8Array();
    const decoded = values.type === 'list' ? decodeList(values, [value], depth) : decodeValue(values, value, depth);
    Object.defineProperty(out, key, {
      value: decoded === undefined ? '' : decoded,
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return out;
}

function decodeValue(type: TypeSchema, raw: bigint | Uint8Array, depth: number): Json | undefined {
  switch (type.type) {
    case 'string':
      return text.decode(asBytes(raw));
    case 'integer':
      return Number(BigInt.asIntN(64, asVarint(raw)));
    case 'boolean':
      return asVarint(raw) !== 0n;
    case 'number':
      return doubleOf(asBytes(raw));
    case 'bytes':
      return toBase64(asBytes(raw));
    case 'quantity':
      return text.decode(bytesOf(readFields(asBytes(raw)), 1)) || '0';
    case 'int-or-string':
      return decodeIntOrString(readFields(asBytes(raw)));
    case 'time':
    case 'micro-time':
      return decodeTime(readFields(asBytes(raw)), type.type === 'micro-time');
    case 'duration':
      return Number(varintOf(readFields(asBytes(raw)), 1));
    case 'object':
      return decodeMessage(type, asBytes(raw), depth + 1);
    case 'any':
      return decodeRaw(type, asBytes(raw));
    case 'list':
      return decodeList(type, [raw], depth);
  }
}

function decodeRaw(type: TypeSchema, bytes: Uint8Array): Json | undefined {
  if (type.rawWire !== true)
    throw new WireError('a field of this kind cannot be read from protobuf; send the object as JSON');
  const inner = bytesOf(readFields(bytes), 1);
  if (inner.length === 0) return undefined;
  try {
    return JSON.parse(text.decode(inner)) as Json;
  } catch {
    throw new WireError('an embedded object is not JSON');
  }
}

function decodeIntOrString(fields: readonly WireField[]): Json {
  return varintOf(fields, 1) === 1n ? text.decode(bytesOf(fields, 3)) : Number(varintOf(fields, 2));
}

function decodeTime(fields: readonly WireField[], micro: boolean): Json {
  if (fields.length === 0) return null;
  const date = new Date(Number(varintOf(fields, 1)) * 1000);
  if (Number.isNaN(date.getTime())) throw new WireError('a time is out of range');
  const seconds = date.toISOString().slice(0, -5);
  if (!micro) return `${seconds}Z`;
  const micros = Math.trunc(Number(varintOf(fields, 2)) / 1000);
  return `${seconds}.${String(micros).padStart(6, '0')}Z`;
}

function doubleOf(bytes: Uint8Array): number {
  if (bytes.length !== 8) throw new WireError('a decimal number has the wrong width');
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, true);
}

function asBytes(value: bigint | Uint8Array): Uint8Array {
  if (typeof value === 'bigint') throw new WireError('a number stands where bytes are expected');
  return value;
}

function asVarint(value: bigint | Uint8Array): bigint {
  if (typeof value !== 'bigint') throw new WireError('bytes stand where a number is expected');
  return value;
}

function bytesOf(fields: readonly WireField[], number: number): Uint8Array {
  const found = fields.findLast((field) => field.number === number);
  return found === undefined ? new Uint8Array() : asBytes(found.value);
}

function varintOf(fields: readonly WireField[], number: number): bigint {
  const found = fields.findLast((field) => field.number === number);
  return found === undefined ? 0n : BigInt.asIntN(64, asVarint(found.value));
}
