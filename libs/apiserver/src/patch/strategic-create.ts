import { plainText } from '../kinds/object-access.ts';
import type { Json } from '@sluice/model';
import type { TypeSchema } from '../kinds/kind.ts';
import { identityOf, orderItems } from './element-order.ts';
import { copyOf, getOwn, isList, isObject, type MutableObject, sameJson, setOwn, shapeOf } from './json-value.ts';
import { type MergeRule, ruleFor } from './merge-schema.ts';
import { hasConflicts } from './patch-conflict.ts';
import { PatchError } from './patch-error.ts';
import {
  deleteFromListPrefix,
  elementOrderPrefix,
  mergeObject,
  patchDirective,
  retainKeysDirective,
} from './strategic-merge.ts';

/** Which differences a patch is made of, and whether it also says the order of merged lists. */
type Scope = { readonly changes: boolean; readonly deletions: boolean; readonly order: boolean };

/** The strategic merge patch that turns `original` into `modified`. */
export function createTwoWayPatch(schema: TypeSchema | undefined, original: Json, modified: Json): Json {
  return diffObjects(asObject(original), asObject(modified), schema, { changes: true, deletions: true, order: true });
}

/** Three versions of an object: as last applied, as wanted, as it is. */
export type ThreeWay = {
  readonly schema: TypeSchema | undefined;
  readonly original: Json;
  readonly modified: Json;
  readonly current: Json;
  /** Whether changes made by others since may be overwritten; else they are a conflict (PatchError). */
  readonly overwrite: boolean;
};

/** The patch that brings `current` to `modified`, and deletes what `original` had and `modified` has no more. */
export function createThreeWayPatch({ schema, original, modified, current, overwrite }: ThreeWay): Json {
  const [before, wanted, live] = [asObject(original), asObject(modified), asObject(current)];
  const changes = diffObjects(live, wanted, schema, { changes: true, deletions: false, order: true });
  const deletions = diffObjects(before, wanted, schema, { changes: false, deletions: true, order: true });
  const patch = mergeObject(copyOf(deletions), copyOf(changes), schema, 'combine');
  if (overwrite) return patch;
  const others = diffObjects(before, live, schema, { changes: true, deletions: true, order: true });
  if (hasConflicts(patch, others, schema))
    throw new PatchError(422, 'the patch conflicts with changes made to the object since it was last applied');
  return patch;
}

function asObject(value: Json): MutableObject {
  return isObject(value) ? value : {};
}

function diffObjects(
  before: MutableObject,
  after: MutableObject,
  type: TypeSchema | undefined,
  scope: Scope,
): MutableObject {
  const patch: MutableObject = {};
  for (const key of Object.keys(after)) {
    const value = after[key] ?? null;
    const old = getOwn(before, key);
    if (old === undefined) {
      if (scope.changes) setOwn(patch, key, value);
    } else if (shapeOf(old) !== shapeOf(value)) {
      if (scope.changes) setOwn(patch, key, value);
    } else if (sameJson(old, value) && !isKnown(type, key)) continue;
    else if (isObject(old) && isObject(value)) diffObjectField(patch, key, [old, value], { type, scope });
    else if (isList(old) && isList(value)) diffListField(patch, key, [old, value], { type, scope });
    else if (!sameJson(old, value) && scope.changes) setOwn(patch, key, value);
  }
  if (scope.deletions) for (const key of Object.keys(before)) if (!Object.hasOwn(after, key)) setOwn(patch, key, null);
  return patch;
}

/** Equal values need no schema. */
function isKnown(type: TypeSchema | undefined, key: string): boolean {
  return type?.fields === undefined || type.fields.has(key) || type.values !== undefined;
}

type Context = { readonly type: TypeSchema | undefined; readonly scope: Scope };

function diffObjectField(
  patch: MutableObject,
  key: string,
  [old, value]: readonly [MutableObject, MutableObject],
  { type, scope }: Context,
): void {
  const rule = ruleFor(type, key);
  if (rule.strategy === 'replace') {
    if (scope.changes && !sameJson(old, value)) setOwn(patch, key, value);
    return;
  }
  const inner = diffObjects(old, value, rule.type, scope);
  if (Object.keys(inner).length === 0 && !(rule.retainKeys && hasMore(old, value))) return;
  if (rule.retainKeys) setOwn(inner, retainKeysDirective, Object.keys(value).toSorted());
  setOwn(patch, key, inner);
}

function diffListField(
  patch: MutableObject,
  key: string,
  [old, value]: readonly [readonly Json[], readonly Json[]],
  { type, scope }: Context,
): void {
  const rule = ruleFor(type, key);
  if (rule.strategy !== 'merge') {
    if (scope.changes && !sameJson(old, value)) setOwn(patch, key, value);
    return;
  }
  const { additions, deletions, order } = diffMergedLists(old, value, rule, scope);
  if (additions.length > 0) setOwn(patch, key, additions);
  if (deletions.length > 0) setOwn(patch, `${deleteFromListPrefix}${key}`, deletions);
  if (order.length > 0) setOwn(patch, `${elementOrderPrefix}${key}`, order);
}

/** Whether the old object has keys that the new one has not. */
function hasMore(old: MutableObject, value: MutableObject): boolean {
  return Object.keys(old).some((key) => !Object.hasOwn(value, key));
}

type ListDiff = {
  readonly additions: readonly Json[];
  readonly deletions: readonly Json[];
  readonly order: readonly Json[];
};

function diffMergedLists(old: readonly Json[], value: readonly Json[], rule: MergeRule, scope: Scope): ListDiff {
  const shapes = new Set([...old, ...value].map(shapeOf));
  if (shapes.size > 1 || shapes.has('list'))
    throw new PatchError(422, `list element types are not identical: ${JSON.stringify([old, value])}`);
  const hasObjects = shapes.has('object');
  const { mergeKey } = rule;
  if (hasObjects && mergeKey === undefined) throw new PatchError(422, 'cannot merge lists without merge key');
  const key = hasObjects ? mergeKey : undefined;
  const found = hasObjects ? diffItems(old, value, rule, scope) : diffScalars(old, value, scope);
  const reordered = scope.changes && !sameOrder(old, value, key);
  const needsOrder = scope.order && (found.additions.length > 0 || found.deletions.length > 0 || reordered);
  const order = needsOrder ? value.map((item) => (key === undefined ? item : { [key]: identityOf(item, key) })) : [];
  return { ...found, order };
}

/** Both lists name the same items in the same order. */
function sameOrder(old: readonly Json[], value: readonly Json[], key: string | undefined): boolean {
  const identities = (list: readonly Json[]) => list.map((item) => identityOf(item, key));
  return sameJson(identities(old), identities(value));
}

function diffScalars(old: readonly Json[], value: readonly Json[], scope: Scope): Omit<ListDiff, 'order'> {
  const rest = [...old];
  const additions = value.filter((item) => {
    const at = rest.findIndex((other) => sameJson(other, item));
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
  const gone = rest.filter((item) => !value.some((other) => sameJson(other, item)));
  const distinct = gone.filter((item, index) => gone.findIndex((other) => sameJson(other, item)) === index);
  return { additions: scope.changes ? additions : [], deletions: scope.deletions ? distinct.toSorted(byText) : [] };
}

function byText(a: Json, b: Json): number {
  const [left, right] = [plainText(a), plainText(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

function diffItems(
  old: readonly Json[],
  value: readonly Json[],
  rule: MergeRule,
  scope: Scope,
): Omit<ListDiff, 'order'> {
  const key = rule.mergeKey ?? '';
  const [before, after] = [byMergeKey(old, key), byMergeKey(value, key)];
  const additions: Json[] = [];
  const gone: Json[] = [];
  let [at, next] = [0, 0];
  while (at < before.length || next < after.length) {
    const [left, right] = [before[at], after[next]];
    const order = !left ? 1 : !right ? -1 : left.text < right.text ? -1 : left.text > right.text ? 1 : 0;
    if (order <= 0) at++;
    if (order >= 0) next++;
    if (order === 0 && left && right) {
      const change = changedItem(left.item, right.item, rule, scope);
      if (change) additions.push(change);
    } else if (order > 0 && right && scope.changes) additions.push(right.item);
    else if (order < 0 && left && scope.deletions) gone.push(left.item);
  }
  const deletions = gone.map((item) => ({ [key]: identityOf(item, key), [patchDirective]: 'delete' }));
  const ordered = orderItems(additions, value, old, key);
  return { additions: [...ordered, ...deletions], deletions: [] };
}

function changedItem(before: Json, item: Json, rule: MergeRule, scope: Scope): Json | undefined {
  const key = rule.mergeKey ?? '';
  const inner = diffObjects(asObject(before), asObject(item), rule.type?.items, scope);
  const clears = rule.retainKeys && hasMore(asObject(before), asObject(item));
  if (Object.keys(inner).length === 0 && !clears) return undefined;
  if (rule.retainKeys) setOwn(inner, retainKeysDirective, Object.keys(asObject(item)).toSorted());
  setOwn(inner, key, identityOf(item, key));
  return inner;
}

/** In the order of the merge keys' text; of several under one key the last comes first, and so are they paired. */
function byMergeKey(list: readonly Json[], key: string): readonly { readonly text: string; readonly item: Json }[] {
  const keyed = list.map((item) => ({ text: plainText(identityOf(item, key)), item }));
  return keyed.toReversed().sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0));
}
