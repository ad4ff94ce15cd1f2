import type { Json } from '@sluice/model';
import type { FieldSchema, ListType, PatchStrategy, ScalarType, TypeSchema } from './kind.ts';

/*
 * The notation of the kind table: one type a line.
 *
 *   Name = field field ...           `atomic Name = ...`: owned and replaced as a whole; `kind Name = ...`: also has apiVersion and kind
 *   field = name flags:number:type   type is `s` (string) when left out; flags: `?` pointer, `!` required
 *         | *Name:number             the fields of Name, one level up in JSON, nested in field `number` on the wire
 *   type  = s i32 i64 f64 bool ios q time micro dur bytes raw any | Name | [type] list | {type} map | <type> list wrapped in a message
 *   after the type: ~key strategic merge by key, also the server-side apply key; @a,b server-side apply keys (`@` alone: atomic, also for maps);
 *   ^ merged by value and a set; & a set in server-side apply only; % retainKeys; =json default
 */

type Draft = { -readonly [Key in keyof TypeSchema]: TypeSchema[Key] };

const scalars: Readonly<Record<string, { readonly type: ScalarType | 'any'; readonly format?: string }>> = {
  s: { type: 'string' },
  i32: { type: 'integer', format: 'int32' },
  i64: { type: 'integer', format: 'int64' },
  f64: { type: 'number', format: 'double' },
  bool: { type: 'boolean' },
  ios: { type: 'int-or-string', format: 'int-or-string' },
  q: { type: 'quantity' },
  time: { type: 'time', format: 'date-time' },
  micro: { type: 'micro-time', format: 'date-time' },
  dur: { type: 'duration' },
  bytes: { type: 'bytes', format: 'byte' },
};

const fieldPattern =
  /^(?<name>[A-Za-z$0-9-]+)(?<flags>[?!]*)(?::(?<number>\d+))?(?::(?<type>[A-Za-z0-9[\]{}<>]+))?(?<attributes>[~@^&%=].*)?$/u;

/** Types of one package in the notation above; `prefix` is the package in OpenAPI names (`io.k8s.api.core.v1`). */
export type TypeText = { readonly prefix: string; readonly text: string };

/** Reads all packages at once, so that types may name each other. A bare name means a type of the same package, else the first that has it. */
export function readTypes(packages: readonly TypeText[]): ReadonlyMap<string, TypeSchema> {
  const reader = new TypeReader();
  const lines = packages.flatMap(({ prefix, text }) => typeLines(text).map((line) => ({ prefix, line })));
  for (const { prefix, line } of lines) reader.declare(prefix, line);
  for (const { prefix, line } of lines) reader.define(prefix, line);
  return reader.types;
}

function typeLines(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

function head(line: string): { readonly modifier: string; readonly name: string; readonly body: string } {
  const [left = '', body = ''] = line.split(' = ', 2).map((part) => part.trim());
  const words = left.replace(/ =$/u, '').split(' ');
  return { modifier: words.length > 1 ? (words[0] ?? '') : '', name: words.at(-1) ?? '', body };
}

class TypeReader {
  readonly types = new Map<string, Draft>();
  readonly #byName = new Map<string, Draft[]>();
  readonly #bodies = new Map<Draft, string>();

  declare(prefix: string, line: string): void {
    const { name, body } = head(line);
    const full = `${prefix}.${name}`;
    if (this.types.has(full)) throw new Error(`the kind table has type ${full} twice`);
    const draft: Draft = { type: 'object', name: full };
    this.types.set(full, draft);
    this.#byName.set(name, [...(this.#byName.get(name) ?? []), draft]);
    this.#bodies.set(draft, body);
  }

  define(prefix: string, line: string): void {
    const { modifier, name, body } = head(line);
    const draft = this.#named(prefix, name);
    if (modifier === 'atomic') draft.atomic = true;
    const fields = new Map<string, FieldSchema>();
    if (modifier === 'kind') {
      fields.set('apiVersion', { name: 'apiVersion', type: { type: 'string' } });
      fields.set('kind', { name: 'kind', type: { type: 'string' } });
    }
    for (const token of body.split(/\s+/u)) {
      if (token !== '') for (const field of this.#fieldsOf(prefix, token)) fields.set(field.name, field);
    }
    draft.fields = fields;
  }

  #named(prefix: string, name: string): Draft {
    const own = this.types.get(`${prefix}.${name}`) ?? this.#byName.get(name)?.[0];
    if (own === undefined) throw new Error(`the kind table has no type ${name}, named in ${prefix}`);
    return own;
  }

  #fieldsOf(prefix: string, token: string): readonly FieldSchema[] {
    if (token.startsWith('*')) {
      const [name = '', number = ''] = token.slice(1).split(':');
      const body = this.#bodies.get(this.#named(prefix, name)) ?? '';
      const inner = body.split(/\s+/u).filter((part) => part !== '');
      return inner.flatMap((part) => this.#fieldsOf(prefix, part)).map((field) => ({ ...field, via: Number(number) }));
    }
    const groups = fieldPattern.exec(token)?.groups;
    if (groups === undefined) throw new Error(`the kind table has a field that cannot be read: ${token}`);
    const { name = '', flags = '', number, type = 's', attributes = '' } = groups;
    const read = readAttributes(attributes);
    const base = this.#typeOf(prefix, type);
    return [
      {
        name,
        type: withListType(base, read),
        ...(number ? { number: Number(number) } : {}),
        ...(flags.includes('?') ? { pointer: true } : {}),
        ...(flags.includes('!') ? { required: true } : {}),
        ...(read.default === undefined ? {} : { default: read.default }),
        ...(read.strategy ? { patchStrategy: read.strategy } : {}),
        ...(read.mergeKey ? { patchMergeKey: read.mergeKey } : {}),
      },
    ];
  }

  #typeOf(prefix: string, text: string): TypeSchema {
    const inner = text.slice(1, -1);
    if (text.startsWith('[')) return { type: 'list', items: this.#typeOf(prefix, inner), listType: 'atomic' };
    if (text.startsWith('<'))
      return { type: 'list', items: this.#typeOf(prefix, inner), listType: 'atomic', wrapped: true };
    if (text.startsWith('{')) return { type: 'object', values: this.#typeOf(prefix, inner) };
    if (text === 'any') return { type: 'any', preserveUnknownFields: true };
    if (text === 'raw') return { type: 'any', rawWire: true, preserveUnknownFields: true, atomic: true };
    if (text === 'fieldsV1') return { type: 'any', rawWire: true, preserveUnknownFields: true, atomic: true };
    return scalars[text] ?? this.#named(prefix, text);
  }
}

/** `@` on a map makes the map atomic. */
function withListType(base: TypeSchema, read: Attributes): TypeSchema {
  if (!read.listType) return base;
  if (base.type === 'object') return { ...base, atomic: true };
  return { ...base, listType: read.listType, ...(read.keys ? { listMapKeys: read.keys } : {}) };
}

type Attributes = {
  readonly strategy?: PatchStrategy;
  readonly mergeKey?: string;
  readonly listType?: ListType;
  readonly keys?: readonly string[];
  readonly default?: Json;
};

function readAttributes(text: string): Attributes {
  const at = text.indexOf('=');
  const marks = at < 0 ? text : text.slice(0, at);
  const value = at < 0 ? {} : { default: JSON.parse(text.slice(at + 1)) as Json };
  const retain = marks.includes('%');
  const mergeKey = /~([A-Za-z]+)/u.exec(marks)?.[1];
  const keys = /@([A-Za-z,]*)/u.exec(marks)?.[1];
  const merges = mergeKey !== undefined || marks.includes('^');
  const strategy: PatchStrategy | undefined = merges
    ? retain
      ? 'merge,retainKeys'
      : 'merge'
    : retain
      ? 'retainKeys'
      : undefined;
  const patch: Attributes = { ...(strategy ? { strategy } : {}), ...(mergeKey ? { mergeKey } : {}), ...value };
  if (marks.includes('^') || marks.includes('&')) return { ...patch, listType: 'set' };
  if (keys !== undefined) {
    return keys === '' ? { ...patch, listType: 'atomic' } : { ...patch, listType: 'map', keys: keys.split(',') };
  }
  return mergeKey ? { ...patch, listType: 'map', keys: [mergeKey] } : patch;
}
