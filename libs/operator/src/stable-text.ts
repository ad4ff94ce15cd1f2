import { createHash } from 'node:crypto';

/** JSON with the fields in order, so that the same value has the same text. */
export function stableText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(stableText).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${stableText(field)}`).join(',')}}`;
}

/** 16 hexadecimal digits that tell values apart. */
export function hashOf(value: unknown): string {
  return createHash('sha256').update(stableText(value)).digest('hex').slice(0, 16);
}
