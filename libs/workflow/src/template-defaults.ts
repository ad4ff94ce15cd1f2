import type { Pass } from './pass.ts';
import type { Template } from './workflow-types.ts';

const merged = new WeakMap<Template, WeakMap<Template, Template>>();
const kinds = ['container', 'script', 'steps', 'dag', 'suspend', 'containerSet', 'resource', 'data', 'http', 'plugin'];

/** The template with the workflow's `templateDefaults` under it. */
export function mergeDefaults(pass: Pass, template: Template): Template {
  const defaults = pass.spec.templateDefaults;
  if (!defaults) return template;
  const known = merged.get(defaults)?.get(template);
  if (known) return known;
  const made = mergeUnder(template, usable(defaults, template));
  const cache = merged.get(defaults) ?? new WeakMap<Template, Template>();
  merged.set(defaults, cache.set(template, made));
  return made;
}

/** Defaults for another kind of template do not concern this one. */
function usable(defaults: Template, template: Template): Template {
  const other = (field: string): boolean => kinds.includes(field) && template[field] === undefined;
  return Object.fromEntries(Object.entries(defaults).filter(([field]) => !other(field)));
}

/** Deep merge of objects; lists of named items by name, other lists as a whole. */
export function mergeUnder<T>(upper: T, lower: unknown): T {
  if (upper === undefined) return lower as T;
  if (Array.isArray(upper) && Array.isArray(lower)) return mergeLists(upper, lower) as T;
  if (!isRecord(upper) || !isRecord(lower)) return upper;
  const result: Record<string, unknown> = { ...lower };
  for (const [key, value] of Object.entries(upper)) result[key] = mergeUnder(value, lower[key]);
  return result as T;
}

function mergeLists(upper: readonly unknown[], lower: readonly unknown[]): readonly unknown[] {
  const named = [...upper, ...lower].every((item) => isRecord(item) && typeof item['name'] === 'string');
  if (!named || upper.length === 0) return upper.length === 0 ? lower : upper;
  const names = new Set(upper.map((item) => (isRecord(item) ? item['name'] : undefined)));
  const under = (item: unknown): unknown =>
    lower.find((other) => isRecord(other) && isRecord(item) && other['name'] === item['name']);
  return [
    ...upper.map((item) => mergeUnder(item, under(item))),
    ...lower.filter((item) => isRecord(item) && !names.has(item['name'])),
  ];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
