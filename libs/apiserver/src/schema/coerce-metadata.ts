import type { Json } from '@sluice/model';
import { objectMetaType } from '../kinds/builtin-types.ts';
import type { TypeSchema } from '../kinds/kind.ts';
import { getOwn, isList, isObject, type MutableObject, setOwn } from '../patch/json-value.ts';
import { type Cause } from '../kinds/kind.ts';
import { invalid } from './cause.ts';
import { pruneValue } from './prune.ts';
import { validateTypes } from './typed-check.ts';

/** An object whose metadata has the types that Kubernetes gives it, or what cannot be made to. */
export type Coerced = { readonly value: Json; readonly causes: readonly Cause[] };

export type CoerceOptions = {
  /** The value itself is an object with metadata. */
  readonly includeRoot: boolean;
  /** Fields of wrong types are dropped, else they are causes. */
  readonly dropInvalidFields: boolean;
};

/** Brings apiVersion, kind and metadata of a custom object and of the objects embedded in it to their types; unknown fields of metadata go. */
export function coerceMetadata(value: Json, type: TypeSchema | undefined, options: CoerceOptions, path = ''): Coerced {
  const causes: Cause[] = [];
  const after = coerceAt(value, type, { ...options, causes }, path);
  return { value: after, causes };
}

type Walk = CoerceOptions & { readonly causes: Cause[] };

function coerceAt(value: Json, type: TypeSchema | undefined, walk: Walk, path: string): Json {
  const inner: Walk = { ...walk, includeRoot: false };
  if (isList(value)) return value.map((item, index) => coerceAt(item, type?.items, inner, `${path}[${index}]`));
  if (!isObject(value)) return value;
  const isResource = walk.includeRoot || type?.embeddedResource === true;
  const out: MutableObject = {};
  for (const key of Object.keys(value)) {
    const own = value[key] ?? null;
    const place = path === '' ? key : `${path}.${key}`;
    const kept = isResource ? coerceMeta(key, own, walk, place) : undefined;
    if (kept === 'drop') continue;
    const known = type?.fields?.get(key)?.type ?? type?.values;
    setOwn(out, key, kept ? kept.value : known ? coerceAt(own, known, inner, place) : own);
  }
  return out;
}

function coerceMeta(key: string, value: Json, walk: Walk, path: string): { readonly value: Json } | 'drop' | undefined {
  if (key === 'apiVersion' || key === 'kind') {
    if (typeof value === 'string') return { value };
    if (!walk.dropInvalidFields) walk.causes.push(invalid(path, value, 'must be a string'));
    return walk.dropInvalidFields ? 'drop' : { value };
  }
  if (key !== 'metadata') return undefined;
  if (!isObject(value)) {
    if (!walk.dropInvalidFields) walk.causes.push(invalid(path, value, 'must be an object'));
    return { value };
  }
  return { value: coerceObjectMeta(value, walk, path) };
}

function coerceObjectMeta(metadata: MutableObject, walk: Walk, path: string): Json {
  const pruned = pruneValue(metadata, objectMetaType).value;
  const out: MutableObject = {};
  for (const [key, value] of Object.entries(isObject(pruned) ? pruned : {})) {
    const type = objectMetaType.fields?.get(key)?.type;
    const wrong = type ? validateTypes(type, value).filter(({ reason }) => reason !== 'FieldValueRequired') : [];
    if (wrong.length > 0 && !walk.dropInvalidFields)
      walk.causes.push(invalid(path, metadata, `${key} has the wrong type`));
    const fitted = wrong.length > 0 && walk.dropInvalidFields ? fitting(type, value) : value;
    if (fitted !== undefined) setOwn(out, key, type ? complete(type, fitted) : fitted);
  }
  const created = getOwn(out, 'creationTimestamp');
  if (created === null) delete out['creationTimestamp'];
  return out;
}

/** Texts that Kubernetes always writes: null in a map of strings, and required fields that are missing, are the empty string. */
function complete(type: TypeSchema, value: Json): Json {
  if (isList(value)) return type.items ? value.map((item) => complete(type.items ?? type, item)) : value;
  if (!isObject(value)) return value;
  const out = { ...value };
  for (const [key, item] of Object.entries(value))
    if (item === null && type.values?.type === 'string') setOwn(out, key, '');
  for (const field of type.fields?.values() ?? []) {
    if (field.required === true && field.type.type === 'string' && !Object.hasOwn(out, field.name))
      out[field.name] = '';
  }
  return out;
}

/** Of a map the entries that fit; undefined for other values. */
function fitting(type: TypeSchema | undefined, value: Json): Json | undefined {
  const values = type?.values;
  if (!values || !isObject(value)) return undefined;
  const entries = Object.entries(value).filter(([, item]) => validateTypes(values, item).length === 0);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
