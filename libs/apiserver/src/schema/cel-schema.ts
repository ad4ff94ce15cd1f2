import type { Json } from '@sluice/model';
import {
  CelError,
  celListOf,
  CelMapList,
  celMapOf,
  CelObject,
  CelSet,
  type CelType,
  celTypes,
  parseCelDuration,
  parseCelTimestamp,
} from '@sluice/expr';
import { objectMetaType } from '../kinds/builtin-types.ts';
import type { TypeSchema } from '../kinds/kind.ts';
import { getOwn, isList, isObject, type MutableObject } from '../patch/json-value.ts';
import { itemElement } from '../patch/merge-type.ts';
import { fromBase64 } from '../protobuf/base64.ts';

const literals: ReadonlySet<string> = new Set(['true', 'false', 'null', 'in']);
const keywords: ReadonlySet<string> = new Set(
  'as break const continue else for function if import let loop package namespace return var void while'.split(' '),
);

/** The names under which rules reach a field: `a-b` is `a__dash__b`, and `a-b` between backquotes. */
function namesOf(field: string): readonly string[] {
  if (literals.has(field)) return [`__${field}__`];
  if (keywords.has(field)) return [`__${field}__`, field];
  const escaped = field.replaceAll(/__|[.\-/]/gu, (part) => escapes[part] ?? part);
  if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/u.test(escaped)) return [];
  return escaped === field || field.includes('__') ? [escaped] : [escaped, field];
}

const escapes: Readonly<Record<string, string>> = {
  __: '__underscores__',
  '.': '__dot__',
  '-': '__dash__',
  '/': '__slash__',
};

type Field = { readonly json: string; readonly type: TypeSchema; readonly cel: CelType };
type Shape = { readonly type: CelType | undefined; readonly fields: ReadonlyMap<string, Field> };

const shapes = new WeakMap<TypeSchema, Shape>();
const noFields: ReadonlyMap<string, Field> = new Map();
const stringType: TypeSchema = { type: 'string' };
const plainMeta: TypeSchema = {
  type: 'object',
  fields: new Map(['name', 'generateName'].map((name) => [name, { name, type: stringType }])),
};

function shapeOf(type: TypeSchema): Shape {
  const known = shapes.get(type);
  if (known) return known;
  const made = makeShape(type);
  shapes.set(type, made);
  return made;
}

/** The type that rules see; undefined for values that they cannot look into. */
export function celTypeOf(type: TypeSchema): CelType | undefined {
  return shapeOf(type).type;
}

function makeShape(type: TypeSchema): Shape {
  const bare = (made: CelType | undefined): Shape => ({ type: made, fields: noFields });
  switch (type.type) {
    case 'string':
      return bare(textType(type.format));
    case 'integer':
      return bare(celTypes.int);
    case 'number':
      return bare(celTypes.double);
    case 'boolean':
      return bare(celTypes.bool);
    case 'int-or-string':
      return bare(celTypes.dyn);
    case 'list': {
      const item = type.items && celTypeOf(type.items);
      return bare(item && celListOf(item));
    }
    case 'object':
      return objectShape(type);
    case 'quantity':
    case 'time':
    case 'micro-time':
    case 'duration':
    case 'bytes':
    case 'any':
      return bare(undefined);
  }
}

function textType(format: string | undefined): CelType {
  if (format === 'byte') return celTypes.bytes;
  if (format === 'duration') return celTypes.duration;
  return format === 'date' || format === 'date-time' || format === 'datetime' ? celTypes.timestamp : celTypes.string;
}

function objectShape(type: TypeSchema): Shape {
  if (type.values && !type.fields) {
    const value = celTypeOf(type.values);
    return { type: value && celMapOf(celTypes.string, value), fields: noFields };
  }
  const fields = new Map<string, Field>();
  const declared = [...(type.fields?.values() ?? [])];
  if (type.embeddedResource) {
    for (const [name, own] of [
      ['kind', stringType],
      ['apiVersion', stringType],
      ['metadata', plainMeta],
    ] as const) {
      if (!type.fields?.has(name)) declared.push({ name, type: own });
    }
  }
  for (const field of declared) {
    const inner = field.type === objectMetaType ? plainMeta : field.type;
    const cel = celTypeOf(inner);
    if (cel) for (const name of namesOf(field.name)) fields.set(name, { json: field.name, type: inner, cel });
  }
  const celFields = new Map([...fields].map(([name, { cel }]) => [name, cel]));
  return { type: { kind: 'object', name: type.name ?? 'object', fields: celFields }, fields };
}

/** An object of a schema: its declared fields under the names of rules; what is not declared counts in comparisons. */
class SchemaObject extends CelObject {
  readonly typeName = 'object';
  readonly #type: TypeSchema;
  readonly #raw: MutableObject;
  readonly #made = new Map<string, unknown>();

  constructor(type: TypeSchema, raw: MutableObject) {
    super();
    this.#type = type;
    this.#raw = raw;
  }

  get(name: string): unknown {
    if (this.#made.has(name)) return this.#made.get(name);
    const field = shapeOf(this.#type).fields.get(name);
    const raw = field && getOwn(this.#raw, field.json);
    const value = raw === undefined || raw === null ? undefined : toCel(field?.type, raw);
    this.#made.set(name, value);
    return value;
  }

  entries(): ReadonlyMap<string, unknown> {
    const byJson = new Map([...shapeOf(this.#type).fields].map(([name, { json }]) => [json, name]));
    const out = new Map<string, unknown>();
    for (const [key, raw] of Object.entries(this.#raw)) {
      const name = byJson.get(key);
      if (raw !== null && raw !== undefined) out.set(key, name === undefined ? toCel(undefined, raw) : this.get(name));
    }
    return out;
  }
}

/** A JSON value as rules see it; without a type, as what it is. Throws a CelError for a value that does not fit its type. */
export function toCel(type: TypeSchema | undefined, value: Json): unknown {
  if (value === null) return null;
  if (typeof value === 'number') return type?.type !== 'number' && Number.isInteger(value) ? BigInt(value) : value;
  if (typeof value === 'string') return textOf(type, value);
  if (isList(value)) return listValue(type, value);
  if (isObject(value)) return objectValue(type, value);
  if (type?.type === 'int-or-string') {
    throw new CelError('invalid data, expected XIntOrString value to be either a string or integer');
  }
  return value;
}

function textOf(type: TypeSchema | undefined, value: string): unknown {
  const cel = type?.type === 'string' ? textType(type.format) : celTypes.string;
  if (cel === celTypes.duration) return parseCelDuration(value);
  if (cel === celTypes.bytes) return fromBase64(value) ?? value;
  if (cel === celTypes.timestamp) return parseCelTimestamp(type?.format === 'date' ? `${value}T00:00:00Z` : value);
  return value;
}

function listValue(type: TypeSchema | undefined, value: readonly Json[]): unknown {
  if (type && type.type !== 'list')
    throw new CelError(`invalid data, expected a map for the provided schema with type=object`);
  const items = value.map((item) => toCel(type?.items, item));
  if (type?.listType === 'set') return CelSet.from(items);
  if (type?.listType !== 'map') return items;
  const keys = new Map(items.map((item, index) => [item, itemElement(type, value[index] ?? null)]));
  const out = CelMapList.from(items) as CelMapList;
  out.keyOf = (item) => keys.get(item) ?? keyOfObject(type, item);
  return out;
}

/** The key of an item that came from another list. */
function keyOfObject(type: TypeSchema, item: unknown): string {
  if (!(item instanceof CelObject)) return '';
  const entries = item.entries();
  const raw = Object.fromEntries(
    (type.listMapKeys ?? []).map((key) => [
      key,
      typeof entries.get(key) === 'bigint' ? Number(entries.get(key)) : entries.get(key),
    ]),
  ) as Json;
  return itemElement(type, raw);
}

function objectValue(type: TypeSchema | undefined, value: MutableObject): unknown {
  if (type?.type === 'list')
    throw new CelError('invalid data, expected an array for the provided schema with type=array');
  if (type?.type === 'object' && (type.fields || !type.values)) return new SchemaObject(type, value);
  return new Map(Object.keys(value).map((key) => [key, toCel(type?.values, value[key] ?? null)]));
}
