import type { Json } from '@sluice/model';
import { PatchError } from './patch-error.ts';

/** A JSON object that may be changed: a private copy. */
export type MutableObject = { [key: string]: Json };

/** A JSON value that is an object. */
export function isObject(value: Json | undefined): value is MutableObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A JSON value that is a list. */
export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** A copy that shares nothing. Throws PatchError for values nested deeper than the API allows. */
export function copyOf<T extends Json>(value: T, depth = 0): T {
  if (depth > 500) throw new PatchError(400, 'the value is nested more than 500 levels deep');
  if (isList(value)) return value.map((item) => copyOf(item, depth + 1)) as unknown as T;
  if (!isObject(value)) return value;
  const out: MutableObject = {};
  for (const key of Object.keys(value)) setOwn(out, key, copyOf(value[key] ?? null, depth + 1));
  return out as T;
}

/** Sets an own property also for names like `__proto__`. */
export function setOwn(object: MutableObject, key: string, value: Json): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
  } else object[key] = value;
}

/** The own property, undefined where there is none. */
export function getOwn(object: { readonly [key: string]: Json }, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** Equality of JSON values; the order of keys does not count. */
export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (isList(a)) return isList(b) && a.length === b.length && a.every((item, index) => sameJson(item, b[index]));
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key], b[key]));
}

/** `object`, `list` or the scalar's type: values of different shapes are replaced, not merged. */
export function shapeOf(value: Json): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'list' : typeof value;
}
