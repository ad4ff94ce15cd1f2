/** A type of CEL. Parameters (`T`) occur in signatures only. */
export type CelType =
  | { readonly kind: 'simple'; readonly name: string }
  | { readonly kind: 'list'; readonly item: CelType }
  | { readonly kind: 'map'; readonly key: CelType; readonly value: CelType }
  | { readonly kind: 'optional'; readonly value: CelType }
  | { readonly kind: 'type'; readonly of: CelType }
  | { readonly kind: 'object'; readonly name: string; readonly fields: ReadonlyMap<string, CelType> }
  | { readonly kind: 'param'; readonly name: string };

const simple = (name: string): CelType => ({ kind: 'simple', name });

/** The types without parts. */
export const types = Object.freeze({
  dyn: simple('dyn'),
  bool: simple('bool'),
  int: simple('int'),
  uint: simple('uint'),
  double: simple('double'),
  string: simple('string'),
  bytes: simple('bytes'),
  null: simple('null_type'),
  timestamp: simple('google.protobuf.Timestamp'),
  duration: simple('google.protobuf.Duration'),
});

/** The type of the items of an empty list: whatever is asked for, dyn when nothing is. */
export const free: CelType = simple('dyn');

/** A list of a type. */
export const listOf = (item: CelType): CelType => ({ kind: 'list', item });
/** A map from a type to a type. */
export const mapOf = (key: CelType, value: CelType): CelType => ({ kind: 'map', key, value });
/** An optional value of a type. */
export const optionalOf = (value: CelType): CelType => ({ kind: 'optional', value });

/** Whether nothing is known about values of the type before they are there. */
export const isDyn = (type: CelType): boolean => type.kind === 'simple' && type.name === 'dyn';

const shortNames: Readonly<Record<string, string>> = {
  'google.protobuf.Timestamp': 'timestamp',
  'google.protobuf.Duration': 'duration',
  null_type: 'null',
};

/** The type as error messages write it. */
export function describeType(type: CelType): string {
  switch (type.kind) {
    case 'simple':
      return shortNames[type.name] ?? type.name;
    case 'list':
      return `list(${describeType(type.item)})`;
    case 'map':
      return `map(${describeType(type.key)}, ${describeType(type.value)})`;
    case 'optional':
      return `optional_type(${describeType(type.value)})`;
    case 'type':
      return `type(${describeType(type.of)})`;
    case 'object':
    case 'param':
      return type.name;
  }
}

/** What the parameters of a signature stand for in one call. */
export type Bindings = Map<string, CelType>;

/** Whether a value of `from` may stand where `to` is asked; binds the parameters of `to`. */
export function accepts(to: CelType, from: CelType, bindings: Bindings): boolean {
  if (to.kind === 'param') return bind(to.name, from, bindings);
  if (isDyn(to) || isDyn(from)) return true;
  if (from.kind === 'simple' && from.name === 'null_type' && isNullable(to)) return true;
  if (to.kind === 'simple') return from.kind === 'simple' && from.name === to.name;
  if (to.kind === 'list') return from.kind === 'list' && accepts(to.item, from.item, bindings);
  if (to.kind === 'map')
    return from.kind === 'map' && accepts(to.key, from.key, bindings) && accepts(to.value, from.value, bindings);
  if (to.kind === 'optional') return from.kind === 'optional' && accepts(to.value, from.value, bindings);
  return to.kind === 'object' ? from.kind === 'object' && from.fields === to.fields : from.kind === to.kind;
}

function isNullable(type: CelType): boolean {
  if (type.kind === 'object' || type.kind === 'optional') return true;
  const plain = [types.bool, types.int, types.uint, types.double, types.string, types.bytes];
  return type.kind === 'simple' && !plain.some((other) => other === type || describeType(other) === type.name);
}

function bind(name: string, from: CelType, bindings: Bindings): boolean {
  const bound = bindings.get(name);
  const both = bound ? joined(bound, from) : from;
  if (!both) return false;
  bindings.set(name, both);
  return true;
}

/** The type with its parameters replaced by what they stand for; unbound ones are dyn. */
export function substitute(type: CelType, bindings: Bindings): CelType {
  switch (type.kind) {
    case 'param':
      return bindings.get(type.name) ?? free;
    case 'list':
      return listOf(substitute(type.item, bindings));
    case 'map':
      return mapOf(substitute(type.key, bindings), substitute(type.value, bindings));
    case 'optional':
      return optionalOf(substitute(type.value, bindings));
    case 'type':
      return { kind: 'type', of: substitute(type.of, bindings) };
    case 'simple':
    case 'object':
      return type;
  }
}

/** The type that holds values of both; undefined where only dyn does. */
export function joined(a: CelType, b: CelType): CelType | undefined {
  if (a === free || b === free) return a === free ? b : a;
  if (isDyn(a) || isDyn(b)) return types.dyn;
  if (a.kind === 'list' && b.kind === 'list') return whole(joined(a.item, b.item), listOf);
  if (a.kind === 'optional' && b.kind === 'optional') return whole(joined(a.value, b.value), optionalOf);
  if (a.kind === 'map' && b.kind === 'map') {
    const key = joined(a.key, b.key);
    return key && whole(joined(a.value, b.value), (value) => mapOf(key, value));
  }
  // null may stand for either: the later one says what the type is.
  if (accepts(a, b, new Map())) return isNull(b) ? b : a;
  return accepts(b, a, new Map()) ? b : undefined;
}

const isNull = (type: CelType): boolean => type.kind === 'simple' && type.name === 'null_type';

function whole(part: CelType | undefined, make: (part: CelType) => CelType): CelType | undefined {
  return part && make(part);
}
