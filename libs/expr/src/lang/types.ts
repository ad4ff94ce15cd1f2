/** What is known of a value before the expression runs. `name` is how messages show it. */
export type Type = {
  readonly kind:
    'unknown' | 'nil' | 'bool' | 'int' | 'float' | 'string' | 'list' | 'map' | 'time' | 'duration' | 'func';
  readonly name: string;
  /** Of a list's items and a map's values. */
  readonly item?: Type;
  /** Of a function: what it takes and gives; absent where it takes anything. */
  readonly signature?: Signature;
};

/** The types of a function's parameters and result. `rest` may be given any number of times, `optional` left out. */
export type Signature = {
  readonly takes: readonly Type[];
  readonly optional?: readonly Type[];
  readonly rest?: Type;
  readonly gives: Type;
};

const plain = (kind: Type['kind'], name: string): Type => Object.freeze({ kind, name });

/** The types without parts. */
export const types = Object.freeze({
  unknown: plain('unknown', 'interface {}'),
  nil: plain('nil', 'unknown'),
  bool: plain('bool', 'bool'),
  int: plain('int', 'int'),
  float: plain('float', 'float64'),
  string: plain('string', 'string'),
  time: plain('time', 'time.Time'),
  duration: plain('duration', 'time.Duration'),
  zone: plain('func', '*time.Location'),
  func: plain('func', 'func(...interface {}) (interface {}, error)'),
});

/** Bytes: a list of whole numbers. */
export const bytesType: Type = Object.freeze({ kind: 'list', name: '[]uint8', item: types.int });

/** A list of such items. */
export function listType(item: Type = types.unknown, name = '[]interface {}'): Type {
  return { kind: 'list', name, item };
}

/** A map from text to such values. */
export function mapType(item: Type = types.unknown, name = 'map[string]interface {}'): Type {
  return { kind: 'map', name, item };
}

/** True for int and float. */
export function isNumeric({ kind }: Type): boolean {
  return kind === 'int' || kind === 'float';
}

/** True when values of the two types may be compared for equality. */
export function isComparable(a: Type, b: Type): boolean {
  if (a.kind === 'unknown' || b.kind === 'unknown' || a.kind === 'nil' || b.kind === 'nil') return true;
  return a.kind === b.kind || (isNumeric(a) && isNumeric(b));
}

/** True when an argument may be given where `wanted` is asked for. Whole numbers pass as floats. */
export function isAssignable(given: Type, wanted: Type): boolean {
  if (given.kind === 'unknown' || wanted.kind === 'unknown') return true;
  if (given.kind === 'nil') return wanted.kind === 'list' || wanted.kind === 'map';
  if (wanted.kind === 'float') return isNumeric(given);
  return given.kind === wanted.kind && (wanted.name === given.name || wanted.kind !== 'func');
}

/** The type of a choice between two: what both are, else unknown. */
export function eitherType(a: Type, b: Type): Type {
  if (a.kind === 'nil') return b;
  if (b.kind === 'nil') return a;
  if (a.kind === b.kind && a.item === b.item) return a;
  return a.kind === b.kind && a.kind === 'list' ? listType() : types.unknown;
}

/** The type as messages about arguments show it. */
export function argumentName(type: Type): string {
  return type.kind === 'nil' ? '<nil>' : type.name;
}
