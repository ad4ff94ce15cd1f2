import type { Json } from '@sluice/model';
import type { TypeSchema } from '../kinds/kind.ts';
import { copyOf, isList, isObject, type MutableObject, setOwn } from '../patch/json-value.ts';

/** Fills in the defaults that a schema names. A null where none is allowed counts as absent. Shares what does not change. */
export function defaultValue(value: Json, type: TypeSchema | undefined): Json {
  if (type === undefined) return value;
  if (isList(value)) {
    if (type.items === undefined) return value;
    const after = value.map((item) => defaultValue(item === null ? nullOr(type.items) : item, type.items));
    return after.some((item, index) => item !== value[index]) ? after : value;
  }
  if (!isObject(value)) return value;
  const filled = withAbsent(value, type);
  let changed: MutableObject | undefined = filled === value ? undefined : filled;
  for (const key of Object.keys(filled)) {
    const declared = type.fields?.get(key)?.type;
    const inner = filled[key] ?? null;
    const after = defaultValue(inner === null && !declared ? nullOr(type.values) : inner, declared ?? type.values);
    if (after !== inner) setOwn((changed ??= { ...value }), key, after);
  }
  return changed ?? value;
}

/** The object with its absent fields that have defaults. */
function withAbsent(value: MutableObject, type: TypeSchema): MutableObject {
  let changed: MutableObject | undefined;
  for (const [name, field] of type.fields ?? []) {
    if (field.type.default === undefined) continue;
    const absent = !Object.hasOwn(value, name) || (value[name] === null && field.type.nullable !== true);
    if (absent) setOwn((changed ??= { ...value }), name, copyOf(field.type.default));
  }
  return changed ?? value;
}

/** What stands for a null of this type. */
function nullOr(type: TypeSchema | undefined): Json {
  if (type?.default === undefined || type.nullable === true) return null;
  return copyOf(type.default);
}

/** Removes nulls from fields that are neither nullable nor defaulted. */
export function dropNulls(value: Json, type: TypeSchema | undefined): Json {
  if (type === undefined) return value;
  if (isList(value)) {
    if (type.items === undefined) return value;
    const after = value.map((item) => dropNulls(item, type.items));
    return after.some((item, index) => item !== value[index]) ? after : value;
  }
  if (!isObject(value)) return value;
  let changed: MutableObject | undefined;
  for (const key of Object.keys(value)) {
    const inner = value[key] ?? null;
    const declared = type.fields?.get(key)?.type ?? type.values;
    if (inner === null && declared && declared.nullable !== true && declared.default === undefined) {
      delete (changed ??= { ...value })[key];
      continue;
    }
    const after = dropNulls(inner, declared);
    if (after !== inner) setOwn((changed ??= { ...value }), key, after);
  }
  return changed ?? value;
}
