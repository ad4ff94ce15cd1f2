import type { HostFunction, Value } from '../value.ts';
import { sprigCollections } from './collections.ts';
import { sprigDates } from './dates.ts';
import { sprigNumbers } from './numbers.ts';
import { sprigPaths } from './paths.ts';
import { sprigRandom } from './random.ts';
import { sprigRegex } from './regex.ts';
import { sprigSemver } from './semver.ts';
import { sprigText } from './text.ts';
import { sprigWords } from './words.ts';

/** What functions may ask of the host: the time in milliseconds since 1970, and numbers from 0 up to but without 1. */
export type SprigHost = { readonly now?: number; readonly random?: () => number };

/** Names that are called with any number of arguments; all others take what they name. */
const variadic = new Set(
  (
    'quote squote cat all any coalesce list tuple concat without dict pluck keys pick omit merge mergeOverwrite dig add addf ' +
    'mul mulf divf subf max min maxf minf biggest round seq slice default'
  ).split(' '),
);
/** Names that exist a second time with `must` before them: these throw where the first gives a default. */
const musts =
  'toJson toRawJson toPrettyJson merge mergeOverwrite first last rest initial append prepend reverse uniq without has compact slice chunk push regexMatch regexFind regexFindAll regexReplaceAll regexReplaceAllLiteral regexSplit deepCopy'.split(
    ' ',
  );

/** The functions of sprig that need no file, no network and no environment. Those that need the host are refused without it. */
export function sprigFunctions({ now, random }: SprigHost = {}): ReadonlyMap<Value, Value> {
  const clock = (): number => now ?? refuse('the time');
  const lots = random ?? (() => refuse('random numbers'));
  const own: Readonly<Record<string, HostFunction>> = {
    ...sprigText,
    ...sprigWords,
    ...sprigRegex,
    ...sprigNumbers,
    ...sprigCollections,
    ...sprigPaths,
    ...sprigSemver,
    ...sprigDates(clock),
    ...sprigRandom(lots),
  };
  const functions = new Map<Value, Value>();
  const add = (name: string, call: HostFunction, base: string): void => {
    functions.set(name, variadic.has(base) ? call : counted(call));
  };
  for (const [name, call] of Object.entries(own)) add(name, call, name);
  for (const name of musts) {
    const call = own[name];
    if (call) add(`must${name.charAt(0).toUpperCase()}${name.slice(1)}`, call, name);
  }
  return functions;
}

function refuse(what: string): never {
  throw new Error(`${what} cannot be had here`);
}

/** Called with fewer or more arguments than it names, a function is refused, as Go does. */
function counted(call: HostFunction): HostFunction {
  return (...values) => {
    if (values.length !== call.length)
      throw new Error(`invalid number of arguments: expected ${call.length}, got ${values.length}`);
    return call(...values);
  };
}
