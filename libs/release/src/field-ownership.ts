import type { Json, JsonObject } from '@sluice/model';

/**
 * `metadata.managedFields` with all that these managers own given to `heir`, who applies: what the heir's next apply does not mention
 * then goes away. undefined when they own nothing. Status is left to whoever writes it.
 */
export function takeOverFields(
  entries: readonly JsonObject[],
  managers: readonly string[],
  heir: string,
): readonly JsonObject[] | undefined {
  const isTaken = (entry: JsonObject): boolean =>
    !entry['subresource'] && managers.some((name) => name === entry['manager']);
  const taken = entries.filter(isTaken);
  const [model] = taken;
  if (!model) return undefined;
  const isHeirs = (entry: JsonObject): boolean =>
    entry['manager'] === heir && entry['operation'] === 'Apply' && !entry['subresource'];
  const own = entries.find(isHeirs);
  const fieldsV1 = [...(own ? [own] : []), ...taken].reduce<JsonObject>(
    (all, entry) => union(all, entry['fieldsV1'] ?? {}),
    {},
  );
  const rest = entries.filter((entry) => !isTaken(entry) && entry !== own);
  return [{ ...(own ?? model), manager: heir, operation: 'Apply', fieldsV1 }, ...rest];
}

/** Sets of fields are trees of names, so their union is that of the trees. */
function union(a: JsonObject, b: Json): JsonObject {
  if (typeof b !== 'object' || b === null || Array.isArray(b)) return a;
  const merged: Record<string, Json> = { ...a };
  for (const [key, value] of Object.entries(b as JsonObject)) {
    const present = merged[key];
    const isTree = typeof present === 'object' && present !== null && !Array.isArray(present);
    merged[key] = isTree ? union(present as JsonObject, value) : value;
  }
  return merged;
}
