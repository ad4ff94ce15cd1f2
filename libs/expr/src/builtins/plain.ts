import type { Budget } from '../lang/budget.ts';
import { ExprError } from '../lang/failure.ts';
import { OperatorError } from '../lang/operators.ts';
import type { Value } from '../value.ts';
import type { PlainBuiltin } from './plain-builtin.ts';
import { collectionBuiltins } from './collections.ts';
import { conversionBuiltins } from './conversions.ts';
import { numberBuiltins } from './numbers.ts';
import { textBuiltins } from './text.ts';

const table: ReadonlyMap<string, PlainBuiltin> = new Map(
  Object.entries({ ...collectionBuiltins, ...conversionBuiltins, ...numberBuiltins, ...textBuiltins }),
);

/** Names of the builtins that take plain values. */
export const plainBuiltins: ReadonlySet<string> = new Set(table.keys());

/** The problem with so many arguments for a builtin, if there is one. */
export function arityProblem(name: string, count: number): string | undefined {
  const builtin = table.get(name);
  if (!builtin) return undefined;
  if (count < builtin.least) return `not enough arguments to call ${name}`;
  return count > builtin.most ? `too many arguments to call ${name}` : undefined;
}

/** Call a builtin. Throws {@link ExprError} or {@link OperatorError}. */
export function applyPlain(name: string, values: readonly Value[], offset: number, budget: Budget): Value {
  const builtin = table.get(name);
  if (!builtin) throw new OperatorError(`unknown builtin ${name}`);
  const problem = arityProblem(name, values.length);
  if (problem) throw new ExprError('compile', problem, offset);
  return builtin.apply(values, budget);
}
