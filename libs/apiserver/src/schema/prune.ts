import type { Json, KubeObject } from '@sluice/model';
import { objectMetaType } from '../kinds/builtin-types.ts';
import type { KindInfo, TypeSchema } from '../kinds/kind.ts';
import { getOwn, isList, isObject, type MutableObject, setOwn } from '../patch/json-value.ts';

const metaFields: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata']);

/** A value without the fields that its type does not know, and their paths in the order met (apiVersion, kind and metadata not named). */
export type Pruned = { readonly value: Json; readonly removed: readonly string[] };

/** Prunes a value. `isResourceRoot`: apiVersion, kind and metadata are not looked at. Shares what does not change. */
export function pruneValue(value: Json, type: TypeSchema | undefined, isResourceRoot = false): Pruned {
  const removed: string[] = [];
  return { value: pruneAt(value, type, '', { removed, isRoot: isResourceRoot, keepUnknown: false }), removed };
}

type Walk = { readonly removed: string[]; readonly isRoot: boolean; readonly keepUnknown: boolean };

function pruneAt(value: Json, type: TypeSchema | undefined, path: string, walk: Walk): Json {
  const keepUnknown = type?.preserveUnknownFields === true || walk.keepUnknown;
  if (isList(value)) return pruneList(value, type, path, { ...walk, isRoot: false, keepUnknown });
  if (!isObject(value)) return value;
  let changed: MutableObject | undefined;
  for (const key of Object.keys(value)) {
    if ((walk.isRoot || type?.embeddedResource === true) && metaFields.has(key)) continue;
    const inner = value[key] ?? null;
    const place = path === '' ? key : `${path}.${key}`;
    const known = keyTypeOf(type, key);
    if (known === undefined && keepUnknown) continue;
    if (known === undefined) {
      if (!metaFields.has(place)) walk.removed.push(place);
      changed ??= { ...value };
      delete changed[key];
      continue;
    }
    const after = pruneAt(inner, known, place, { removed: walk.removed, isRoot: false, keepUnknown: false });
    if (after !== inner) setOwn((changed ??= { ...value }), key, after);
  }
  return changed ?? value;
}

function keyTypeOf(type: TypeSchema | undefined, key: string): TypeSchema | undefined {
  return type?.fields?.get(key)?.type ?? type?.values;
}

function pruneList(value: readonly Json[], type: TypeSchema | undefined, path: string, walk: Walk): Json {
  if (walk.keepUnknown && type?.items === undefined) return value;
  const after = value.map((item, index) => pruneAt(item, type?.items, `${path}[${index}]`, walk));
  return after.some((item, index) => item !== value[index]) ? after : value;
}

/** Prunes an object of a kind: everything below its schema, and metadata by the type of metadata. */
function pruneObject(kind: KindInfo, object: KubeObject): Pruned {
  const root = object as unknown as Json;
  const main = pruneValue(root, kind.schema, true);
  const metadata = isObject(root) ? getOwn(root, 'metadata') : undefined;
  if (metadata === undefined) return main;
  const meta = pruneValue(metadata, objectMetaType);
  if (meta.value === metadata) return main;
  const removed = [...main.removed, ...meta.removed.map((path) => `metadata.${path}`)];
  return { value: isObject(main.value) ? { ...main.value, metadata: meta.value } : main.value, removed };
}

/** Paths of the fields that the schema does not know (`spec.foo`, `spec.containers[0].bar`), sorted, for fieldValidation. */
export function unknownFields(kind: KindInfo, object: KubeObject): readonly string[] {
  return pruneObject(kind, object).removed.toSorted();
}

/** The object without the fields that its schema does not know. Returns the same object when there are none. */
export function prune<T extends KubeObject>(kind: KindInfo, object: T): T {
  return pruneObject(kind, object).value as unknown as T;
}
