import type { Json, KubeObject } from '@sluice/model';
import { builtinType } from '../kinds/builtin-types.ts';
import type { FieldSchema, TypeSchema } from '../kinds/kind.ts';
import { isRecord, plainText } from '../kinds/object-access.ts';
import { fromBase64 } from './base64.ts';
import { wireLayout } from './decode.ts';
import { WireError, WireWriter } from './wire.ts';

const utf8 = new TextEncoder();

/** Encodes a built-in kind with the `k8s\0` envelope, in the bytes that Kubernetes itself writes. Throws WireError for a kind that has no type. */
export function encodeProtobufBody(object: KubeObject): Uint8Array {
  const { apiVersion, kind } = object;
  const type = builtinType(apiVersion, kind);
  if (!type) throw new WireError(`kind ${kind} of ${apiVersion} has no protobuf form`);
  return encodeEnvelope(
    kind === 'WatchEvent' ? '' : apiVersion,
    kind === 'WatchEvent' ? '' : kind,
    encodeMessage(type, object),
  );
}

/** The envelope around an encoded message. */
export function encodeEnvelope(apiVersion: string, kind: string, raw: Uint8Array): Uint8Array {
  const typeMeta = new WireWriter();
  typeMeta.bytes(1, utf8.encode(apiVersion));
  typeMeta.bytes(2, utf8.encode(kind));
  const unknown = new WireWriter();
  unknown.bytes(1, typeMeta.finish());
  unknown.bytes(2, raw);
  unknown.bytes(3, new Uint8Array());
  unknown.bytes(4, new Uint8Array());
  return Uint8Array.from([0x6b, 0x38, 0x73, 0, ...unknown.finish()]);
}

/** A message of a type, without an envelope. Fields in the order of their numbers. */
export function encodeMessage(type: TypeSchema, object: unknown): Uint8Array {
  const { direct, inlined } = wireLayout(type);
  const writer = new WireWriter();
  const numbers = [...direct.keys(), ...inlined.keys()].toSorted((a, b) => a - b);
  for (const number of numbers) {
    const field = direct.get(number);
    if (field) encodeField(writer, field, own(object, field.name));
    const layout = inlined.get(number);
    if (layout) writer.bytes(number, encodeInlined(layout, object));
  }
  return writer.finish();
}

function encodeInlined(layout: ReadonlyMap<number, FieldSchema>, object: unknown): Uint8Array {
  const writer = new WireWriter();
  for (const number of [...layout.keys()].toSorted((a, b) => a - b)) {
    const field = layout.get(number);
    if (field) encodeField(writer, field, own(object, field.name));
  }
  return writer.finish();
}

function own(object: unknown, name: string): Json | undefined {
  return isRecord(object) && Object.hasOwn(object, name) ? (object[name] as Json) : undefined;
}

function encodeField(writer: WireWriter, field: FieldSchema, value: Json | undefined): void {
  const { type, number = 0 } = field;
  if (type.type === 'list') {
    for (const item of Array.isArray(value) ? (value as readonly Json[]) : [])
      encodeValue(writer, number, type.items, item);
    return;
  }
  if (type.type === 'object' && !type.fields) {
    encodeMap(writer, number, type.values ?? { type: 'string' }, value);
    return;
  }
  const absent = value === undefined || value === null;
  if (absent && (field.pointer === true || type.type === 'bytes')) return;
  encodeValue(writer, number, type, absent ? zeroOf(type) : value);
}

/** What a Go value that is no pointer holds when JSON says nothing. */
function zeroOf(type: TypeSchema): Json {
  switch (type.type) {
    case 'integer':
    case 'number':
    case 'duration':
    case 'int-or-string':
      return 0;
    case 'boolean':
      return false;
    case 'object':
      return {};
    case 'time':
    case 'micro-time':
    case 'any':
    case 'list':
      return null;
    case 'string':
    case 'quantity':
    case 'bytes':
      return '';
  }
}

function encodeMap(writer: WireWriter, number: number, values: TypeSchema, value: Json | undefined): void {
  if (!isRecord(value)) return;
  for (const key of Object.keys(value).toSorted()) {
    const entry = new WireWriter();
    entry.bytes(1, utf8.encode(key));
    encodeValue(entry, 2, values, value[key] as Json);
    writer.bytes(number, entry.finish());
  }
}

function encodeValue(writer: WireWriter, number: number, type: TypeSchema | undefined, value: Json): void {
  if (type === undefined) throw new WireError('a list of the kind table has no item type');
  switch (type.type) {
    case 'integer':
      writer.varint(number, BigInt(typeof value === 'number' ? Math.trunc(value) : 0));
      return;
    case 'boolean':
      writer.varint(number, value === true ? 1n : 0n);
      return;
    case 'number': {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setFloat64(0, Number(value), true);
      writer.fixed64(number, bytes);
      return;
    }
    case 'string':
      writer.bytes(number, utf8.encode(typeof value === 'string' ? value : ''));
      return;
    case 'any':
    case 'bytes':
    case 'duration':
    case 'int-or-string':
    case 'list':
    case 'micro-time':
    case 'object':
    case 'quantity':
    case 'time':
      writer.bytes(number, encodeBytes(type, value));
  }
}

function encodeBytes(type: TypeSchema, value: Json): Uint8Array {
  const writer = new WireWriter();
  switch (type.type) {
    case 'bytes':
      return fromBase64(typeof value === 'string' ? value : '') ?? new Uint8Array();
    case 'object':
      return encodeMessage(type, value);
    case 'quantity':
      writer.bytes(1, utf8.encode(plainText(value)));
      break;
    case 'duration':
      writer.varint(1, BigInt(Number(value)));
      break;
    case 'int-or-string':
      encodeIntOrString(writer, value);
      break;
    case 'time':
    case 'micro-time':
      encodeTime(writer, value);
      break;
    case 'list':
      for (const item of Array.isArray(value) ? (value as readonly Json[]) : [])
        encodeValue(writer, 1, type.items, item);
      break;
    case 'any':
    case 'boolean':
    case 'integer':
    case 'number':
    case 'string':
      if (type.rawWire !== true) throw new WireError('a field of this kind has no protobuf form');
      if (value !== null) writer.bytes(1, utf8.encode(JSON.stringify(value)));
  }
  return writer.finish();
}

function encodeIntOrString(writer: WireWriter, value: Json): void {
  const isText = typeof value === 'string';
  writer.varint(1, isText ? 1n : 0n);
  writer.varint(2, BigInt(typeof value === 'number' ? value : 0));
  writer.bytes(3, utf8.encode(isText ? value : ''));
}

function encodeTime(writer: WireWriter, value: Json): void {
  if (typeof value !== 'string') return;
  const milliseconds = Date.parse(value);
  if (Number.isNaN(milliseconds)) return;
  const micros = Number((/\.(\d{1,6})/u.exec(value)?.[1] ?? '').padEnd(6, '0'));
  writer.varint(1, BigInt(Math.floor(milliseconds / 1000)));
  writer.varint(2, BigInt(micros) * 1000n);
}
