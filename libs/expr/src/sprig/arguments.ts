import { formatValue, type Value } from '../value.ts';

/** The argument as text; nil is empty text, as where Go passes the zero value. */
export function textOf(value: Value | undefined): string {
  if (value === null) return '';
  if (typeof value !== 'string') throw new Error(`expected a string, got ${formatValue(value ?? null)}`);
  return value;
}

/** The argument as a count of something. */
export function countOf(value: Value | undefined): number {
  if (value === null) return 0;
  if (typeof value !== 'bigint') throw new Error(`expected an integer, got ${formatValue(value ?? null)}`);
  return Number(value);
}
