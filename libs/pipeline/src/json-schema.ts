import type { JsonObject } from '@sluice/model';
import type { Field, Shape } from './shape.ts';

/** What a field is for, by its path: `spec.steps[].name`, `spec.env.*`. */
export type SchemaWords = Readonly<Record<string, string>>;

/**
 * The shape as a JSON Schema (draft 2020-12) for editors. It takes everything that is right and shows most of what is not;
 * rules that go across fields and the forms of names are for `sluice lint`. Pure.
 */
export function toJsonSchema(shape: Shape, words: SchemaWords = {}): JsonObject {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Sluice pipeline',
    ...schemaOf(shape, '', words),
  };
}

function schemaOf(shape: Shape, path: string, words: SchemaWords): JsonObject {
  const description = words[path];
  return { ...(description === undefined ? {} : { description }), ...typeOf(shape, path, words) };
}

function typeOf(shape: Shape, path: string, words: SchemaWords): JsonObject {
  switch (shape.type) {
    case 'map':
      return mapOf(shape, path, words);
    case 'list':
      return {
        type: 'array',
        items: schemaOf(shape.of, `${path}[]`, words),
        maxItems: shape.max,
        ...(shape.min === undefined ? {} : { minItems: shape.min }),
      };
    case 'dictionary':
      return {
        type: 'object',
        additionalProperties: schemaOf(shape.of, `${path}.*`, words),
        maxProperties: shape.max,
      };
    case 'text':
      return { type: 'string', maxLength: shape.maxLength };
    case 'scalar':
      return { type: ['string', 'number', 'boolean'], maxLength: shape.maxLength };
    case 'integer':
      return { type: 'integer', minimum: shape.min, maximum: shape.max };
    case 'duration':
      return { type: ['string', 'number'] };
    case 'json':
      return {};
    default:
      return shape satisfies never;
  }
}

function mapOf(shape: Extract<Shape, { type: 'map' }>, path: string, words: SchemaWords): JsonObject {
  const fields = Object.entries<Field>(shape.fields);
  const properties = fields.map(([name, field]): [string, JsonObject] => {
    return [name, schemaOf(field.shape, path === '' ? name : `${path}.${name}`, words)];
  });
  const required = fields.filter(([, field]) => field.required).map(([name]) => name);
  return {
    type: shape.mayBeEmpty ? ['object', 'null'] : 'object',
    properties: Object.fromEntries(properties),
    additionalProperties: false,
    ...(required.length > 0 ? { required } : {}),
    ...(shape.exactlyOne ? { oneOf: shape.exactlyOne.map((name) => ({ required: [name] })) } : {}),
  };
}
