/** A JSON value as expressions of unknown types see it: whole numbers are ints, objects maps. */
export function celFromJson(value: unknown): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(celFromJson);
  if (typeof value !== 'object' || value === null) return value ?? null;
  const set = Object.entries(value).filter(([, item]) => item !== undefined);
  return new Map(set.map(([name, item]) => [name, celFromJson(item)]));
}
