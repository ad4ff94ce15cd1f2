import type { Json } from '@sluice/model';
import type { TypeSchema } from '../kinds/kind.ts';
import { indexOfItem, orderItems } from './element-order.ts';
import { copyOf, getOwn, isList, isObject, type MutableObject, sameJson, setOwn, shapeOf } from './json-value.ts';
import { type MergeRule, ruleFor } from './merge-schema.ts';
import { PatchError } from './patch-error.ts';

/** Key of the directive `replace`, `delete` or `merge` in an object or list item. */
export const patchDirective = '$patch';
/** Key of the list of keys to keep. */
export const retainKeysDirective = '$retainKeys';
/** Prefix of the key that names values to take out of a list of scalars. */
export const deleteFromListPrefix = '$deleteFromPrimitiveList/';
/** Prefix of the key that gives the order of a merged list. */
export const elementOrderPrefix = '$setElementOrder/';

/**
 * `apply`: a patch onto an object. `combine`: two patches into one (three-way patches): directives and nulls are kept, parallel lists are
 * not acted upon.
 */
export type MergeMode = 'apply' | 'combine';

/** Applies a strategic merge patch. Throws PatchError. Pass `kind.schema`. */
export function strategicMergePatch(schema: TypeSchema | undefined, original: Json, patch: Json): Json {
  if (patch === null) return original;
  if (!isObject(original) || !isObject(patch))
    throw new PatchError(400, 'a strategic merge patch and its object must be JSON objects');
  return mergeObject(copyOf(original), copyOf(patch), schema, 'apply');
}

/** Merges `patch` into `original`; both are private copies that are changed. */
export function mergeObject(
  original: MutableObject,
  patch: MutableObject,
  type: TypeSchema | undefined,
  mode: MergeMode,
): MutableObject {
  const directive = getOwn(patch, patchDirective);
  if (directive !== undefined) {
    delete patch[patchDirective];
    if (directive === 'replace') return patch;
    if (directive === 'delete') return {};
    throw new PatchError(422, `unknown patch type found: ${JSON.stringify(directive)}`);
  }
  if (Object.hasOwn(patch, retainKeysDirective)) applyRetainKeys(original, patch, mode);
  applyElementOrders(original, patch, type, mode);
  for (const key of Object.keys(patch)) mergeKeyOf(original, key, patch[key] ?? null, { type, mode });
  return original;
}

type Context = { readonly type: TypeSchema | undefined; readonly mode: MergeMode };

function mergeKeyOf(original: MutableObject, patchKey: string, value: Json, { type, mode }: Context): void {
  const deletesItems = patchKey.startsWith(deleteFromListPrefix);
  if (deletesItems && mode === 'combine') {
    setOwn(original, patchKey, value);
    return;
  }
  const key = deletesItems ? patchKey.slice(deleteFromListPrefix.length) : patchKey;
  if (value === null) {
    delete original[key];
    if (mode === 'combine') setOwn(original, key, null);
    return;
  }
  const before = getOwn(original, key);
  if (before === undefined || shapeOf(before) !== shapeOf(value)) {
    if (!deletesItems) setOwn(original, key, mode === 'apply' ? withoutNulls(value) : withoutDeleted(value));
    return;
  }
  if (isObject(before) && isObject(value)) {
    const rule = ruleFor(type, key);
    setOwn(original, key, rule.strategy === 'replace' ? value : mergeObject(before, value, rule.type, mode));
  } else if (isList(before) && isList(value)) {
    const rule = ruleFor(type, key);
    setOwn(original, key, deletesItems ? withoutItems(before, value) : mergeList(before, value, rule, mode));
  } else setOwn(original, key, value);
}

/** A new value as it is stored: nulls mean absence, directives are orders that have been carried out. */
function withoutNulls(value: Json): Json {
  if (isList(value))
    return value.flatMap((item) => (isDeleted(item) || isReplaceMark(item) ? [] : [withoutNulls(item)]));
  if (!isObject(value)) return value;
  const out: MutableObject = {};
  for (const key of Object.keys(value)) {
    const inner = value[key] ?? null;
    if (inner === null || isDirective(key)) continue;
    setOwn(out, key, withoutNulls(inner));
  }
  return out;
}

/** Items to delete that the other patch says nothing about. */
function withoutDeleted(value: Json): Json {
  return isList(value) ? value.filter((item) => !isDeleted(item)) : value;
}

function isDirective(key: string): boolean {
  return (
    key === patchDirective ||
    key === retainKeysDirective ||
    key.startsWith(elementOrderPrefix) ||
    key.startsWith(deleteFromListPrefix)
  );
}

function isDeleted(item: Json): boolean {
  return isObject(item) && getOwn(item, patchDirective) === 'delete';
}

function isReplaceMark(item: Json): boolean {
  return isObject(item) && getOwn(item, patchDirective) === 'replace';
}

function applyRetainKeys(original: MutableObject, patch: MutableObject, mode: MergeMode): void {
  const keys = getOwn(patch, retainKeysDirective) ?? null;
  delete patch[retainKeysDirective];
  if (!isList(keys)) throw new PatchError(422, `invalid patch format of ${retainKeysDirective}: it must be a list`);
  if (mode === 'combine') {
    const before = getOwn(original, retainKeysDirective);
    if (before !== undefined && !sameJson(before, keys)) {
      throw new PatchError(422, `${JSON.stringify(before)} and ${JSON.stringify(keys)} are not deep equal`);
    }
    setOwn(original, retainKeysDirective, keys);
    return;
  }
  const kept = new Set(keys.filter((key) => typeof key === 'string'));
  for (const key of Object.keys(patch)) {
    if (patch[key] === null || isDirective(key) || kept.has(key)) continue;
    throw new PatchError(
      422,
      `invalid patch format of ${retainKeysDirective}: it does not name "${key}", which the patch sets`,
    );
  }
  for (const key of Object.keys(original)) if (!kept.has(key)) delete original[key];
}

function applyElementOrders(
  original: MutableObject,
  patch: MutableObject,
  type: TypeSchema | undefined,
  mode: MergeMode,
): void {
  for (const directive of Object.keys(patch)) {
    if (!directive.startsWith(elementOrderPrefix)) continue;
    const order = patch[directive] ?? null;
    if (mode === 'combine') {
      const before = getOwn(original, directive);
      if (before !== undefined && !sameJson(before, order)) {
        throw new PatchError(422, `${JSON.stringify(before)} and ${JSON.stringify(order)} are not deep equal`);
      }
      setOwn(original, directive, order);
      delete patch[directive];
      continue;
    }
    delete patch[directive];
    applyElementOrder(original, patch, { key: directive.slice(elementOrderPrefix.length), order, type });
  }
}

type Order = { readonly key: string; readonly order: Json; readonly type: TypeSchema | undefined };

function applyElementOrder(original: MutableObject, patch: MutableObject, { key, order, type }: Order): void {
  if (!isList(order))
    throw new PatchError(422, `invalid patch format of ${elementOrderPrefix}${key}: it must be a list`);
  const before = listOrNone(original, key);
  const change = listOrNone(patch, key);
  if (!before && !change) return;
  const rule = ruleFor(type, key);
  if (change) checkOrder(change, order, rule.mergeKey);
  const merged = before && change ? mergeList(before, change, rule, 'apply') : (before ?? withoutNulls(change ?? []));
  setOwn(original, key, orderItems(isList(merged) ? merged : [], order, before ?? [], rule.mergeKey));
  delete patch[key];
}

function listOrNone(object: MutableObject, key: string): readonly Json[] | undefined {
  const value = getOwn(object, key);
  if (value === undefined || value === null) return undefined;
  if (!isList(value))
    throw new PatchError(422, `the value of "${key}" must be a list, because the patch gives its order`);
  return value;
}

/** The items of the patch must come in the order that it gives. */
function checkOrder(change: readonly Json[], order: readonly Json[], mergeKey: string | undefined): void {
  const items = change.filter((item) => !isDeleted(item) && !isReplaceMark(item));
  if (items.length === 0 || order.length === 0) return;
  let at = 0;
  for (const entry of order) {
    const item = items[at];
    if (item !== undefined && indexOfItem([entry], item, mergeKey) === 0) at++;
  }
  if (at < items.length) {
    throw new PatchError(
      422,
      `the order in patch list: ${JSON.stringify(change)} doesn't match ${elementOrderPrefix} list: ${JSON.stringify(order)}`,
    );
  }
}

/** A list merged by the rule of its field: replaced, by value, or by key. */
function mergeList(original: readonly Json[], patch: readonly Json[], rule: MergeRule, mode: MergeMode): Json {
  if (rule.strategy !== 'merge') return patch;
  if (original.length === 0 && patch.length === 0) return original;
  const shapes = new Set([...original, ...patch].map(shapeOf));
  if (shapes.size > 1 || shapes.has('list')) {
    throw new PatchError(422, `list element types are not identical: ${JSON.stringify([original, patch])}`);
  }
  if (!shapes.has('object')) return orderItems(distinct([...original, ...patch]), patch, original, undefined);
  const { mergeKey } = rule;
  if (mergeKey === undefined) throw new PatchError(422, 'cannot merge lists without merge key');
  const { kept, changes } =
    mode === 'apply' ? carryOutItems(original, patch, mergeKey) : { kept: original, changes: patch };
  const merged = [...kept];
  for (const change of changes) {
    const at = indexOfItem(merged, change, mergeKey);
    const before = merged[at];
    if (isObject(before) && isObject(change)) merged[at] = mergeItem(before, change, rule.type?.items, mode);
    else merged.push(mode === 'apply' ? withoutNulls(change) : change);
  }
  return orderItems(merged, changes, kept, mergeKey);
}

function mergeItem(before: MutableObject, change: MutableObject, type: TypeSchema | undefined, mode: MergeMode): Json {
  if (mode === 'combine' && (Object.hasOwn(change, patchDirective) || Object.hasOwn(before, patchDirective)))
    return change;
  return mergeObject(before, change, type, mode);
}

/** Carries out `$patch` items: what they delete is gone from the original, and they are gone from the patch. */
function carryOutItems(
  original: readonly Json[],
  patch: readonly Json[],
  mergeKey: string,
): { readonly kept: readonly Json[]; readonly changes: readonly Json[] } {
  let kept = original;
  let replaces = false;
  const changes: Json[] = [];
  for (const item of patch) {
    const directive = isObject(item) ? getOwn(item, patchDirective) : undefined;
    if (directive === undefined) changes.push(item);
    else if (directive === 'replace') replaces = true;
    else if (directive === 'delete') kept = kept.filter((other) => indexOfItem([other], item, mergeKey) < 0);
    else throw new PatchError(422, `unknown patch type found: ${JSON.stringify(directive)}`);
  }
  return replaces ? { kept: [], changes } : { kept, changes };
}

function withoutItems(original: readonly Json[], removed: readonly Json[]): readonly Json[] {
  return original.filter((item) => !removed.some((other) => sameJson(item, other)));
}

function distinct(items: readonly Json[]): readonly Json[] {
  return items.filter((item, index) => items.findIndex((other) => sameJson(other, item)) === index);
}
