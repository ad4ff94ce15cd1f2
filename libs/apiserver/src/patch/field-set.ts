import type { Json, JsonObject } from '@sluice/model';
import { isObject, setOwn, type MutableObject } from './json-value.ts';

/*
 * Sets of field paths, as kept in metadata.managedFields. A path element is written as in fieldsV1: `f:name` a field, `k:{...}` a list item by
 * its keys, `v:...` a list item by value, `i:0` by index.
 */

/** One node of a set: whether the path that ends here is a member, and the members below. */
export type FieldNode = { readonly member: boolean; readonly below: FieldSet };

/** A set of paths as a tree. Never changed once made; empty nodes are left out. */
export type FieldSet = ReadonlyMap<string, FieldNode>;

/** The set without members. */
export const emptySet: FieldSet = new Map();

const none: FieldNode = { member: false, below: emptySet };

function make(keys: Iterable<string>, nodeOf: (key: string) => FieldNode): FieldSet {
  const out = new Map<string, FieldNode>();
  for (const key of keys) {
    const node = nodeOf(key);
    if (node.member || node.below.size > 0) out.set(key, node);
  }
  return out;
}

/** Members of either. */
export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a.size === 0) return b;
  if (b.size === 0) return a;
  return make(new Set([...a.keys(), ...b.keys()]), (key) => {
    const [left = none, right = none] = [a.get(key), b.get(key)];
    return { member: left.member || right.member, below: union(left.below, right.below) };
  });
}

/** Members of both. */
export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return make(a.keys(), (key) => {
    const [left = none, right = none] = [a.get(key), b.get(key)];
    return { member: left.member && right.member, below: intersection(left.below, right.below) };
  });
}

/** Members of `a` that are not in `b`. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (b.size === 0) return a;
  return make(a.keys(), (key) => {
    const [left = none, right = none] = [a.get(key), b.get(key)];
    return { member: left.member && !right.member, below: difference(left.below, right.below) };
  });
}

/** Members of `a` that are neither in `b` nor below a member of `b`. */
export function recursiveDifference(a: FieldSet, b: FieldSet): FieldSet {
  return make(a.keys(), (key) => {
    const [left = none, right = none] = [a.get(key), b.get(key)];
    return right.member ? none : { member: left.member, below: recursiveDifference(left.below, right.below) };
  });
}

/** The members that have no members below. */
export function leavesOf(set: FieldSet): FieldSet {
  return make(set.keys(), (key) => {
    const node = set.get(key) ?? none;
    return node.below.size === 0 ? node : { member: false, below: leavesOf(node.below) };
  });
}

/** Whether both have the same members. */
export function sameSet(a: FieldSet, b: FieldSet): boolean {
  if (a.size !== b.size) return false;
  return [...a].every(([key, node]) => {
    const other = b.get(key);
    return other !== undefined && other.member === node.member && sameSet(node.below, other.below);
  });
}

/** The set of these paths. */
export function setOf(paths: Iterable<readonly string[]>): FieldSet {
  const builder = new FieldSetBuilder();
  for (const path of paths) builder.insert(path);
  return builder.build();
}

type Draft = { member: boolean; readonly below: Map<string, Draft> };

/** Collects paths. */
export class FieldSetBuilder {
  readonly #root = new Map<string, Draft>();

  /** Adds a path; the empty path is never a member. */
  insert(path: readonly string[]): void {
    let level = this.#root;
    let node: Draft | undefined;
    for (const key of path) {
      node = level.get(key);
      if (node === undefined) {
        node = { member: false, below: new Map() };
        level.set(key, node);
      }
      level = node.below;
    }
    if (node) node.member = true;
  }

  /** The set so far; the builder must not be used afterwards. */
  build(): FieldSet {
    return this.#root;
  }
}

/** Every member as a path, in a stable order. */
export function pathsOf(set: FieldSet, prefix: readonly string[] = []): readonly (readonly string[])[] {
  const out: (readonly string[])[] = [];
  for (const key of [...set.keys()].toSorted()) {
    const node = set.get(key) ?? none;
    const path = [...prefix, key];
    if (node.member) out.push(path);
    out.push(...pathsOf(node.below, path));
  }
  return out;
}

/** The set in the form of managedFields: `{"f:spec":{".":{},"f:replicas":{}}}`. */
export function toFieldsV1(set: FieldSet): JsonObject {
  const out: MutableObject = {};
  for (const key of [...set.keys()].toSorted()) {
    const node = set.get(key) ?? none;
    const below: MutableObject = node.member && node.below.size > 0 ? { '.': {} } : {};
    for (const [inner, value] of Object.entries(toFieldsV1(node.below))) setOwn(below, inner, value);
    setOwn(out, key, below);
  }
  return out;
}

/** Reads the form of managedFields; what cannot be read is left out. */
export function fromFieldsV1(fields: Json | undefined, depth = 0): FieldSet {
  if (!isObject(fields) || depth > 100) return emptySet;
  const keys = Object.keys(fields).filter((key) => /^[fkvi]:/u.test(key));
  return make(keys, (key) => {
    const inner = fields[key];
    const names = isObject(inner) ? Object.keys(inner) : [];
    return {
      member: names.length === 0 || names.includes('.'),
      below: fromFieldsV1(inner, depth + 1),
    };
  });
}

/** A path as people read it: `.spec.containers[name="a"].image`. */
export function formatPath(path: readonly string[]): string {
  return path.map(formatElement).join('');
}

function formatElement(element: string): string {
  const value = element.slice(2);
  const kind = element.slice(0, 1);
  if (kind === 'f') return `.${value}`;
  if (kind === 'i') return `[${value}]`;
  if (kind === 'v') return `[=${value}]`;
  const keys = Object.entries(JSON.parse(value) as JsonObject);
  return `[${keys.map(([name, key]) => `${name}=${JSON.stringify(key)}`).join(',')}]`;
}
