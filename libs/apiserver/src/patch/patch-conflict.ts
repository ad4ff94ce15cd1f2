import type { Json } from '@sluice/model';
import type { TypeSchema } from '../kinds/kind.ts';
import { indexOfItem } from './element-order.ts';
import { getOwn, isList, isObject, sameJson, shapeOf } from './json-value.ts';
import { ruleFor } from './merge-schema.ts';
import { deleteFromListPrefix, elementOrderPrefix, patchDirective, retainKeysDirective } from './strategic-merge.ts';

/** Whether two patches of one object want different values in one place. */
export function hasConflicts(left: Json, right: Json, type: TypeSchema | undefined): boolean {
  if (isObject(left) && isObject(right)) return objectsConflict(left, right, type);
  return shapeOf(left) !== shapeOf(right) || !sameJson(left, right);
}

function objectsConflict(
  left: { readonly [key: string]: Json },
  right: { readonly [key: string]: Json },
  type: TypeSchema | undefined,
): boolean {
  const marks = [left, right].map((item) => getOwn(item, patchDirective));
  if (marks[0] !== undefined || marks[1] !== undefined)
    return !sameJson(marks[0], marks[1]) || !sameJson({ ...left }, { ...right });
  return Object.keys(left).some((key) => {
    if (key === retainKeysDirective || key.startsWith(elementOrderPrefix)) return false;
    const [a, b] = [getOwn(left, key), getOwn(right, key)];
    if (a === undefined || b === undefined) return false;
    if (key.startsWith(deleteFromListPrefix)) return false;
    if (isList(a) && isList(b)) return listsConflict(a, b, key, type);
    return hasConflicts(a, b, isObject(a) ? ruleFor(type, key).type : undefined);
  });
}

function listsConflict(
  left: readonly Json[],
  right: readonly Json[],
  key: string,
  type: TypeSchema | undefined,
): boolean {
  const rule = ruleFor(type, key);
  if (rule.strategy !== 'merge') return !sameJson([...left], [...right]);
  const { mergeKey } = rule;
  if (mergeKey === undefined) return false;
  return left.some((item) => {
    const other = isObject(item) ? right[indexOfItem(right, item, mergeKey)] : undefined;
    return other !== undefined && hasConflicts(item, other, rule.type?.items);
  });
}
