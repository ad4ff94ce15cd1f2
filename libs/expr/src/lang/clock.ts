import type { Environment } from './evaluate.ts';

const clocks = new WeakMap<Environment, number>();

/** Let `now()` give this time, in milliseconds since 1970, in expressions over this environment. */
export function setClock(environment: Environment, now: number | undefined): void {
  if (now !== undefined) clocks.set(environment, now);
}

/** The time of an environment; undefined where `now()` is refused. */
export function clockOf(environment: Environment): number | undefined {
  return clocks.get(environment);
}
