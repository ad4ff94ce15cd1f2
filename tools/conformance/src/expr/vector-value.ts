import {
  declareStrings,
  Duration,
  formatDuration,
  Instant,
  isList,
  isMap,
  parseDuration,
  type Value,
} from '@sluice/expr';

/** A value as the vectors write it: numbers without fraction are ints, `{"$float": …}` and the like say the Go kind. */
export function fromVector(value: unknown): Value {
  if (value === null || value === undefined) return null;
  if (typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(fromVector);
  const entries = Object.entries(value as Record<string, unknown>);
  const [first] = entries;
  if (entries.length === 1 && first?.[0].startsWith('$')) return fromMarked(first[0], first[1]);
  return new Map(entries.map(([key, item]) => [key, fromVector(item)]));
}

const specialFloats: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  '+Inf': Infinity,
  '-Inf': -Infinity,
  '-0': -0,
};

function fromMarked(mark: string, value: unknown): Value {
  if (mark === '$float') return typeof value === 'number' ? value : (specialFloats[String(value)] ?? Number(value));
  if (/^\$u?int/.test(mark)) return BigInt(String(value));
  if (mark === '$time') return new Instant(Date.parse(String(value)));
  if (mark === '$duration') return new Duration(parseDuration(String(value)) ?? 0n);
  if (mark === '$bytes') return Uint8Array.from(Buffer.from(String(value), 'base64'));
  if (mark === '$entries')
    return new Map((value as [unknown, unknown][]).map(([key, item]) => [fromVector(key), fromVector(item)]));
  const held = fromVector(value);
  return isList(held) || isMap(held) ? declareStrings(held) : held;
}

/** Deep equality with the difference between int and float kept. */
export function isSameValue(a: Value, b: Value): boolean {
  if (typeof a === 'number' && typeof b === 'number') return Object.is(a, b);
  if (isList(a) && isList(b))
    return a.length === b.length && a.every((item, index) => isSameValue(item, b[index] ?? null));
  if (isMap(a) && isMap(b)) {
    const others = [...b];
    return (
      a.size === b.size &&
      [...a].every(([key, item]) =>
        others.some(([other, value]) => isSameValue(key, other) && isSameValue(item, value)),
      )
    );
  }
  if (a instanceof Instant && b instanceof Instant) return a.milliseconds === b.milliseconds;
  if (a instanceof Duration && b instanceof Duration) return a.nanoseconds === b.nanoseconds;
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  return a === b;
}

/** A value for people. */
export function showValue(value: Value): string {
  return JSON.stringify(value, (_, item: unknown) => {
    if (typeof item === 'bigint') return `${item}n`;
    if (item instanceof Map)
      return Object.fromEntries([...item].map(([key, inner]) => [String(key), inner as unknown]));
    if (item instanceof Duration) return formatDuration(item);
    return item;
  });
}
