import type { Cause } from '../kinds/kind.ts';

/** A field that must be set. */
export const required = (field: string, detail = ''): Cause => ({
  reason: 'FieldValueRequired',
  field,
  message: detail === '' ? 'Required value' : `Required value: ${detail}`,
});

/** A value that breaks a rule. `value` is shown as Kubernetes shows it: strings quoted, objects as JSON. */
export const invalid = (field: string, value: unknown, detail: string): Cause => ({
  reason: 'FieldValueInvalid',
  field,
  message: `Invalid value: ${shown(value)}: ${detail}`,
});

/** A value of the wrong JSON type. */
export const typeInvalid = (field: string, value: unknown, detail: string): Cause => ({
  ...invalid(field, value, detail),
  reason: 'FieldValueTypeInvalid',
});

/** A value that is not one of a few. */
export const notSupported = (field: string, value: unknown, supported: readonly string[]): Cause => ({
  reason: 'FieldValueNotSupported',
  field,
  message: `Unsupported value: ${shown(value)}: supported values: ${supported.map((item) => JSON.stringify(item)).join(', ')}`,
});

/** A value that may not be set here. */
export const forbidden = (field: string, detail: string): Cause => ({
  reason: 'FieldValueForbidden',
  field,
  message: `Forbidden: ${detail}`,
});

/** A second value where values are unique. */
export const duplicate = (field: string, value: unknown): Cause => ({
  reason: 'FieldValueDuplicate',
  field,
  message: `Duplicate value: ${shown(value)}`,
});

/** A text longer than allowed. */
export const tooLong = (field: string, limit: number): Cause => ({
  reason: 'FieldValueTooLong',
  field,
  message: `Too long: may not be more than ${limit} bytes`,
});

/** More items than allowed. */
export const tooMany = (field: string, count: number, limit: number): Cause => ({
  reason: 'FieldValueTooMany',
  field,
  message: `Too many: ${count}: must have at most ${limit} items`,
});

/** A value as error texts show it. */
export function shown(value: unknown): string {
  return value === undefined ? 'null' : JSON.stringify(value, sortKeys);
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(entries);
}
