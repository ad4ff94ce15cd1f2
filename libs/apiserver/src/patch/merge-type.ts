import type { Json } from '@sluice/model';
import type { TypeSchema } from '../kinds/kind.ts';
import { getOwn, isList, isObject } from './json-value.ts';
import { PatchError } from './patch-error.ts';

/** A value whose shape decides: objects field by field, lists as a whole. */
export const deducedType: TypeSchema = { type: 'any', preserveUnknownFields: true };

/** How server-side apply treats a value: as one (`leaf`), key by key, or item by item. */
export type Treatment = 'leaf' | 'object' | 'list';

/** The treatment of a value by its type; a type that allows several shapes follows the value. */
export function treatmentOf(type: TypeSchema, value: Json): Treatment {
  if (type.type === 'object') return type.atomic === true ? 'leaf' : 'object';
  if (type.type === 'list') return isAssociative(type) ? 'list' : 'leaf';
  if (type.type !== 'any' || type.atomic === true) return 'leaf';
  if (isObject(value)) return type.fields || type.values || type.preserveUnknownFields === true ? 'object' : 'leaf';
  if (isList(value)) return isAssociative(type) ? 'list' : 'leaf';
  return 'leaf';
}

function isAssociative(type: TypeSchema): boolean {
  return type.listType === 'map' || type.listType === 'set';
}

/** The type of the value under a key; undefined for a field that the type does not have. */
export function keyType(type: TypeSchema, key: string): TypeSchema | undefined {
  const field = type.fields?.get(key)?.type ?? type.values;
  if (field) return field;
  if (type.preserveUnknownFields === true || (type.type === 'object' && !type.fields)) return deducedType;
  return undefined;
}

/** The type of list items. */
export function itemType(type: TypeSchema): TypeSchema {
  return type.items ?? deducedType;
}

/** The path element of an item of an associative list. Throws PatchError where an item cannot be told from others. */
export function itemElement(type: TypeSchema, item: Json): string {
  if (type.listType === 'set') {
    if (item === null) throw new PatchError(422, 'associative list without keys has an element that is null');
    if (isObject(item) || isList(item)) {
      throw new PatchError(
        422,
        `associative list without keys has an element that is an explicit ${isList(item) ? 'list' : 'map'}`,
      );
    }
    return `v:${JSON.stringify(item)}`;
  }
  if (!isObject(item)) throw new PatchError(422, 'associative list with keys may not have non-map elements');
  const keys: [string, Json][] = [];
  for (const name of [...(type.listMapKeys ?? [])].toSorted()) {
    const value = getOwn(item, name) ?? defaultOf(type, name);
    if (value !== undefined) keys.push([name, value]);
  }
  if (keys.length === 0) {
    throw new PatchError(
      422,
      `associative list with keys has an element that omits all key fields ${JSON.stringify(type.listMapKeys)}`,
    );
  }
  return `k:${JSON.stringify(Object.fromEntries(keys))}`;
}

function defaultOf(type: TypeSchema, name: string): Json | undefined {
  const field = type.items?.fields?.get(name);
  const declared = field?.default ?? field?.type.default;
  const isZeroed =
    declared === undefined && field?.required === true && field.number !== undefined && field.pointer !== true;
  if (!isZeroed) return declared;
  return field.type.type === 'integer' ? 0 : field.type.type === 'string' ? '' : undefined;
}
