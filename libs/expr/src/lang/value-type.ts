import { Duration, holdsStrings, Instant, isList, isMap, NamedInt, type Value, Zone } from '../value.ts';
import { bytesType, listType, mapType, type Type, types } from './types.ts';

/** The type of a variable's value. What lists and maps hold is not looked into. */
export function typeOfValue(value: Value): Type {
  if (value === null) return types.nil;
  if (typeof value === 'boolean') return types.bool;
  if (typeof value === 'bigint') return types.int;
  if (typeof value === 'number') return types.float;
  if (typeof value === 'string') return types.string;
  if (typeof value === 'function') return value.signature ? { ...types.func, signature: value.signature } : types.func;
  if (isList(value)) return holdsStrings(value) ? listType(types.string, '[]string') : listType();
  if (isMap(value)) return holdsStrings(value) ? mapType(types.string, 'map[string]string') : mapType();
  if (value instanceof Duration) return types.duration;
  if (value instanceof Instant) return types.time;
  if (value instanceof NamedInt) return types.int;
  if (value instanceof Zone) return types.zone;
  return value instanceof Uint8Array ? bytesType : types.unknown;
}
