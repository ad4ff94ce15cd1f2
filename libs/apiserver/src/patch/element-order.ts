import type { Json } from '@sluice/model';
import { getOwn, isObject, sameJson } from './json-value.ts';
import { PatchError } from './patch-error.ts';

/** What identifies an item of a merged list: the value under the merge key, or the value itself. */
export function identityOf(item: Json, mergeKey: string | undefined): Json {
  if (!isObject(item) || mergeKey === undefined) return item;
  const value = getOwn(item, mergeKey);
  if (value === undefined) {
    throw new PatchError(422, `map: ${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`);
  }
  return value;
}

/** Position of the item with the same identity, -1 where there is none. */
export function indexOfItem(list: readonly Json[], item: Json, mergeKey: string | undefined): number {
  const identity = identityOf(item, mergeKey);
  return list.findIndex((other) => sameJson(identityOf(other, mergeKey), identity));
}

/**
 * The order of a merged list: items that the patch names in the patch's order, the others where the server had them. Both orders are kept;
 * where they say nothing, an item of the patch comes first.
 */
export function orderItems(
  merged: readonly Json[],
  patchOrder: readonly Json[],
  serverOrder: readonly Json[],
  mergeKey: string | undefined,
): readonly Json[] {
  const inPatch = merged.filter((item) => indexOfItem(patchOrder, item, mergeKey) >= 0);
  const serverOnly = merged.filter((item) => indexOfItem(patchOrder, item, mergeKey) < 0);
  const patch = sortBy(inPatch, patchOrder, mergeKey);
  const server = sortBy(serverOnly, serverOrder, mergeKey);
  const out: Json[] = [];
  let [left, right] = [0, 0];
  while (left < server.length && right < patch.length) {
    const leftItem = server[left] ?? null;
    const rightItem = patch[right] ?? null;
    const [leftAt, rightAt] = [leftItem, rightItem].map((item) => indexOfItem(serverOrder, item, mergeKey));
    if (leftAt !== undefined && rightAt !== undefined && leftAt >= 0 && rightAt >= 0 && leftAt < rightAt) {
      out.push(leftItem);
      left++;
    } else {
      out.push(rightItem);
      right++;
    }
  }
  return [...out, ...server.slice(left), ...patch.slice(right)];
}

function sortBy(items: readonly Json[], order: readonly Json[], mergeKey: string | undefined): readonly Json[] {
  const placed = items.map((item) => ({ item, at: indexOfItem(order, item, mergeKey) }));
  return placed.toSorted((a, b) => (a.at >= 0 && b.at >= 0 ? a.at - b.at : 0)).map(({ item }) => item);
}
