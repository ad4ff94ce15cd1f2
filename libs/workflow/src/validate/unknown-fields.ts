import type { Problem } from '@sluice/model';
import { type FieldShape, fieldTable } from './field-table.ts';
import { didYouMean } from './suggestion.ts';

const maxProblems = 200;

/** Fields that hold a list where one object belongs, and the like: nothing more can be said of such a manifest. */
export function shapeProblems(value: object, type: string, path: string): readonly Problem[] {
  const problems: Problem[] = [];
  checkShape(value, type, path, (place, message) => {
    if (problems.length < maxProblems) problems.push({ code: 'FieldInvalid', severity: 'error', path: place, message });
  });
  return problems;
}

const wanted = { one: 'an object', list: 'a list', lists: 'a list', map: 'an object' } as const;

function checkShape(value: unknown, type: string, path: string, tell: (path: string, message: string) => void): void {
  const fields = fieldTable.get(type);
  if (!fields || !isObject(value)) return;
  for (const [field, item] of Object.entries(value)) {
    const shape = fields.get(field);
    if (!shape || item === null || item === undefined || (shape.type === undefined && shape.holds === 'one')) continue;
    checkField(item, shape, `${path}.${field}`, tell);
  }
}

function checkField(
  item: object,
  shape: FieldShape,
  place: string,
  tell: (path: string, message: string) => void,
): void {
  const { type, holds } = shape;
  const isList = Array.isArray(item);
  if ((holds === 'list' || holds === 'lists') !== isList || typeof item !== 'object') {
    const found = isList ? 'a list' : isObject(item) ? 'an object' : JSON.stringify(item).slice(0, 40);
    tell(place, `must be ${wanted[holds]}, not ${found}`);
    return;
  }
  const groups = holds === 'lists' && isList ? [...item.entries()] : [];
  for (const [index, group] of groups)
    if (!Array.isArray(group)) tell(`${place}[${index}]`, 'must be a list of steps: begin it with "- -"');
  if (type === undefined) return;
  for (const [part, at] of partsOf(item, holds, place)) {
    if (isObject(part)) checkShape(part, type, at, tell);
    else tell(at, 'must be an object');
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Fields that a kind (or `WorkflowSpec` and the like) does not have, each with its path: such a field would be ignored, which is hardly ever meant. */
export function unknownFieldProblems(
  value: object,
  type: string,
  severity: Problem['severity'],
  start = '',
): readonly Problem[] {
  const problems: Problem[] = [];
  look(value, type, start, (path, field, known) => {
    if (problems.length >= maxProblems) return;
    const fix = didYouMean(field, known);
    const message = `unknown field "${field}"`;
    problems.push({ code: 'FieldUnknown', severity, path, message, ...(fix ? { fix } : {}) });
  });
  return problems;
}

type Tell = (path: string, field: string, known: Iterable<string>) => void;

function look(value: unknown, type: string, path: string, tell: Tell): void {
  const fields = fieldTable.get(type);
  if (!fields || !isObject(value)) return;
  for (const [field, item] of Object.entries(value)) {
    const shape = fields.get(field);
    const place = path === '' ? field : `${path}.${field}`;
    if (!shape) tell(place, field, fields.keys());
    else if (shape.type !== undefined)
      for (const [part, at] of partsOf(item, shape.holds, place)) look(part, shape.type, at, tell);
  }
}

function partsOf(
  value: unknown,
  holds: 'one' | 'list' | 'lists' | 'map',
  path: string,
): readonly (readonly [unknown, string])[] {
  if (holds === 'one') return [[value, path]];
  if (holds === 'map') {
    const entries = isObject(value) ? Object.entries(value) : [];
    return entries.map(([key, item]) => [item, `${path}.${key}`] as const);
  }
  if (!Array.isArray(value)) return [];
  const items = value.map((item: unknown, index) => [item, `${path}[${index}]`] as const);
  return holds === 'list' ? items : items.flatMap(([item, at]) => partsOf(item, 'list', at));
}
