import type { Node } from './ast.ts';
import { CelError, type Meter } from './cel-error.ts';
import { CelOptional, compareValues, mapKey, typeNameOf } from './value.ts';

/** Names in scope, innermost first. */
export type Variables = { readonly name: string; readonly value: unknown; readonly parent: Variables | undefined };

/** An expression that is ready to run. */
export type Evaluation = (variables: Variables | undefined, meter: Meter) => unknown;

type Macro = Node & { readonly op: 'macro' };
type Step = (variables: Variables | undefined) => unknown;

/** A macro that is ready to run. */
export function macroOf(node: Macro, compile: (node: Node) => Evaluation): Evaluation {
  const range = compile(node.range);
  const args = node.args.map(compile);
  if (node.name === 'optMap' || node.name === 'optFlatMap') return optionalMacro(node, range, args);
  const run = runners[node.name];
  return (variables, meter) => {
    const over = range(variables, meter);
    const steps = args.map(
      (arg): Step =>
        (scope) =>
          arg(scope, meter),
    );
    return run({ over, scopes: scopesOf(node, over, variables, meter), steps, meter });
  };
}

function optionalMacro(node: Macro, range: Evaluation, [body]: readonly Evaluation[]): Evaluation {
  return (variables, meter) => {
    const over = range(variables, meter);
    if (!(over instanceof CelOptional)) throw new CelError('no such overload');
    if (!over.isPresent) return over;
    const value = body?.({ name: node.names[0] ?? '_', value: over.value, parent: variables }, meter);
    if (node.name === 'optMap') return new CelOptional(value);
    if (value instanceof CelOptional) return value;
    throw new CelError('no such overload');
  };
}

/** One scope for each item. */
function* scopesOf(node: Macro, over: unknown, parent: Variables | undefined, meter: Meter): Generator<Variables> {
  const [first = '_', second] = node.names;
  if (!Array.isArray(over) && !(over instanceof Map)) {
    throw new CelError(`no such overload: ${node.name} over ${typeNameOf(over)}`);
  }
  let index = 0n;
  for (const entry of Array.isArray(over) ? over : (over as ReadonlyMap<unknown, unknown>).entries()) {
    meter.spend(1);
    const [key, value] = Array.isArray(over) ? [index++, entry as unknown] : (entry as readonly [unknown, unknown]);
    if (second === undefined) yield { name: first, value: Array.isArray(over) ? value : key, parent };
    else yield { name: second, value, parent: { name: first, value: key, parent } };
  }
}

type Run = {
  readonly over: unknown;
  readonly scopes: Iterable<Variables>;
  readonly steps: readonly Step[];
  readonly meter: Meter;
};

function truth(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new CelError('no such overload');
}

/** Looks for an item that decides; errors of others do not matter then. */
function quantified({ scopes, steps: [step] }: Run, deciding: boolean): boolean {
  let failure: CelError | undefined;
  for (const scope of scopes) {
    try {
      if (truth(step?.(scope)) === deciding) return deciding;
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      failure ??= error;
    }
  }
  if (failure) throw failure;
  return !deciding;
}

/** The items that pass the filter, which is the first of two steps. */
function* chosen({ scopes, steps, meter }: Run): Generator<readonly [Variables, unknown]> {
  const [filter, transform] = steps.length > 1 ? steps : [undefined, steps[0]];
  for (const scope of scopes) {
    if (filter && !truth(filter(scope))) continue;
    meter.spend(1);
    yield [scope, transform?.(scope)];
  }
}

function sorted({ scopes, steps: [key], meter }: Run): unknown {
  const keyed = [...scopes].map((scope) => [key?.(scope), scope.value] as const);
  meter.spend(keyed.length * Math.ceil(Math.log2(keyed.length + 2)));
  return keyed.toSorted(([a], [b]) => compareValues(a, b)).map(([, item]) => item);
}

function transformedEntries(run: Run): unknown {
  const out = new Map<unknown, unknown>();
  for (const [, entries] of chosen(run)) {
    if (!(entries instanceof Map)) throw new CelError('no such overload');
    for (const [key, value] of entries as ReadonlyMap<unknown, unknown>) {
      run.meter.spend(1);
      if (out.has(key)) throw new CelError(`insert failed: key ${String(key)} already exists`);
      out.set(key, value);
    }
  }
  return out;
}

const list = (run: Run): unknown => Array.from(chosen(run), ([, value]) => value);

const runners: Readonly<Record<Exclude<Macro['name'], 'optMap' | 'optFlatMap'>, (run: Run) => unknown>> = {
  all: (run) => quantified(run, false),
  exists: (run) => quantified(run, true),
  exists_one: ({ scopes, steps: [step] }) => {
    let count = 0;
    for (const scope of scopes) if (truth(step?.(scope))) count++;
    return count === 1;
  },
  filter: ({ scopes, steps: [step], meter }) => {
    const out: unknown[] = [];
    for (const scope of scopes) {
      if (!truth(step?.(scope))) continue;
      meter.spend(1);
      out.push(scope.value);
    }
    return out;
  },
  map: list,
  transformList: list,
  sortBy: sorted,
  transformMap: (run) =>
    new Map(Array.from(chosen(run), ([scope, value]) => [mapKey(scope.parent?.value ?? scope.value), value] as const)),
  transformMapEntry: transformedEntries,
};
