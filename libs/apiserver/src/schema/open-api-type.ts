import type { Json, JsonObject } from '@sluice/model';
import { objectMetaType } from '../kinds/builtin-types.ts';
import type { FieldSchema, ListType, TypeSchema } from '../kinds/kind.ts';
import { isRecord } from '../kinds/object-access.ts';

const scalarTypes = ['string', 'integer', 'number', 'boolean'] as const;

/** The type of an OpenAPI v3 schema of a CustomResourceDefinition. `null` and booleans stand for a schema without any fields. */
export function typeOfOpenApi(schema: unknown): TypeSchema {
  if (!isRecord(schema)) return { type: 'any' };
  const { properties, additionalProperties, items } = schema;
  const fields = isRecord(properties) ? fieldsOf(properties, schema['required']) : undefined;
  const listType = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'];
  const hasValues = isRecord(additionalProperties) || additionalProperties === true;
  return {
    type: baseType(schema),
    ...(typeof schema['format'] === 'string' ? { format: schema['format'] } : {}),
    ...(fields ? { fields } : {}),
    ...(hasValues ? { values: typeOfOpenApi(additionalProperties) } : {}),
    ...(isRecord(items) ? { items: typeOfOpenApi(items) } : {}),
    ...(schema['x-kubernetes-map-type'] === 'atomic' ? { atomic: true } : {}),
    ...(isListType(listType) ? { listType } : {}),
    ...(Array.isArray(keys) ? { listMapKeys: keys.map(String) } : {}),
    ...(schema['x-kubernetes-preserve-unknown-fields'] === true ? { preserveUnknownFields: true } : {}),
    ...(schema['x-kubernetes-embedded-resource'] === true ? { embeddedResource: true } : {}),
    ...(schema['nullable'] === true ? { nullable: true } : {}),
    ...(schema['default'] === undefined || schema['default'] === null ? {} : { default: schema['default'] as Json }),
    ...(typeof schema['description'] === 'string' ? { description: schema['description'] } : {}),
    openApi: schema as JsonObject,
  };
}

const rootFields: readonly FieldSchema[] = [
  { name: 'apiVersion', type: { type: 'string' } },
  { name: 'kind', type: { type: 'string' } },
  { name: 'metadata', type: objectMetaType },
];

/** The type of a whole custom object: its schema with apiVersion, kind and metadata. */
export function rootTypeOf(schema: unknown): TypeSchema {
  const type = typeOfOpenApi(schema);
  const fields = new Map([...(type.fields ?? []), ...rootFields.map((field) => [field.name, field] as const)]);
  return { ...type, type: 'object', fields };
}

function baseType(schema: Readonly<Record<string, unknown>>): TypeSchema['type'] {
  if (schema['x-kubernetes-int-or-string'] === true) return 'int-or-string';
  const { type } = schema;
  const scalar = scalarTypes.find((name) => name === type);
  if (scalar) return scalar;
  if (type === 'array') return 'list';
  return type === 'object' ? 'object' : 'any';
}

function isListType(value: unknown): value is ListType {
  return value === 'atomic' || value === 'set' || value === 'map';
}

function fieldsOf(properties: Readonly<Record<string, unknown>>, required: unknown): ReadonlyMap<string, FieldSchema> {
  const needed = new Set(Array.isArray(required) ? required : []);
  return new Map(
    Object.entries(properties).map(([name, schema]) => {
      const type = typeOfOpenApi(schema);
      const field: FieldSchema = {
        name,
        type,
        ...(needed.has(name) ? { required: true } : {}),
        ...(type.default === undefined ? {} : { default: type.default }),
      };
      return [name, field];
    }),
  );
}
