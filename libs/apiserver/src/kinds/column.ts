import type { KubeObject } from '@sluice/model';
import { ageOf } from './age.ts';
import type { Cell, Column } from './kind.ts';
import { isRecord, textAt, valueAt } from './object-access.ts';

/** A cell from an object and the time. */
export type CellOf = (object: KubeObject, now: number) => Cell;

/** A column of text unless `type` says otherwise. `wide` columns show with `-o wide` only. */
export function column(
  title: string,
  cell: CellOf,
  options: { readonly format?: string; readonly type?: Column['type']; readonly wide?: boolean } = {},
): Column {
  const { format = '', type = 'string', wide = false } = options;
  return { name: title, type, format, description: '', priority: wide ? 1 : 0, cell };
}

/** A column that only `-o wide` shows. */
export const wide = (title: string, cell: CellOf): Column => column(title, cell, { wide: true });

/** A column of whole numbers. */
export const count = (title: string, cell: CellOf): Column => column(title, cell, { type: 'integer' });

/** NAME. */
export const name: Column = column('Name', (object) => object.metadata.name, { format: 'name' });

/** AGE. */
export const age: Column = column('Age', (object, now) => ageOf(object.metadata.creationTimestamp, now));

/** The text at a path, or `otherwise`. */
export const text =
  (path: string, otherwise = ''): CellOf =>
  (object) =>
    textAt(object, path) || otherwise;

/** `a=1,b=2` in key order, `<none>` when empty. */
export function formatLabels(labels: unknown): string {
  if (!isRecord(labels) || Object.keys(labels).length === 0) return '<none>';
  return Object.keys(labels)
    .toSorted()
    .map((key) => `${key}=${String(labels[key])}`)
    .join(',');
}

/** A metav1.LabelSelector as kubectl prints it. */
export function formatSelector(selector: unknown): string {
  if (!isRecord(selector)) return '<none>';
  const labels = isRecord(selector['matchLabels']) ? Object.entries(selector['matchLabels']) : [];
  const terms = labels.map(([key, value]) => ({ key, text: `${key}=${String(value)}` }));
  const expressions = Array.isArray(selector['matchExpressions']) ? selector['matchExpressions'] : [];
  for (const expression of expressions) {
    const key = textAt(expression, 'key');
    const found = valueAt(expression, 'values');
    const values = Array.isArray(found) ? found.map(String).toSorted().join(',') : '';
    terms.push({ key, text: formatExpression(key, textAt(expression, 'operator'), values) });
  }
  const sorted = terms.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return sorted.length === 0 ? '<none>' : sorted.map((term) => term.text).join(',');
}

function formatExpression(key: string, operator: string, values: string): string {
  if (operator === 'Exists') return key;
  if (operator === 'DoesNotExist') return `!${key}`;
  return `${key} ${operator === 'NotIn' ? 'notin' : 'in'} (${values})`;
}

/** Values joined by commas, `<none>` when there are none. */
export function joined(values: Iterable<unknown>, otherwise = '<none>'): string {
  return [...values].map(String).join(',') || otherwise;
}
