import type { Json, JsonObject } from '@sluice/model';

/** A structural schema made from a chart, and what of it Kubernetes cannot express and is therefore left open. */
export type ChartSchema = {
  readonly source: 'values.schema.json' | 'values.yaml';
  readonly schema: JsonObject;
  readonly openPaths: readonly string[];
};

const maxDepth = 12;
const maxProperties = 3_000;
const maxOpenPaths = 50;
const open: JsonObject = { 'x-kubernetes-preserve-unknown-fields': true };

/** Keywords that mean the same in JSON Schema and in a structural schema. */
const shared = [
  'pattern',
  'minLength',
  'maxLength',
  'multipleOf',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
  'enum',
];
/** Conditions over several fields: helm checks them when it renders. */
const loose = [
  'oneOf',
  'anyOf',
  'allOf',
  'not',
  'if',
  'patternProperties',
  'const',
  'dependencies',
  'dependentSchemas',
];

/**
 * The schema of a kind's spec, which is the chart's values. Defaults are told in descriptions only: written into objects, they would
 * outlive the chart version that they came from. Nothing is required: the chart's own values fill in, and helm checks the sum. Fields that the schema does not name are kept, unless it forbids them.
 */
export function schemaOfChart(valuesSchema: JsonObject | undefined, values: JsonObject): ChartSchema {
  const budget: Budget = { left: maxProperties, openPaths: [], root: valuesSchema ?? {} };
  const schema = valuesSchema ? convert(valuesSchema, '', 0, budget) : infer(values, 0, budget);
  const isObject = schema['type'] === 'object';
  return {
    source: valuesSchema ? 'values.schema.json' : 'values.yaml',
    schema: isObject ? schema : { type: 'object', ...open },
    openPaths: budget.openPaths.slice(0, maxOpenPaths),
  };
}

type Budget = { left: number; readonly openPaths: string[]; readonly root: JsonObject };

function giveUp(path: string, budget: Budget, description?: Json): JsonObject {
  budget.openPaths.push(path || '.');
  return { ...open, ...(typeof description === 'string' ? { description } : {}) };
}

function convert(node: JsonObject, path: string, depth: number, budget: Budget): JsonObject {
  if (depth > maxDepth || --budget.left < 0) return giveUp(path, budget);
  const reference = node['$ref'];
  if (typeof reference === 'string') {
    const target = resolve(budget.root, reference);
    return target ? convert(target, path, depth + 1, budget) : giveUp(path, budget);
  }
  if (loose.some((key) => node[key] !== undefined)) budget.openPaths.push(path || '.');
  const { type, nullable } = typeOf(node);
  const common = { ...describe(node), ...(nullable ? { nullable } : {}) };
  if (type === 'int-or-string') return { ...common, 'x-kubernetes-int-or-string': true };
  if (type === 'object') return { ...common, ...convertObject(node, path, depth, budget) };
  if (type === 'array') {
    const { items } = node;
    const entry = isMapping(items) ? convert(items, `${path}[]`, depth + 1, budget) : open;
    return { ...common, ...copied(node), type, items: entry };
  }
  return type ? { ...common, ...copied(node), ...bounds(node), type } : giveUp(path, budget, node['description']);
}

function convertObject(node: JsonObject, path: string, depth: number, budget: Budget): JsonObject {
  const { properties, additionalProperties } = node;
  const named = isMapping(properties) ? Object.entries(properties) : [];
  if (named.length === 0 && isMapping(additionalProperties)) {
    return { type: 'object', additionalProperties: convert(additionalProperties, `${path}.*`, depth + 1, budget) };
  }
  const converted = named.map(([name, value]) => [
    name,
    isMapping(value) ? convert(value, path ? `${path}.${name}` : name, depth + 1, budget) : open,
  ]);
  return {
    type: 'object',
    ...(named.length > 0 ? { properties: Object.fromEntries(converted) as JsonObject } : {}),
    ...(additionalProperties === false ? {} : open),
  };
}

function typeOf(node: JsonObject): { readonly type?: string; readonly nullable: boolean } {
  const { type } = node;
  if (typeof type === 'string') return type === 'null' ? { nullable: true } : { type, nullable: false };
  if (Array.isArray(type)) {
    const names = type.filter((name): name is string => typeof name === 'string' && name !== 'null');
    const nullable = type.includes('null');
    if (names.length === 1) return { type: names[0] ?? '', nullable };
    const mixed = names.length === 2 && names.includes('integer') && names.includes('string');
    return mixed ? { type: 'int-or-string', nullable } : { nullable };
  }
  if (node['properties'] !== undefined) return { type: 'object', nullable: false };
  return { nullable: false };
}

function describe(node: JsonObject): JsonObject {
  const said = [node['title'], node['description']].filter((text) => typeof text === 'string').join('. ');
  const fallback = node['default'];
  const shown = fallback === undefined ? '' : `Default of the chart: ${JSON.stringify(fallback).slice(0, 200)}`;
  const description = [said, shown].filter(Boolean).join('. ').slice(0, 1_000);
  return description ? { description } : {};
}

function copied(node: JsonObject): JsonObject {
  const kept = shared.filter((key) => node[key] !== undefined && (key !== 'enum' || Array.isArray(node[key])));
  return Object.fromEntries(kept.map((key) => [key, node[key] ?? null]));
}

/** Exclusive bounds are numbers in newer JSON Schema and flags in a structural schema. */
function bounds(node: JsonObject): JsonObject {
  const result: Record<string, Json> = {};
  for (const side of ['minimum', 'maximum'] as const) {
    const exclusive = `exclusive${side.charAt(0).toUpperCase()}${side.slice(1)}`;
    const limit = node[side];
    const strict = node[exclusive];
    if (typeof strict === 'number') Object.assign(result, { [side]: strict, [exclusive]: true });
    else if (typeof limit === 'number')
      Object.assign(result, { [side]: limit, ...(strict === true ? { [exclusive]: true } : {}) });
  }
  return result;
}

function resolve(root: JsonObject, reference: string): JsonObject | undefined {
  if (!reference.startsWith('#/')) return undefined;
  let current: Json | undefined = root;
  for (const step of reference.slice(2).split('/')) {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
    current = isMapping(current) && Object.hasOwn(current, key) ? current[key] : undefined;
  }
  return isMapping(current) ? current : undefined;
}

/** Without a schema: the types of the chart's own values; every value may be null, which takes a default of the chart away. */
function infer(value: Json | undefined, depth: number, budget: Budget): JsonObject {
  if (depth > maxDepth || --budget.left < 0 || value === null || value === undefined) return open;
  if (Array.isArray(value)) return { type: 'array', nullable: true, items: open };
  if (typeof value === 'boolean') return { type: 'boolean', nullable: true };
  if (typeof value === 'number' && Number.isInteger(value))
    return { 'x-kubernetes-int-or-string': true, nullable: true };
  // A text in values may stand for a number or a flag: helm writes it out either way.
  if (!isMapping(value)) return open;
  const entries = Object.entries(value).map(([name, item]) => [name, infer(item, depth + 1, budget)]);
  const properties = entries.length > 0 ? { properties: Object.fromEntries(entries) as JsonObject } : {};
  return { type: 'object', ...properties, ...(depth > 0 ? { nullable: true } : {}), ...open };
}

function isMapping(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
