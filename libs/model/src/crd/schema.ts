import type { Json } from '../kube-object.ts';

/** A structural OpenAPI v3 schema, as CustomResourceDefinitions hold it. */
export type Schema = { readonly [key: string]: Json };

type Properties = Readonly<Record<string, Schema>>;

/** Text; `rules` are further keywords such as pattern, minLength, default. */
export function text(description: string, rules: Schema = {}): Schema {
  return { type: 'string', description, ...rules };
}

/** One of some words. */
export function oneOf(description: string, values: readonly string[], rules: Schema = {}): Schema {
  return text(description, { enum: values, ...rules });
}

export function flag(description: string, rules: Schema = {}): Schema {
  return { type: 'boolean', description, ...rules };
}

export function whole(description: string, rules: Schema = {}): Schema {
  return { type: 'integer', format: 'int64', description, ...rules };
}

export function timestamp(description: string): Schema {
  return text(description, { format: 'date-time' });
}

/** A Go duration without days, such as 5m or 1m30s. */
export function duration(description: string, rules: Schema = {}): Schema {
  return text(description, { pattern: '^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$', ...rules });
}

/** Name of an object in the cluster. */
export function objectName(description: string): Schema {
  return text(description, { minLength: 1, maxLength: 253 });
}

/** Name of a namespace. */
export function namespaceName(description: string): Schema {
  return text(description, { minLength: 1, maxLength: 63 });
}

export function list(description: string, items: Schema, rules: Schema = {}): Schema {
  return { type: 'array', description, items, ...rules };
}

/** Text by text, such as labels. */
export function textMap(description: string): Schema {
  return { type: 'object', description, additionalProperties: { type: 'string' } };
}

/** An object with exactly these properties. */
export function object(
  description: string,
  properties: Properties,
  required: readonly string[] = [],
  rules: Schema = {},
): Schema {
  return { type: 'object', description, properties, ...(required.length > 0 && { required }), ...rules };
}

/** An object of any shape, kept as it is. */
export function anything(description: string): Schema {
  return { type: 'object', description, 'x-kubernetes-preserve-unknown-fields': true };
}

/** A reference to an object of a known kind in the same namespace. */
export function localReference(description: string): Schema {
  return object(description, { name: objectName('Name of the object.') }, ['name']);
}

/** `status.conditions`. */
export function conditions(rules: Schema = {}): Schema {
  const condition = object(
    'One condition.',
    {
      type: text('What the condition is about.', { maxLength: 316 }),
      status: oneOf('Whether it holds.', ['True', 'False', 'Unknown']),
      reason: text('Why, in one UpperCamelCase word.', { minLength: 1, maxLength: 1_024 }),
      message: text('Why, for people.', { maxLength: 32_768 }),
      lastTransitionTime: timestamp('When the status last changed.'),
      observedGeneration: whole('Generation of the spec that this is about.', { minimum: 0 }),
    },
    ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
  );
  return list('What is known about the present state.', condition, rules);
}
