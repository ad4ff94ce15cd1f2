import type { Json } from '@sluice/model';
import type { Cause } from '../kinds/kind.ts';
import { isRecord } from '../kinds/object-access.ts';
import { forbidden, invalid, notSupported, required } from './cause.ts';
import { validateOpenApi } from './open-api-validate.ts';
import { typeOfOpenApi } from './open-api-type.ts';
import { compilePattern } from '@sluice/expr';
import { pruneValue } from './prune.ts';

type Schema = Readonly<Record<string, unknown>>;

const maxDepth = 100;

const below = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

/** Why a schema is not structural: every value needs a type, and what a schema says inside of anyOf and the like is limited. */
export function validateStructural(schema: Schema, path = ''): readonly Cause[] {
  const root: Cause[] = [];
  if (schema['type'] !== 'object') {
    root.push(
      schema['type'] === undefined
        ? required(below(path, 'type'), 'must not be empty at the root')
        : invalid(below(path, 'type'), schema['type'], 'must be object at the root'),
    );
  }
  if (schema['nullable'] === true) root.push(forbidden(below(path, 'nullable'), 'nullable cannot be true at the root'));
  if (schema['additionalProperties'] !== undefined)
    root.push(forbidden(below(path, 'additionalProperties'), 'must not be used at the root'));
  return [...root, ...nodeCauses(schema, path, 0)];
}

function nodeCauses(schema: Schema, path: string, depth: number): readonly Cause[] {
  if (depth > maxDepth) return [invalid(path, '', `is nested more than ${maxDepth} levels deep`)];
  const { properties, items, additionalProperties: additional } = schema;
  const inner = [
    ...(isRecord(properties) ? childrenOf(properties, `${path === '' ? '' : `${path}.`}properties`, depth) : []),
    ...(isRecord(items)
      ? [...typeCauses(items, below(path, 'items')), ...nodeCauses(items, below(path, 'items'), depth + 1)]
      : []),
    ...(isRecord(additional)
      ? [
          ...typeCauses(additional, below(path, 'additionalProperties')),
          ...nodeCauses(additional, below(path, 'additionalProperties'), depth + 1),
        ]
      : []),
  ];
  return [
    ...arrayCauses(schema, path),
    ...embeddedCauses(schema, path),
    ...combinationCauses(schema, schema, path, 0),
    ...inner,
  ];
}

function childrenOf(properties: Schema, path: string, depth: number): readonly Cause[] {
  return Object.entries(properties).flatMap(([name, child]) => {
    const place = `${path}[${name}]`;
    return isRecord(child) ? [...typeCauses(child, place), ...nodeCauses(child, place, depth + 1)] : [];
  });
}

function typeCauses(schema: Schema, path: string): readonly Cause[] {
  const isFree =
    schema['x-kubernetes-int-or-string'] === true || schema['x-kubernetes-preserve-unknown-fields'] === true;
  if (isFree || (typeof schema['type'] === 'string' && schema['type'] !== '')) return [];
  return [required(below(path, 'type'), 'must not be empty for specified object fields')];
}

function arrayCauses(schema: Schema, path: string): readonly Cause[] {
  if (Array.isArray(schema['items']))
    return [forbidden(below(path, 'items'), 'items must be a schema object and not an array')];
  return schema['type'] === 'array' && !isRecord(schema['items'])
    ? [required(below(path, 'items'), 'must be specified')]
    : [];
}

function embeddedCauses(schema: Schema, path: string): readonly Cause[] {
  if (schema['x-kubernetes-embedded-resource'] !== true) return [];
  const causes: Cause[] = [];
  const isOpen = schema['x-kubernetes-preserve-unknown-fields'] === true || isRecord(schema['properties']);
  if (!isOpen)
    causes.push(
      required(
        below(path, 'properties'),
        'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
      ),
    );
  if (schema['type'] !== 'object')
    causes.push(
      invalid(below(path, 'type'), schema['type'] ?? '', 'must be object if x-kubernetes-embedded-resource is true'),
    );
  return causes;
}

const limited = [
  'type',
  'additionalProperties',
  'default',
  'nullable',
  'description',
  'title',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-embedded-resource',
  'x-kubernetes-int-or-string',
];

/** Inside of anyOf, allOf, oneOf and not only values are limited; what they speak of must be declared outside. */
function combinationCauses(outer: Schema, schema: Schema, path: string, depth: number): readonly Cause[] {
  if (depth > maxDepth) return [];
  const parts = ['allOf', 'anyOf', 'oneOf'].flatMap((name) =>
    (Array.isArray(schema[name]) ? (schema[name] as readonly unknown[]) : []).map(
      (part, index) => [part, `${below(path, name)}[${index}]`] as const,
    ),
  );
  const all = isRecord(schema['not']) ? [...parts, [schema['not'], below(path, 'not')] as const] : parts;
  return all.flatMap(([part, place]) => (isRecord(part) ? limitedCauses(outer, part, place, depth) : []));
}

function limitedCauses(outer: Schema, part: Schema, path: string, depth: number): readonly Cause[] {
  const isIntOrString = outer['x-kubernetes-int-or-string'] === true || isIntOrStringPattern(outer);
  const causes: Cause[] = limited
    .filter((name) => part[name] !== undefined && !(name === 'type' && isIntOrString))
    .map((name) => forbidden(below(path, name), 'must be empty to be structural'));
  const declared = isRecord(outer['properties']) ? outer['properties'] : {};
  const outside = path.replace(/(\.|^)(allOf|anyOf|oneOf)\[\d+\]|(\.|^)not/gu, '');
  for (const [name, child] of Object.entries(isRecord(part['properties']) ? part['properties'] : {})) {
    const own = Object.hasOwn(declared, name) ? declared[name] : undefined;
    if (!isRecord(own))
      causes.push(
        required(`${below(outside, 'properties')}[${name}]`, `because it is defined in ${path}.properties[${name}]`),
      );
    else if (isRecord(child))
      causes.push(...limitedCauses(own, child, `${below(path, 'properties')}[${name}]`, depth + 1));
  }
  return [...causes, ...combinationCauses(outer, part, path, depth + 1)];
}

/** `anyOf: [{type: integer}, {type: string}]` without a type of its own. */
function isIntOrStringPattern(schema: Schema): boolean {
  const types = Array.isArray(schema['anyOf'])
    ? schema['anyOf'].map((part) => (isRecord(part) ? part['type'] : undefined))
    : [];
  return schema['type'] === undefined && types.length === 2 && types[0] === 'integer' && types[1] === 'string';
}

/** What else a schema of a definition may not say: references, bad patterns, list types that do not fit, defaults that do not fit. */
export function validateSchemaKeywords(schema: Schema, path: string, depth = 0): readonly Cause[] {
  if (depth > maxDepth) return [];
  const { properties, items, additionalProperties: additional } = schema;
  const own = [...plainCauses(schema, path, depth), ...listTypeCauses(schema, path), ...defaultCauses(schema, path)];
  const inner = [
    ...Object.entries(isRecord(properties) ? properties : {}).map(
      ([name, child]) => [child, `${path}.properties[${name}]`] as const,
    ),
    [items, `${path}.items`] as const,
    [additional, `${path}.additionalProperties`] as const,
  ];
  return [
    ...own,
    ...inner.flatMap(([child, place]) => (isRecord(child) ? validateSchemaKeywords(child, place, depth + 1) : [])),
  ];
}

function plainCauses(schema: Schema, path: string, depth: number): readonly Cause[] {
  const causes: Cause[] = [];
  const { pattern } = schema;
  if (schema['$ref'] !== undefined) causes.push(forbidden(`${path}.$ref`, '$ref is not supported'));
  if (typeof pattern === 'string' && !compilePattern(pattern))
    causes.push(invalid(`${path}.pattern`, pattern, 'must be a valid regular expression'));
  if (schema['additionalProperties'] === false)
    causes.push(forbidden(`${path}.additionalProperties`, 'additionalProperties cannot be set to false'));
  else if (depth >= 0 && isRecord(schema['additionalProperties']) && isRecord(schema['properties'])) {
    causes.push(forbidden(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'));
  }
  const mapType = schema['x-kubernetes-map-type'];
  if (mapType !== undefined && mapType !== 'atomic' && mapType !== 'granular')
    causes.push(notSupported(`${path}.x-kubernetes-map-type`, mapType, ['atomic', 'granular']));
  return causes;
}

function listTypeCauses(schema: Schema, path: string): readonly Cause[] {
  const listType = schema['x-kubernetes-list-type'];
  if (listType === undefined) return [];
  if (listType !== 'atomic' && listType !== 'set' && listType !== 'map') {
    return [notSupported(`${path}.x-kubernetes-list-type`, listType, ['atomic', 'map', 'set'])];
  }
  return listType === 'map' ? mapListCauses(schema, path) : [];
}

function mapListCauses(schema: Schema, path: string): readonly Cause[] {
  const items = isRecord(schema['items']) ? schema['items'] : {};
  const keys = Array.isArray(schema['x-kubernetes-list-map-keys'])
    ? schema['x-kubernetes-list-map-keys'].map(String)
    : [];
  const causes: Cause[] = [];
  if (items['type'] !== 'object')
    causes.push(
      invalid(
        `${path}.items.type`,
        items['type'] ?? '',
        'must be object if parent array x-kubernetes-list-type is map',
      ),
    );
  if (keys.length === 0)
    causes.push(required(`${path}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map'));
  const properties = isRecord(items['properties']) ? items['properties'] : {};
  const needed = new Set(Array.isArray(items['required']) ? items['required'].map(String) : []);
  for (const key of keys) {
    const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
    const place = `${path}.items.properties[${key}]`;
    if (!isRecord(property)) {
      causes.push(invalid(`${path}.x-kubernetes-list-map-keys`, keys, 'entries must all be names of item properties'));
    } else if (property['type'] === 'object' || property['type'] === 'array') {
      causes.push(
        invalid(
          `${place}.type`,
          property['type'],
          'must be a scalar type if parent array x-kubernetes-list-type is map',
        ),
      );
    } else if (!needed.has(key) && property['default'] === undefined) {
      causes.push(
        required(
          `${place}.default`,
          'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
        ),
      );
    }
  }
  return causes;
}

function defaultCauses(schema: Schema, path: string): readonly Cause[] {
  const value = schema['default'];
  if (value === undefined || value === null) return [];
  const { removed } = pruneValue(value as Json, typeOfOpenApi(schema));
  if (removed.length > 0)
    return [invalid(`${path}.default`, value, `must not have unknown fields: ${removed.join(', ')}`)];
  return validateOpenApi(schema, value as Json).map((cause) => ({
    ...cause,
    field: cause.field === '<nil>' ? `${path}.default` : `${path}.default.${cause.field}`,
  }));
}
