import type { Json } from '@sluice/model';
import type { TypeSchema } from '../kinds/kind.ts';
import { emptySet, type FieldNode, type FieldSet, FieldSetBuilder, pathsOf } from './field-set.ts';
import { getOwn, isList, isObject, type MutableObject, sameJson, setOwn } from './json-value.ts';
import { itemElement, itemType, keyType, treatmentOf } from './merge-type.ts';
import { PatchError } from './patch-error.ts';

type Path = readonly string[];

/** The paths that a value sets: leaves, list items, keys of maps, and empty objects. */
export function fieldSetOf(type: TypeSchema, value: Json): FieldSet {
  const builder = new FieldSetBuilder();
  collect(type, value, [], builder);
  return builder.build();
}

function collect(type: TypeSchema, value: Json, path: Path, builder: FieldSetBuilder): void {
  const treatment = treatmentOf(type, value);
  if (treatment === 'leaf') builder.insert(path);
  else if (treatment === 'object' && isObject(value)) collectObject(type, value, path, builder);
  else if (treatment === 'list' && isList(value)) collectList(type, value, path, builder);
}

function collectObject(type: TypeSchema, value: MutableObject, path: Path, builder: FieldSetBuilder): void {
  for (const key of Object.keys(value)) {
    const inner = value[key] ?? null;
    const below = [...path, `f:${key}`];
    collect(fieldTypeOr(type, key, path), inner, below, builder);
    const empty = inner === null || (isObject(inner) && Object.keys(inner).length === 0);
    if (empty || type.fields?.has(key) !== true) builder.insert(below);
  }
}

function collectList(type: TypeSchema, value: readonly Json[], path: Path, builder: FieldSetBuilder): void {
  for (const [element, items] of groupItems(type, value)) {
    const below = [...path, element];
    if (items.length === 1) collect(itemType(type), items[0] ?? null, below, builder);
    builder.insert(below);
  }
}

function fieldTypeOr(type: TypeSchema, key: string, path: Path): TypeSchema {
  const known = keyType(type, key);
  if (known) return known;
  throw new PatchError(422, `.${[...path.map((part) => part.slice(2)), key].join('.')}: field not declared in schema`);
}

/** Items by path element in order of first appearance; more than one under an element are duplicates. */
function groupItems(type: TypeSchema, list: readonly Json[]): ReadonlyMap<string, readonly Json[]> {
  const groups = new Map<string, Json[]>();
  for (const item of list) {
    const element = itemElement(type, item);
    const group = groups.get(element);
    if (group) group.push(item);
    else groups.set(element, [item]);
  }
  return groups;
}

/** `changes` laid over `base`: what is in either is in the result, scalars and atomic values of `changes` win. undefined = absent. */
export function mergeValues(type: TypeSchema, base: Json | undefined, changes: Json | undefined): Json | undefined {
  if (base === undefined || changes === undefined) return changes === undefined ? base : changes;
  if (changes === null && hasParts(base) && treatmentOf(type, base) !== 'leaf') return base;
  if (isEmpty(base, changes)) return changes;
  if (treatmentOf(type, changes) === 'object' && isObject(changes) && isObject(base))
    return mergeObjects(type, base, changes);
  if (treatmentOf(type, changes) === 'list' && isList(changes) && isList(base)) return mergeLists(type, base, changes);
  return changes;
}

/** An object or list that is not empty. */
function hasParts(value: Json): boolean {
  return isList(value) ? value.length > 0 : isObject(value) && Object.keys(value).length > 0;
}

function mergeObjects(type: TypeSchema, base: MutableObject, changes: MutableObject): Json {
  const out: MutableObject = {};
  for (const key of new Set([...Object.keys(base), ...Object.keys(changes)])) {
    const known = fieldTypeOr(type, key, []);
    const merged = mergeValues(known, getOwn(base, key), getOwn(changes, key));
    if (merged !== undefined) setOwn(out, key, merged);
  }
  return out;
}

/**
 * Items of both lists. Shared items keep the order of `changes`; items of `base` alone stay where they were between the shared ones. Items
 * that `base` holds twice stay twice unless `changes` names them.
 */
function mergeLists(type: TypeSchema, base: readonly Json[], changes: readonly Json[]): Json {
  const left = base.map((item) => ({ element: itemElement(type, item), item }));
  const right = changes.map((item) => ({ element: itemElement(type, item), item }));
  const leftBy = new Map<string, Json | undefined>();
  for (const { element, item } of left) leftBy.set(element, leftBy.has(element) ? undefined : item);
  const rightBy = new Map(right.map(({ element, item }) => [element, item]));
  const shared = right.map(({ element }) => element).filter((element) => leftBy.has(element));
  const taken = new Set<string>();
  const out: Json[] = [];
  const items = itemType(type);
  const takeRight = (element: string) => {
    taken.add(element);
    out.push(mergeValues(items, leftBy.get(element), rightBy.get(element)) ?? null);
    if (shared[0] === element) shared.shift();
  };
  let [l, r] = [0, 0];
  while (l < left.length || r < right.length) {
    const [a, b] = [left[l], right[r]];
    if (a && b && a.element === b.element) {
      takeRight(a.element);
      l++;
      r++;
    } else if (a && b && rightBy.has(a.element) && shared.length > 0 && shared[0] !== a.element) l++;
    else if (a && !rightBy.has(a.element)) {
      out.push(a.item);
      l++;
    } else if (a && taken.has(a.element)) l++;
    else if (b) {
      takeRight(b.element);
      r++;
    } else l++;
  }
  return out;
}

/** What changed between two values. A path of a subtree that comes or goes is listed with everything below it. */
export type Comparison = { readonly removed: FieldSet; readonly modified: FieldSet; readonly added: FieldSet };

type Changes = {
  readonly removed: FieldSetBuilder;
  readonly modified: FieldSetBuilder;
  readonly added: FieldSetBuilder;
};

/** Compares two values of a type; undefined = absent. */
export function compareValues(type: TypeSchema, before: Json | undefined, after: Json | undefined): Comparison {
  const changes: Changes = {
    removed: new FieldSetBuilder(),
    modified: new FieldSetBuilder(),
    added: new FieldSetBuilder(),
  };
  compareAt(type, [before, after], [], changes);
  return { removed: changes.removed.build(), modified: changes.modified.build(), added: changes.added.build() };
}

type Pair = readonly [before: Json | undefined, after: Json | undefined];

function compareAt(type: TypeSchema, [before, after]: Pair, path: Path, changes: Changes): void {
  if (before === undefined && after === undefined) return;
  const treatments = new Set(
    [before, after].filter((v) => v !== undefined && v !== null).map((v) => treatmentOf(type, v ?? null)),
  );
  const [treatment = treatmentOf(type, null)] = treatments;
  if (treatments.size > 1 || isListOrNull(type, before, after)) {
    compareShapes(type, [before, after], path, changes);
    return;
  }
  const isLeaf = treatment === 'leaf' || isEmpty(before, after);
  if (isLeaf) {
    if (before === undefined) changes.added.insert(path);
    else if (after === undefined) changes.removed.insert(path);
    else if (!sameJson(before, after)) changes.modified.insert(path);
    return;
  }
  if (treatment === 'object') compareObjects(type, before, after, { path, changes });
  else compareLists(type, before, after, { path, changes });
  if (before === undefined) changes.added.insert(path);
  else if (after === undefined) changes.removed.insert(path);
}

/** A value that changes its shape: the path is modified, and the parts of the old shape go as those of the new one come. */
function compareShapes(type: TypeSchema, [before, after]: Pair, path: Path, changes: Changes): void {
  changes.modified.insert(path);
  for (const [old, now] of [
    [before, undefined],
    [undefined, after],
  ] as const) {
    const treatment = treatmentOf(type, old ?? now ?? null);
    if (treatment === 'object') compareObjects(type, old, now, { path, changes });
    else if (treatment === 'list') compareLists(type, old, now, { path, changes });
  }
}

/** Where any shape is allowed, a list that becomes null or comes from it changes its shape. */
function isListOrNull(type: TypeSchema, before: Json | undefined, after: Json | undefined): boolean {
  return type.type === 'any' && ((before === null && isList(after)) || (after === null && isList(before)));
}

/** Empty and null differ, but hold nothing to compare. */
function isEmpty(before: Json | undefined, after: Json | undefined): boolean {
  return [before, after].every(
    (value) =>
      value === undefined ||
      value === null ||
      (isObject(value) && Object.keys(value).length === 0) ||
      (isList(value) && value.length === 0),
  );
}

type Place = { readonly path: Path; readonly changes: Changes };

function compareObjects(
  type: TypeSchema,
  before: Json | undefined,
  after: Json | undefined,
  { path, changes }: Place,
): void {
  const [left, right] = [isObject(before) ? before : {}, isObject(after) ? after : {}];
  for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
    const known = fieldTypeOr(type, key, path);
    compareAt(known, [getOwn(left, key), getOwn(right, key)], [...path, `f:${key}`], changes);
  }
}

function compareLists(
  type: TypeSchema,
  before: Json | undefined,
  after: Json | undefined,
  { path, changes }: Place,
): void {
  const left = groupItems(type, isList(before) ? before : []);
  const right = groupItems(type, isList(after) ? after : []);
  for (const element of new Set([...left.keys(), ...right.keys()])) {
    const [a = [], b = []] = [left.get(element), right.get(element)];
    const below = [...path, element];
    if (a.length <= 1 && b.length <= 1) compareAt(itemType(type), [a[0], b[0]], below, changes);
    else if (!sameJson([...a], [...b])) {
      insertItems(changes.removed, below, itemType(type), a);
      insertItems(changes.added, below, itemType(type), b);
    }
  }
}

/** A single item counts with its parts, duplicates under one element as a whole. */
function insertItems(builder: FieldSetBuilder, path: Path, type: TypeSchema, items: readonly Json[]): void {
  if (items.length > 0) builder.insert(path);
  if (items.length !== 1) return;
  for (const below of pathsOf(fieldSetOf(type, items[0] ?? null), path)) builder.insert(below);
}

const none: FieldNode = { member: false, below: emptySet };

/** The value without the items and fields in `removed`; null where nothing is left of an object or list that had something. */
export function removeItems(type: TypeSchema, value: Json, removed: FieldSet): Json {
  return walkItems(type, value, removed, false);
}

/** Only the items and fields in `kept`, which should be leaves: of a member the parts are what `kept` names beside it. */
export function extractItems(type: TypeSchema, value: Json, kept: FieldSet): Json {
  return walkItems(type, value, kept, true);
}

function walkItems(type: TypeSchema, value: Json, set: FieldSet, extract: boolean): Json {
  const treatment = treatmentOf(type, value);
  if (!hasParts(value)) return value;
  if (treatment === 'object' && isObject(value)) return walkObject(type, value, set, extract);
  if (treatment !== 'list' || !isList(value)) return value;
  const out = value.flatMap((item): readonly Json[] => {
    const node = set.get(itemElement(type, item)) ?? none;
    if (node.member) return extract ? [walkItems(itemType(type), item, set, extract)] : [];
    if (node.below.size > 0) return [walkItems(itemType(type), item, node.below, extract)];
    return extract ? [] : [item];
  });
  return out.length === 0 ? null : out;
}

function walkObject(type: TypeSchema, value: MutableObject, set: FieldSet, extract: boolean): Json {
  const out: MutableObject = {};
  for (const key of Object.keys(value)) {
    const inner = value[key] ?? null;
    const node = set.get(`f:${key}`) ?? none;
    if (node.member) {
      if (extract) setOwn(out, key, walkItems(fieldTypeOr(type, key, []), inner, set, extract));
    } else if (node.below.size > 0) setOwn(out, key, walkItems(fieldTypeOr(type, key, []), inner, node.below, extract));
    else if (!extract) setOwn(out, key, inner);
  }
  return Object.keys(out).length === 0 ? null : out;
}

/** The set with every declared field that has members below it as a member too. */
export function withNamedFields(type: TypeSchema | undefined, set: FieldSet): FieldSet {
  const out = new Map<string, FieldNode>();
  for (const [key, node] of set) {
    const name = key.startsWith('f:') ? key.slice(2) : undefined;
    const declared = name !== undefined && type?.fields?.has(name) === true;
    const below = type === undefined ? undefined : name === undefined ? itemType(type) : keyType(type, name);
    out.set(key, { member: node.member || declared, below: withNamedFields(below, node.below) });
  }
  return out;
}
