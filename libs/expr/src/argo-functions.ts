import { parseJson } from './builtins/conversions.ts';
import { queryJsonPath } from './jsonpath.ts';
import { clockOf, setClock } from './lang/clock.ts';
import type { Environment } from './lang/evaluate.ts';
import { type Signature, types } from './lang/types.ts';
import { sprigFunctions, type SprigHost } from './sprig/sprig.ts';
import { formatValue, type HostFunction, isMap, toJsonText, type Value } from './value.ts';

const { unknown, int, float, string } = types;
const typed = (call: HostFunction, signature: Signature): Value => Object.assign(call, { signature });

const functions: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['asInt', typed((value) => asInt(value ?? null), { takes: [unknown], gives: int })],
  ['asFloat', typed((value) => asFloat(value ?? null), { takes: [unknown], gives: float })],
  ['toJson', typed((value) => toJsonText(value ?? null), { takes: [unknown], gives: string })],
  ['jsonpath', typed(jsonPath, { takes: [string, string], gives: unknown })],
  ['sprig', sprigFunctions()],
]);

function jsonPath(source: Value = null, path: Value = null): Value {
  return queryJsonPath(typeof source === 'string' ? parseJson(source) : source, formatValue(path));
}

function asInt(value: Value): Value {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return BigInt(Math.trunc(value));
  if (typeof value === 'string' && /^[+-]?\d+$/.test(value)) return BigInt(value.replace(/^\+/, ''));
  throw new Error(`strconv.ParseInt: parsing ${JSON.stringify(formatValue(value))}: invalid syntax`);
}

function asFloat(value: Value): Value {
  if (typeof value === 'bigint' || typeof value === 'number') return Number(value);
  const number = typeof value === 'string' && value.trim() === value && value !== '' ? Number(value) : Number.NaN;
  if (Number.isNaN(number))
    throw new Error(`strconv.ParseFloat: parsing ${JSON.stringify(formatValue(value))}: invalid syntax`);
  return number;
}

/**
 * The variables with dotted names turned into nested maps, beside the functions that Argo offers in expressions. Without a host, `now()`
 * and those of sprig that need the time or lots are refused when called.
 */
export function argoEnvironment(variables: Iterable<readonly [string, Value]>, host?: SprigHost): Environment {
  const environment = new Map<string, Value>(functions);
  if (host) environment.set('sprig', sprigFunctions(host));
  for (const [name, value] of expandVariables(variables)) environment.set(name, value);
  setClock(environment, host?.now);
  return environment;
}

/** An environment with some variables more; those hide others of the same first name. */
export function extendEnvironment(
  environment: Environment,
  variables: Iterable<readonly [string, Value]>,
): Environment {
  const extended = new Map([...environment, ...expandVariables(variables)]);
  setClock(extended, clockOf(environment));
  return extended;
}

/** `a.b.c` → nested maps. A deeper name replaces a plain value that stands in its way. */
export function expandVariables(variables: Iterable<readonly [string, Value]>): ReadonlyMap<string, Value> {
  const root = new Map<string, Value>();
  const sorted = [...variables].toSorted(([a], [b]) => a.length - b.length);
  for (const [name, value] of sorted) {
    const parts = name.split('.');
    let map: Map<Value, Value> = root as Map<Value, Value>;
    for (const part of parts.slice(0, -1)) {
      const present = map.get(part);
      const next = isMap(present) ? (present as Map<Value, Value>) : new Map<Value, Value>();
      if (next !== present) map.set(part, next);
      map = next;
    }
    map.set(parts.at(-1) ?? '', value);
  }
  return root;
}
