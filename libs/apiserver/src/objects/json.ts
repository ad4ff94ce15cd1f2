import type { KubeObject, ObjectMeta } from '@sluice/model';

/** A JSON object whose fields have not been checked. */
export type JsonRecord = { readonly [key: string]: unknown };

/** True for a JSON object, not for a list or null. */
export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a path of field names; undefined where the path ends early. */
export function valueAt(value: unknown, ...path: readonly string[]): unknown {
  let current = value;
  for (const name of path) {
    if (!isRecord(current) || !Object.hasOwn(current, name)) return undefined;
    current = current[name];
  }
  return current;
}

/** The string at a path, '' where there is none. */
export function textAt(value: unknown, ...path: readonly string[]): string {
  const found = valueAt(value, ...path);
  return typeof found === 'string' ? found : '';
}

/** The object at a path, {} where there is none. */
export function recordAt(value: unknown, ...path: readonly string[]): JsonRecord {
  const found = valueAt(value, ...path);
  return isRecord(found) ? found : {};
}

/** The list at a path, [] where there is none. */
export function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = valueAt(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** The object with some metadata fields replaced; a field set to undefined is dropped. */
export function withMetadata<T extends KubeObject>(object: T, change: JsonRecord): T {
  const metadata: Record<string, unknown> = { ...object.metadata };
  for (const [name, value] of Object.entries(change)) {
    if (value === undefined) delete metadata[name];
    else metadata[name] = value;
  }
  return { ...object, metadata: metadata as unknown as ObjectMeta };
}

/** The object with one top-level field replaced, or dropped when undefined. */
export function withField<T extends KubeObject>(object: T, name: string, value: unknown): T {
  const copy: Record<string, unknown> = { ...object };
  if (value === undefined) delete copy[name];
  else copy[name] = value;
  return copy as T;
}

/** A value in words, for messages about what a client sent. */
export function show(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing').slice(0, 200);
}

/** Equality of JSON values; the order of fields does not count. */
export function equalJson(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => equalJson(item, b[index]));
  }
  if (!isRecord(a) || !isRecord(b)) return false;
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) => Object.hasOwn(b, name) && equalJson(a[name], b[name]));
}

/** Freeze a JSON value all the way down. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const child of Object.values(value)) deepFreeze(child);
  return value;
}
