import type { Budget } from '../lang/budget.ts';
import type { Value } from '../value.ts';

/** A builtin that takes values: the least and the most number of arguments, and what it does. */
export type PlainBuiltin = {
  readonly least: number;
  readonly most: number;
  readonly apply: (values: readonly Value[], budget: Budget) => Value;
};
