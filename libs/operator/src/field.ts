import type { JsonObject } from '@sluice/model';

/** Whether a field of a stored object is there: always, sometimes, or always because the server fills it in. */
export type Presence = 'required' | 'optional' | 'defaulted';

/** One field: its structural schema and, for the compiler only, the type of its value. Made by {@link field}. */
export type Field<T = unknown, P extends Presence = Presence> = {
  readonly schema: JsonObject;
  readonly presence: P;
  /** Never set: it carries the static type. */
  readonly type?: T;
};

/** Fields by name. */
export type Fields = Readonly<Record<string, Field>>;

type TypeOf<F> = F extends Field<infer T> ? T : never;
type NamesOf<F extends Fields, P extends Presence> = {
  [K in keyof F]: F[K] extends Field<unknown, P> ? K : never;
}[keyof F];

/** The type of a stored value with these fields: what the server fills in is there. */
export type ValuesOf<F extends Fields> = {
  readonly [K in NamesOf<F, 'required' | 'defaulted'>]: TypeOf<F[K]>;
} & { readonly [K in NamesOf<F, 'optional'>]?: TypeOf<F[K]> };

/** The type of a value as people write it: what has a default may be left out. */
export type InputOf<F extends Fields> = {
  readonly [K in NamesOf<F, 'required'>]: TypeOf<F[K]>;
} & { readonly [K in NamesOf<F, 'optional' | 'defaulted'>]?: TypeOf<F[K]> };

/** A CEL rule: `self` is the value, `oldSelf` what it was. */
export type Rule = {
  readonly rule: string;
  readonly message: string;
  /** What clients are told: FieldValueInvalid by default. */
  readonly reason?: 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueRequired' | 'FieldValueDuplicate';
  readonly fieldPath?: string;
};

type Common = { readonly rules?: readonly Rule[] };
type TextOptions = Common & {
  readonly default?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
};
type NumberOptions = Common & { readonly default?: number; readonly minimum?: number; readonly maximum?: number };
type ListOptions = Common & {
  readonly minItems?: number;
  readonly maxItems?: number;
  /** `set`: no value twice. A list of fields: objects told apart by these, so that several owners can each have their own. */
  readonly unique?: 'set' | readonly string[];
};

/** `defaulted` when the options have a default. */
type PresenceOf<O> = O extends { readonly default: unknown } ? 'defaulted' : 'required';

function made<T, P extends Presence>(schema: JsonObject, presence: P): Field<T, P> {
  return { schema, presence };
}

/** A schema of options: keywords as they are, rules as `x-kubernetes-validations`. */
function build<T, O extends Common & object>(
  type: JsonObject,
  description: string,
  options: O,
): Field<T, PresenceOf<O>> {
  const { rules, ...keywords } = options;
  const schema = { ...type, description, ...keywords, ...rulesOf(rules) } as JsonObject;
  return made<T, PresenceOf<O>>(schema, ('default' in options ? 'defaulted' : 'required') as PresenceOf<O>);
}

/** `x-kubernetes-validations`, when there are rules. */
export function rulesOf(rules: readonly Rule[] | undefined): JsonObject {
  return rules?.length ? { 'x-kubernetes-validations': rules.map((rule) => ({ ...rule })) } : {};
}

/** The schema of an object with these fields. */
export function objectSchema(fields: Fields): JsonObject {
  const required = Object.entries(fields)
    .filter(([, { presence }]) => presence === 'required')
    .map(([name]) => name);
  const properties = Object.fromEntries(Object.entries(fields).map(([name, { schema }]) => [name, schema]));
  return { type: 'object', properties, ...(required.length > 0 && { required }) };
}

/** Makers of fields. A field is required unless it has a default or is wrapped in `field.optional`. */
export const field = Object.freeze({
  text: <const O extends TextOptions = object>(description: string, options = {} as O) =>
    build<string, O>({ type: 'string' }, description, options),

  integer: <const O extends NumberOptions = object>(description: string, options = {} as O) =>
    build<number, O>({ type: 'integer', format: 'int64' }, description, options),

  number: <const O extends NumberOptions = object>(description: string, options = {} as O) =>
    build<number, O>({ type: 'number' }, description, options),

  boolean: <const O extends Common & { readonly default?: boolean } = object>(description: string, options = {} as O) =>
    build<boolean, O>({ type: 'boolean' }, description, options),

  /** One of some words. */
  oneOf: <const V extends string, const O extends Common & { readonly default?: NoInfer<V> } = object>(
    description: string,
    values: readonly V[],
    options = {} as O,
  ) => build<V, O>({ type: 'string', enum: values }, description, options),

  /** `1`, `500m`, `2Gi`. */
  quantity: <const O extends Common & { readonly default?: string } = object>(description: string, options = {} as O) =>
    build<string | number, O>(
      {
        anyOf: [{ type: 'integer' }, { type: 'string' }],
        'x-kubernetes-int-or-string': true,
        pattern: '^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?[0-9]+))?$',
      },
      description,
      options,
    ),

  /** `90s`, `1h30m`: read it with `parseDurationMs`. */
  duration: <const O extends Common & { readonly default?: string } = object>(description: string, options = {} as O) =>
    build<string, O>({ type: 'string', pattern: '^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$' }, description, options),

  /** RFC 3339. */
  time: (description: string) => build<string, object>({ type: 'string', format: 'date-time' }, description, {}),

  list: <T, const O extends ListOptions = object>(description: string, items: Field<T>, options = {} as O) => {
    const { unique, ...rest } = options as ListOptions;
    const listType =
      unique === undefined
        ? {}
        : unique === 'set'
          ? { 'x-kubernetes-list-type': 'set' }
          : { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': unique };
    return build<readonly T[], object>({ type: 'array', items: items.schema, ...listType }, description, rest);
  },

  /** Values of one kind by names that people choose. */
  map: <T>(description: string, values: Field<T>, options: Common = {}) =>
    build<Readonly<Record<string, T>>, object>(
      { type: 'object', additionalProperties: values.schema },
      description,
      options,
    ),

  object: <const F extends Fields>(description: string, fields: F, options: Common = {}) =>
    build<ValuesOf<F>, object>(objectSchema(fields), description, options),

  /** Any JSON object, kept as it is. */
  anything: (description: string) =>
    build<JsonObject, object>({ type: 'object', 'x-kubernetes-preserve-unknown-fields': true }, description, {}),

  /** The field may be missing. */
  optional: <T>(inner: Field<T>): Field<T, 'optional'> => made<T, 'optional'>(inner.schema, 'optional'),
});

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Milliseconds of a value of `field.duration`: `1h30m`. Throws a TypeError for text that is none. */
export function parseDurationMs(text: string): number {
  if (!/^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/.test(text)) {
    throw new TypeError(`${JSON.stringify(text)} is not a duration; write it like 90s or 1h30m`);
  }
  const parts = text.matchAll(/([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)/g);
  return [...parts].reduce((sum, [, amount, unit]) => sum + Number(amount) * (unitsMs[unit ?? ''] ?? 0), 0);
}
