import type { Json, JsonObject } from '@sluice/model';
import type { FieldSchema, TypeSchema } from '../kinds/kind.ts';

/** Named types that a schema refers to are asked for by name, so that the caller adds them to the document. */
export type Refer = (type: TypeSchema) => void;

/** The OpenAPI v3 form of a type; a named type becomes a reference. */
export function schemaOf(type: TypeSchema, refer: Refer): JsonObject {
  if (type.name !== undefined && type.fields) {
    refer(type);
    return { $ref: `#/components/schemas/${type.name}` };
  }
  return inlineSchemaOf(type, refer);
}

/** The OpenAPI v3 form of a type itself, also of a named one. */
export function inlineSchemaOf(type: TypeSchema, refer: Refer): JsonObject {
  switch (type.type) {
    case 'object':
      return objectSchema(type, refer);
    case 'list':
      return {
        type: 'array',
        items: type.items ? schemaOf(type.items, refer) : {},
        'x-kubernetes-list-type': type.listType ?? 'atomic',
        ...(type.listMapKeys ? { 'x-kubernetes-list-map-keys': type.listMapKeys } : {}),
      };
    case 'any':
      return type.rawWire === true ? { type: 'object' } : {};
    case 'int-or-string':
      return { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] };
    case 'quantity':
      return { oneOf: [{ type: 'string' }, { type: 'number' }] };
    case 'duration':
      return { type: 'integer', format: 'int64' };
    case 'string':
    case 'time':
    case 'micro-time':
    case 'bytes':
      return { type: 'string', ...(type.format ? { format: type.format } : {}) };
    case 'integer':
    case 'number':
    case 'boolean':
      return { type: type.type, ...(type.format ? { format: type.format } : {}) };
  }
}

function objectSchema(type: TypeSchema, refer: Refer): JsonObject {
  const fields = [...(type.fields?.values() ?? [])];
  const required = fields.filter((field) => field.required === true).map((field) => field.name);
  return {
    type: 'object',
    ...(type.description ? { description: type.description } : {}),
    ...(type.fields
      ? { properties: Object.fromEntries(fields.map((field) => [field.name, fieldSchema(field, refer)])) }
      : {}),
    ...(type.values ? { additionalProperties: schemaOf(type.values, refer) } : {}),
    ...(required.length > 0 ? { required } : {}),
    ...(type.atomic === true ? { 'x-kubernetes-map-type': 'atomic' } : {}),
    ...(type.preserveUnknownFields === true ? { 'x-kubernetes-preserve-unknown-fields': true } : {}),
  };
}

function fieldSchema(field: FieldSchema, refer: Refer): JsonObject {
  const schema = schemaOf(field.type, refer);
  const extra: { [key: string]: Json } = {
    ...(field.description ? { description: field.description } : {}),
    ...(field.default === undefined ? {} : { default: field.default }),
    ...(field.patchStrategy ? { 'x-kubernetes-patch-strategy': field.patchStrategy } : {}),
    ...(field.patchMergeKey ? { 'x-kubernetes-patch-merge-key': field.patchMergeKey } : {}),
  };
  if (Object.keys(extra).length === 0) return schema;
  return '$ref' in schema ? { allOf: [schema], ...extra } : { ...schema, ...extra };
}
