import { Ajv, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** A JSON schema as OpenAPI 3.0 writes it. */
export type Schema = { readonly [key: string]: unknown };

type Operation = {
  readonly parameters?: readonly Schema[];
  readonly requestBody?: Schema;
  readonly responses: Readonly<Record<string, Schema>>;
};
type Description = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
};

/** GitHub's own description of its API: checks what is said in both directions. Schemas are compiled when first used. */
export type ApiDescription = {
  /** Problems of a request; empty when it fits. */
  checkRequest(operation: OperationName, query: URLSearchParams, body: unknown): readonly string[];
  checkResponse(operation: OperationName, status: number, body: unknown): readonly string[];
  checkWebhook(schema: string, payload: unknown): readonly string[];
  /** The smallest value that fits a schema, with `fields` put over it. */
  build(schema: string, fields: Readonly<Record<string, unknown>>): Record<string, unknown>;
};

/** A method and a path template of the description: `get /repos/{owner}/{repo}/pulls`. */
export type OperationName = string;

let loaded: Description | undefined;

/** Read the description of api.github.com (13 MB, once a process). */
export function loadDescription(): ApiDescription {
  loaded ??= JSON.parse(readFileSync(descriptionFile(), 'utf8')) as Description;
  const spec = loaded;
  const ajv = new Ajv({ strict: false, allErrors: true, logger: false });
  formats.default(ajv);
  const compiled = new Map<string, ValidateFunction>();
  const check = (key: string, schema: () => Schema | undefined, value: unknown): string[] => {
    let validate = compiled.get(key);
    if (!validate) {
      const found = schema();
      if (!found) return [`${key}: not in the description`];
      validate = ajv.compile(selfContained(spec, found));
      compiled.set(key, validate);
    }
    if (validate(value)) return [];
    return (validate.errors ?? []).slice(0, 5).map((error) => `${key}: ${error.instancePath} ${error.message}`);
  };
  return {
    checkRequest: (name, query, body) => [
      ...checkQuery(spec, name, query),
      ...(body === undefined ? [] : check(`${name} request`, () => requestSchema(spec, name), body)),
    ],
    checkResponse(name, status, body) {
      if (status === 204) return [];
      return check(`${name} ${status}`, () => responseSchema(spec, name, status), body);
    },
    checkWebhook: (schema, payload) => check(`webhook ${schema}`, () => spec.components.schemas[schema], payload),
    build: (schema, fields) => ({ ...(smallest(spec, reference(schema)) as Record<string, unknown>), ...fields }),
  };
}

function descriptionFile(): string {
  return createRequire(import.meta.url).resolve('@octokit/openapi/generated/api.github.com.json');
}

function reference(schema: string): Schema {
  return { $ref: `#/components/schemas/${schema}` };
}

function operationOf(spec: Description, name: OperationName): Operation {
  const [method = '', path = ''] = name.split(' ');
  const operation = spec.paths[path]?.[method];
  if (!operation) throw new Error(`GitHub's description has no ${name}`);
  return operation;
}

function requestSchema(spec: Description, name: OperationName): Schema | undefined {
  return jsonContent(spec, operationOf(spec, name).requestBody);
}

/** Errors that the description leaves out (401, 403, 5xx of many operations) have the basic form. */
function responseSchema(spec: Description, name: OperationName, status: number): Schema | undefined {
  const described = jsonContent(spec, operationOf(spec, name).responses[String(status)]);
  return described ?? (status >= 400 ? reference('basic-error') : undefined);
}

function jsonContent(spec: Description, holder: Schema | undefined): Schema | undefined {
  const content = holder && (resolve(spec, holder)['content'] as Record<string, { schema?: Schema }> | undefined);
  return content?.['application/json']?.schema;
}

function checkQuery(spec: Description, name: OperationName, query: URLSearchParams): string[] {
  const parameters = (operationOf(spec, name).parameters ?? []).map((parameter) => resolve(spec, parameter));
  const known = new Map(parameters.filter((item) => item['in'] === 'query').map((item) => [item['name'], item]));
  return [...query].flatMap(([key, value]) => {
    const schema = known.get(key)?.['schema'] as { enum?: unknown[]; type?: string } | undefined;
    if (!schema) return [`${name}: query ${key} is not described`];
    if (schema.enum && !schema.enum.includes(value))
      return [`${name}: query ${key}=${value} is not one of ${schema.enum.join()}`];
    return schema.type === 'integer' && !/^\d+$/.test(value) ? [`${name}: query ${key}=${value} is not a number`] : [];
  });
}

function resolve(spec: Description, schema: Schema): Schema {
  let found: Schema = schema;
  while (typeof found['$ref'] === 'string') {
    const parts = found['$ref'].slice(2).split('/');
    found = parts.reduce<Schema>((at, part) => at[part] as Schema, spec as unknown as Schema);
  }
  return found;
}

/** The schema with all that it refers to, in the words of JSON Schema: `nullable` becomes a choice. */
function selfContained(spec: Description, root: Schema): Schema {
  const schemas: Record<string, unknown> = {};
  const translate = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(translate);
    if (typeof value !== 'object' || value === null) return value;
    const record = value as Schema;
    const name = /^#\/components\/schemas\/(.+)$/.exec(typeof record['$ref'] === 'string' ? record['$ref'] : '')?.[1];
    if (name !== undefined && !(name in schemas)) {
      schemas[name] = true;
      schemas[name] = translate(spec.components.schemas[name]);
    }
    const { nullable, ...rest } = record;
    const translated = Object.fromEntries(Object.entries(rest).map(([key, inner]) => [key, translate(inner)]));
    return nullable === true ? { anyOf: [{ type: 'null' }, translated] } : translated;
  };
  return { ...(translate(root) as Schema), components: { schemas } };
}

const samples: Readonly<Record<string, string>> = {
  'date-time': '2026-01-01T00:00:00Z',
  date: '2026-01-01',
  uri: 'https://github.test/',
  email: 'nobody@github.test',
};

/** The smallest value that fits: required fields only, null where that is allowed. */
function smallest(spec: Description, given: Schema): unknown {
  const schema = resolve(spec, given);
  if (schema['nullable'] === true) return null;
  const [choice] = (schema['oneOf'] ?? schema['anyOf'] ?? []) as Schema[];
  const parts = (schema['allOf'] ?? []) as Schema[];
  if (parts.length > 0) return Object.assign({}, ...parts.map((part) => smallest(spec, part) as object)) as unknown;
  const values = schema['enum'] as unknown[] | undefined;
  if (values) return values.find((value) => value !== null);
  switch (schema['type']) {
    case 'string':
      return samples[String(schema['format'])] ?? 'x';
    case 'integer':
    case 'number':
      return (schema['minimum'] as number | undefined) ?? 1;
    case 'boolean':
      return false;
    case 'array':
      return [];
    case 'object':
      return smallestObject(spec, schema, choice);
    default:
      return choice ? smallest(spec, choice) : smallestObject(spec, schema, undefined);
  }
}

function smallestObject(spec: Description, schema: Schema, choice: Schema | undefined): Record<string, unknown> {
  const properties = (schema['properties'] ?? {}) as Record<string, Schema>;
  const required = [...((schema['required'] ?? []) as string[]), ...((choice?.['required'] ?? []) as string[])];
  return Object.fromEntries(required.map((name) => [name, smallest(spec, properties[name] ?? {})]));
}
