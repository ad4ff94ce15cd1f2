import type { Json } from '@sluice/model';
import { copyOf, getOwn, isObject, type MutableObject, sameJson, setOwn } from './json-value.ts';
import { PatchError } from './patch-error.ts';

/**
 * RFC 7386. Changes neither argument; parts that the patch does not touch are shared with `original`. Throws PatchError for the patch `null`,
 * which Kubernetes refuses.
 */
export function jsonMergePatch(original: Json, patch: Json): Json {
  if (patch === null) throw new PatchError(400, 'a JSON merge patch must not be null');
  return merged(original, patch);
}

function merged(original: Json, patch: Json): Json {
  if (!isObject(patch)) return withoutNulls(copyOf(patch));
  const result: MutableObject = isObject(original) ? { ...original } : {};
  for (const key of Object.keys(patch)) {
    const value = patch[key] ?? null;
    if (value === null) delete result[key];
    else setOwn(result, key, merged(getOwn(result, key) ?? null, value));
  }
  return result;
}

/** New lists are stored without nulls in their objects, as Kubernetes does. */
function withoutNulls(value: Json): Json {
  if (Array.isArray(value)) return value.map((item: Json) => withoutNulls(item));
  return isObject(value) ? merged({}, value) : value;
}

/** The merge patch that turns `original` into `modified`. */
export function createMergePatch(original: MutableObject, modified: MutableObject): MutableObject {
  const patch: MutableObject = {};
  for (const key of Object.keys(modified)) {
    const before = getOwn(original, key);
    const after = modified[key] ?? null;
    if (before !== undefined && sameJson(before, after)) continue;
    if (isObject(before) && isObject(after)) {
      const inner = createMergePatch(before, after);
      if (Object.keys(inner).length > 0) setOwn(patch, key, inner);
    } else setOwn(patch, key, after);
  }
  for (const key of Object.keys(original)) if (!Object.hasOwn(modified, key)) setOwn(patch, key, null);
  return patch;
}
