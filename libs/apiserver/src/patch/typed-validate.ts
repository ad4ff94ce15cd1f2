import type { Json } from '@sluice/model';
import type { TypeSchema } from '../kinds/kind.ts';
import { isList, isObject } from './json-value.ts';
import { itemElement, itemType, keyType } from './merge-type.ts';
import { PatchError } from './patch-error.ts';

/**
 * Throws PatchError for a value that does not fit its type: a wrong shape, an undeclared field, a list item that cannot be told from others.
 * Items under one key more than once are allowed in stored objects, not in an apply.
 */
export function validateTyped(type: TypeSchema, value: Json, allowsDuplicates: boolean, path = ''): void {
  if (value === null) return;
  if (type.type === 'any') {
    if (type.atomic !== true) validateShape(type, value, allowsDuplicates, path);
    return;
  }
  if (type.type === 'object' ? !isObject(value) : type.type === 'list' ? !isList(value) : !fitsScalar(type, value)) {
    throw new PatchError(422, `${path}: expected ${wordFor(type)}, got ${JSON.stringify(value)}`);
  }
  validateShape(type, value, allowsDuplicates, path);
}

function validateShape(type: TypeSchema, value: Json, allowsDuplicates: boolean, path: string): void {
  if (isObject(value)) {
    for (const key of Object.keys(value)) {
      const known = keyType(type, key);
      if (!known) throw new PatchError(422, `${path}.${key}: field not declared in schema`);
      validateTyped(known, value[key] ?? null, allowsDuplicates, `${path}.${key}`);
    }
  } else if (isList(value)) validateList(type, value, allowsDuplicates, path);
}

function validateList(type: TypeSchema, value: readonly Json[], allowsDuplicates: boolean, path: string): void {
  const keyed = type.listType === 'map' || type.listType === 'set';
  const seen = new Set<string>();
  for (const [index, item] of value.entries()) {
    const place = keyed ? `${path}[${itemElement(type, item)}]` : `${path}[${index}]`;
    if (keyed && seen.has(place) && !allowsDuplicates)
      throw new PatchError(422, `${path}: duplicate entries for key ${itemElement(type, item)}`);
    seen.add(place);
    validateTyped(itemType(type), item, allowsDuplicates, place);
  }
}

function wordFor(type: TypeSchema): string {
  if (type.type === 'object') return 'map';
  return type.type === 'integer' || type.type === 'number' ? 'numeric' : type.type;
}

function fitsScalar(type: TypeSchema, value: Json): boolean {
  switch (type.type) {
    case 'string':
    case 'time':
    case 'micro-time':
    case 'bytes':
      return typeof value === 'string';
    case 'integer':
    case 'number':
    case 'duration':
      return typeof value === 'number';
    case 'boolean':
      return typeof value === 'boolean';
    case 'any':
    case 'int-or-string':
    case 'list':
    case 'object':
    case 'quantity':
      return !isObject(value) && !isList(value);
  }
}
