import type { Json } from '@sluice/model';
import type { Cause, FieldSchema, TypeSchema } from '../kinds/kind.ts';
import { fromBase64 } from '../protobuf/base64.ts';
import { isList, isObject } from '../patch/json-value.ts';
import { invalid, required, typeInvalid } from './cause.ts';
import { parseQuantity } from '@sluice/expr';

/** Checks that every value of a built-in kind has the JSON type of its field, and that what the kind requires is there. */
export function validateTypes(type: TypeSchema, value: Json, path = ''): readonly Cause[] {
  if (value === null) return [];
  if (type.type === 'any') return [];
  if (type.type === 'object') {
    return isObject(value) ? objectCauses(type, value, path) : [wrong(path, value, 'an object')];
  }
  if (type.type !== 'list') return scalarCauses(type, value, path);
  if (!isList(value)) return [wrong(path, value, 'a list')];
  const { items } = type;
  return items ? value.flatMap((item, index) => validateTypes(items, item, `${path}[${index}]`)) : [];
}

function wrong(path: string, value: Json, wanted: string): Cause {
  return typeInvalid(path, isObject(value) || isList(value) ? typeof value : value, `must be ${wanted}`);
}

function objectCauses(type: TypeSchema, value: { readonly [key: string]: Json }, path: string): readonly Cause[] {
  const causes: Cause[] = [];
  for (const name of Object.keys(value)) {
    const inner = type.fields?.get(name)?.type ?? type.values;
    const place = path === '' ? name : type.fields?.has(name) ? `${path}.${name}` : `${path}[${name}]`;
    if (inner) causes.push(...validateTypes(inner, value[name] ?? null, place));
  }
  for (const field of type.fields?.values() ?? []) {
    if (isMissing(field, value) && !isStatus(path))
      causes.push(required(path === '' ? field.name : `${path}.${field.name}`));
  }
  return causes;
}

/** Status is written by controllers in parts; nothing in it is required. */
function isStatus(path: string): boolean {
  return path === 'status' || path.startsWith('status.') || path.startsWith('metadata.managedFields');
}

function isMissing(field: FieldSchema, value: { readonly [key: string]: Json }): boolean {
  if (field.required !== true) return false;
  const own = Object.hasOwn(value, field.name) ? (value[field.name] ?? null) : null;
  if (own === null) return field.type.type !== 'boolean';
  return isList(own) && own.length === 0 && field.name !== 'endpoints';
}

function scalarCauses(type: TypeSchema, value: Json, path: string): readonly Cause[] {
  switch (type.type) {
    case 'string':
      return typeof value === 'string' ? [] : [wrong(path, value, 'a string')];
    case 'boolean':
      return typeof value === 'boolean' ? [] : [wrong(path, value, 'a boolean')];
    case 'integer':
      return isInteger(value, type.format) ? [] : [wrong(path, value, `a whole number (${type.format ?? 'int64'})`)];
    case 'number':
    case 'duration':
      return typeof value === 'number' ? [] : [wrong(path, value, 'a number')];
    case 'int-or-string':
      return intOrStringCauses(value, path);
    case 'quantity':
    case 'time':
    case 'micro-time':
    case 'bytes':
      return textCauses(type, typeof value === 'number' ? String(value) : value, path);
    case 'any':
    case 'list':
    case 'object':
      return [];
  }
}

/** Values that are written as text of a certain form. */
function textCauses(type: TypeSchema, value: Json, path: string): readonly Cause[] {
  const isBytes = type.type === 'bytes';
  if (typeof value !== 'string') return [wrong(path, value, isBytes ? 'base64 text' : `a ${type.type}`)];
  if (isBytes) return fromBase64(value) ? [] : [invalid(path, '<bytes>', 'must be base64')];
  if (type.type === 'quantity') {
    return parseQuantity(value).ok ? [] : [invalid(path, value, 'must be a quantity such as 100m, 1.5 or 2Gi')];
  }
  return Number.isNaN(Date.parse(value)) ? [invalid(path, value, 'must be a time in RFC 3339')] : [];
}

function intOrStringCauses(value: Json, path: string): readonly Cause[] {
  const fits = typeof value === 'string' || isInteger(value, 'int32');
  return fits ? [] : [wrong(path, value, 'a whole number or a string')];
}

function isInteger(value: Json, format: string | undefined): boolean {
  if (typeof value !== 'number' || !Number.isInteger(value)) return false;
  return format !== 'int32' || (value >= -2_147_483_648 && value <= 2_147_483_647);
}
