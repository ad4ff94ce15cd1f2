/** Bounds of one evaluation. `steps` counts nodes visited, `cells` list items, map entries and characters made. */
export type BudgetLimits = {
  readonly steps: number;
  readonly cells: number;
  /** The time that `now()` gives, in milliseconds since 1970; without it `now()` is refused. */
  readonly now?: number;
};

/** Enough for any honest expression of a workflow, little enough that a bomb ends within a fraction of a second. */
export const defaultBudget: BudgetLimits = Object.freeze({ steps: 2_000_000, cells: 4_000_000 });

/** Thrown when an expression does more than it may. */
export class BudgetExceeded extends Error {
  override readonly name = 'BudgetExceeded';
}

/** Counts what one evaluation has used. */
export class Budget {
  #steps: number;
  #cells: number;
  readonly #now: number | undefined;
  constructor(limits: BudgetLimits = defaultBudget) {
    this.#steps = limits.steps;
    this.#cells = limits.cells;
    this.#now = limits.now;
  }

  /** The time of this evaluation. */
  now(): number {
    if (this.#now === undefined) throw new BudgetExceeded('now() is not available here: no time was given');
    return this.#now;
  }

  /** One node visited. */
  step(): void {
    if (--this.#steps < 0) throw new BudgetExceeded('the expression takes too many steps');
  }

  /** Memory for so many items or characters. */
  allocate(cells: number): void {
    this.#cells -= cells;
    if (this.#cells < 0) throw new BudgetExceeded('the expression needs too much memory: memory budget exceeded');
  }
}
