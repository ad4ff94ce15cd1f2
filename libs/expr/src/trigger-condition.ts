import { CelCompileError, CelCostError, CelError, meterOf } from './cel/cel-error.ts';
import { mapOf, types } from './cel/cel-type.ts';
import { celFromJson } from './cel/from-json.ts';
import { compileCel } from './cel/program.ts';

/** What a condition of a pipeline sees as `event`. */
export type ConditionEvent = {
  readonly kind: string;
  readonly ref: string;
  readonly sha: string;
  /** Names without refs/heads/ and refs/tags/; empty where there is none. */
  readonly branch: string;
  readonly tag: string;
  /** Target branch of a pull request. */
  readonly base: string;
  /** Of the commit. */
  readonly message: string;
  readonly number: number;
  readonly draft: boolean;
  readonly fork: boolean;
  readonly changed: readonly string[];
};

/** A condition that is well formed, or why it is not. */
export type ParsedCondition =
  | { readonly ok: true; readonly holds: (event: ConditionEvent) => boolean }
  | { readonly ok: false; readonly message: string };

const variables = new Map([['event', mapOf(types.string, types.dyn)]]);
/** Enough for a walk over thousands of changed paths, and milliseconds at most. */
const costLimit = 300_000;

/**
 * Compile the `if:` of a trigger: CEL over `event` that gives a boolean. `holds` throws an Error with a message for
 * people where the expression fails or costs too much.
 */
export function compileCondition(text: string): ParsedCondition {
  try {
    const program = compileCel(text, variables, { wanted: types.bool });
    return {
      ok: true,
      holds(event) {
        try {
          const value = program.run({ event: celFromJson(event) }, meterOf(costLimit));
          if (typeof value === 'boolean') return value;
        } catch (error) {
          if (!(error instanceof CelError) && !(error instanceof CelCostError)) throw error;
          throw new Error(error.message, { cause: error });
        }
        throw new Error('the expression gives no boolean');
      },
    };
  } catch (error) {
    if (!(error instanceof CelCompileError)) throw error;
    return { ok: false, message: error.message.split('\n', 1)[0] ?? 'not an expression' };
  }
}
