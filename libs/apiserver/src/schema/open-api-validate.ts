import type { Json } from '@sluice/model';
import type { Cause } from '../kinds/kind.ts';
import { isRecord } from '../kinds/object-access.ts';
import { isList, isObject, type MutableObject, sameJson } from '../patch/json-value.ts';
import { duplicate, invalid, notSupported, required, shown, tooLong, tooMany, typeInvalid } from './cause.ts';
import { formats } from '@sluice/expr';
import { compilePattern } from '@sluice/expr';

type Schema = Readonly<Record<string, unknown>>;

/** More problems than this are not looked for. */
const maxCauses = 100;

/** Checks a value against the OpenAPI v3 schema of a custom kind, without list types and CEL rules. */
export function validateOpenApi(schema: Schema, value: Json, path = ''): readonly Cause[] {
  const causes = validateAt(schema, value, path).map((cause) =>
    cause.field === '' ? { ...cause, field: '<nil>' } : cause,
  );
  return causes.length > maxCauses ? causes.slice(0, maxCauses) : causes;
}

function validateAt(schema: Schema, value: Json, path: string): readonly Cause[] {
  if (value === null) return nullCauses(schema, path);
  return [
    ...typeCauses(schema, value, path),
    ...combinationCauses(schema, value, path),
    ...(typeof value === 'string' ? stringCauses(schema, value, path) : []),
    ...(typeof value === 'number' ? numberCauses(schema, value, path) : []),
    ...(isList(value) ? listCauses(schema, value, path) : []),
    ...enumCauses(schema, value, path),
    ...(isObject(value) ? objectCauses(schema, value, path) : []),
  ];
}

function typeText(schema: Schema): string {
  if (schema['x-kubernetes-int-or-string'] === true) return 'integer,string';
  return typeof schema['type'] === 'string' ? schema['type'] : '';
}

function nullCauses(schema: Schema, path: string): readonly Cause[] {
  const type = typeText(schema);
  if (schema['nullable'] === true) return [];
  return type === '' ? [] : [typeInvalid(path, 'null', `${path} in body must be of type ${type}: "null"`)];
}

function jsonType(value: Json): string {
  if (isList(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function typeCauses(schema: Schema, value: Json, path: string): readonly Cause[] {
  const wanted = typeText(schema);
  const actual = jsonType(value);
  const fits =
    wanted === '' || wanted.split(',').some((type) => type === actual || (type === 'number' && actual === 'integer'));
  return fits
    ? []
    : [typeInvalid(path, actual, `${path} in body must be of type ${wanted}: ${JSON.stringify(actual)}`)];
}

const numberOf = (schema: Schema, name: string): number | undefined => {
  const value = schema[name];
  return typeof value === 'number' ? value : undefined;
};

function stringCauses(schema: Schema, value: string, path: string): readonly Cause[] {
  const causes: Cause[] = [];
  const length = Array.from(value).length;
  const maxLength = numberOf(schema, 'maxLength');
  const minLength = numberOf(schema, 'minLength');
  if (maxLength !== undefined && length > maxLength) causes.push(tooLong(path, maxLength));
  if (minLength !== undefined && length < minLength)
    causes.push(invalid(path, value, `${path} in body should be at least ${minLength} chars long`));
  const { pattern, format } = schema;
  if (typeof pattern === 'string' && pattern !== '' && compilePattern(pattern)?.(value) === false) {
    causes.push(invalid(path, value, `${path} in body should match '${pattern}'`));
  }
  const check = typeof format === 'string' && Object.hasOwn(formats, format) ? formats[format] : undefined;
  if (check && !check(value))
    causes.push(
      typeInvalid(path, value, `${path} in body must be of type ${String(format)}: ${JSON.stringify(value)}`),
    );
  return causes;
}

function numberCauses(schema: Schema, value: number, path: string): readonly Cause[] {
  const causes: Cause[] = [];
  const fail = (detail: string) => causes.push(invalid(path, value, `${path} in body should be ${detail}`));
  const multipleOf = numberOf(schema, 'multipleOf');
  if (multipleOf !== undefined && multipleOf > 0 && !isMultiple(value, multipleOf)) fail(`a multiple of ${multipleOf}`);
  const maximum = numberOf(schema, 'maximum');
  if (maximum !== undefined) {
    if (schema['exclusiveMaximum'] === true && value >= maximum) fail(`less than ${maximum}`);
    else if (value > maximum) fail(`less than or equal to ${maximum}`);
  }
  const minimum = numberOf(schema, 'minimum');
  if (minimum !== undefined) {
    if (schema['exclusiveMinimum'] === true && value <= minimum) fail(`greater than ${minimum}`);
    else if (value < minimum) fail(`greater than or equal to ${minimum}`);
  }
  return causes;
}

function isMultiple(value: number, factor: number): boolean {
  const quotient = value / factor;
  return Math.abs(quotient - Math.round(quotient)) < 1e-9;
}

function listCauses(schema: Schema, value: readonly Json[], path: string): readonly Cause[] {
  const causes: Cause[] = [];
  const items = schema['items'];
  if (isRecord(items))
    for (const [index, item] of value.entries()) causes.push(...validateAt(items, item, `${path}[${index}]`));
  const minItems = numberOf(schema, 'minItems');
  const maxItems = numberOf(schema, 'maxItems');
  if (minItems !== undefined && value.length < minItems)
    causes.push(invalid(path, value.length, `${path} in body should have at least ${minItems} items`));
  if (maxItems !== undefined && value.length > maxItems) causes.push(tooMany(path, value.length, maxItems));
  if (schema['uniqueItems'] === true && new Set(value.map(shown)).size < value.length) {
    causes.push(invalid(path, '', `${path} in body shouldn't contain duplicates`));
  }
  return causes;
}

function enumCauses(schema: Schema, value: Json, path: string): readonly Cause[] {
  const allowed = schema['enum'];
  if (!Array.isArray(allowed) || allowed.some((item) => sameJson(item as Json, value))) return [];
  return [
    notSupported(
      path,
      value,
      allowed.map((item) => (typeof item === 'string' ? item : JSON.stringify(item))),
    ),
  ];
}

function objectCauses(schema: Schema, value: MutableObject, path: string): readonly Cause[] {
  const causes: Cause[] = [];
  const names = Object.keys(value);
  const minProperties = numberOf(schema, 'minProperties');
  const maxProperties = numberOf(schema, 'maxProperties');
  if (minProperties !== undefined && names.length < minProperties)
    causes.push(invalid(path, names.length, `${path} in body should have at least ${minProperties} properties`));
  if (maxProperties !== undefined && names.length > maxProperties)
    causes.push(tooMany(path, names.length, maxProperties));
  const needed = Array.isArray(schema['required']) ? schema['required'].map(String) : [];
  for (const name of needed) if (!Object.hasOwn(value, name)) causes.push(required(below(path, name)));
  const properties = isRecord(schema['properties']) ? schema['properties'] : {};
  const additional = schema['additionalProperties'];
  for (const name of names) {
    const declared = Object.hasOwn(properties, name) ? properties[name] : additional;
    if (isRecord(declared)) causes.push(...validateAt(declared, value[name] ?? null, below(path, name)));
    else if (declared === false)
      causes.push(invalid(below(path, name), '', `${below(path, name)} in body is a forbidden property`));
  }
  return causes;
}

function below(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

const schemasIn = (schema: Schema, name: string): readonly Schema[] => {
  const value = schema[name];
  return Array.isArray(value) ? (value as readonly unknown[]).filter(isRecord) : [];
};

function combinationCauses(schema: Schema, value: Json, path: string): readonly Cause[] {
  const causes: Cause[] = [];
  const holds = (part: Schema) => validateAt(part, value, path).length === 0;
  const fail = (detail: string) => causes.push(invalid('', '', `"${path}" ${detail}`));
  const anyOf = schemasIn(schema, 'anyOf');
  if (anyOf.length > 0 && !anyOf.some(holds)) {
    fail('must validate at least one schema (anyOf)');
    causes.push(...bestMatch(anyOf, value, path));
  }
  const oneOf = schemasIn(schema, 'oneOf');
  const found = oneOf.filter(holds).length;
  if (oneOf.length > 0 && found === 0) {
    fail('must validate one and only one schema (oneOf). Found none valid');
    causes.push(...bestMatch(oneOf, value, path));
  } else if (found > 1) fail(`must validate one and only one schema (oneOf). Found ${found} valid alternatives`);
  const allOf = schemasIn(schema, 'allOf');
  const broken = allOf.flatMap((part) => validateAt(part, value, path));
  if (broken.length > 0) {
    causes.push(...broken);
    const some = allOf.some(holds);
    fail(some ? 'must validate all the schemas (allOf)' : 'must validate all the schemas (allOf). None validated');
  }
  const { not } = schema;
  if (isRecord(not) && holds(not)) fail('must not validate the schema (not)');
  return causes;
}

/** The problems of the alternative with the fewest. */
function bestMatch(alternatives: readonly Schema[], value: Json, path: string): readonly Cause[] {
  const all = alternatives.map((part) => ({ part, causes: validateAt(part, value, path) }));
  const [first, ...others] = all;
  const best = others.reduce((one, other) => (other.causes.length < (one?.causes.length ?? 0) ? other : one), first);
  if (!best) return [];
  const isFraction = best.part['type'] === 'integer' && typeof value === 'number' && !Number.isInteger(value);
  const checked = invalid('', '', `Checked value must be of type integer (default format) in ${path}`);
  return isFraction ? [...best.causes, checked] : best.causes;
}

/** Checks x-kubernetes-list-type: items of sets and maps must be unique. */
export function validateLists(schema: Schema, value: Json, path = ''): readonly Cause[] {
  if (isList(value)) return [...uniqueCauses(schema, value, path), ...itemListCauses(schema, value, path)];
  if (!isObject(value)) return [];
  const properties = isRecord(schema['properties']) ? schema['properties'] : {};
  return Object.keys(value).flatMap((name) => {
    const declared = Object.hasOwn(properties, name) ? properties[name] : undefined;
    const inner = declared ?? schema['additionalProperties'];
    const place = declared === undefined ? `${path}[${name}]` : below(path, name);
    return isRecord(inner) ? validateLists(inner, value[name] ?? null, place) : [];
  });
}

function itemListCauses(schema: Schema, value: readonly Json[], path: string): readonly Cause[] {
  const items = schema['items'];
  if (!isRecord(items)) return [];
  return value.flatMap((item, index) => validateLists(items, item, `${path}[${index}]`));
}

function uniqueCauses(schema: Schema, value: readonly Json[], path: string): readonly Cause[] {
  const listType = schema['x-kubernetes-list-type'];
  if (listType !== 'set' && listType !== 'map') return [];
  const keys = Array.isArray(schema['x-kubernetes-list-map-keys'])
    ? schema['x-kubernetes-list-map-keys'].map(String)
    : [];
  const seen = new Map<string, number>();
  const causes: Cause[] = [];
  for (const [index, item] of value.entries()) {
    if (listType === 'map' && item !== null && !isObject(item)) {
      causes.push(invalid(`${path}[${index}]`, item, 'must be an object for an array of list-type map'));
      continue;
    }
    const identity = listType === 'set' ? item : keyValues(item, keys);
    const text = shown(identity);
    const count = seen.get(text) ?? 0;
    if (count === 1) causes.push(duplicate(`${path}[${index}]`, identity));
    seen.set(text, count + 1);
  }
  return causes;
}

function keyValues(item: Json, keys: readonly string[]): Json {
  if (item === null) return {};
  if (!isObject(item)) return item;
  return Object.fromEntries(keys.filter((key) => Object.hasOwn(item, key)).map((key) => [key, item[key] ?? null]));
}
