import { CelError, CelCompileError, type Meter } from './cel-error.ts';
import { type CelType, formatType, isDyn } from './cel-type.ts';
import { checkCel } from './check.ts';
import { coreFunctions, meteredCoreFunctions } from './core-functions.ts';
import { compileCel } from './evaluate.ts';
import { kubernetesFunctions } from './kubernetes-functions.ts';
import { meteredListFunctions } from './list-functions.ts';
import type { Variables } from './macro.ts';
import { parseCel } from './parser.ts';
import { functionTable } from './signature.ts';
import { meteredTextFunctions, textFunctions } from './text-functions.ts';

const functions = functionTable(
  [...coreFunctions, ...textFunctions, ...kubernetesFunctions],
  [...meteredCoreFunctions, ...meteredTextFunctions, ...meteredListFunctions],
  ['sets', 'lists', 'optional', 'format', 'strings'],
);

const maxLength = 20_000;

/** A compiled expression. `run` throws a CelError where it fails and a CelCostError where it becomes too expensive. */
export type CelProgram = {
  readonly type: CelType;
  run(variables: Readonly<Record<string, unknown>>, meter: Meter): unknown;
};

/**
 * Compile an expression over variables of known types. Throws a {@link CelCompileError} whose message begins with `ERROR: <input>:` and
 * says where and why, in the words of Kubernetes.
 */
export function compileExpression(text: string, variables: ReadonlyMap<string, CelType>, wanted?: CelType): CelProgram {
  if (text.length > maxLength)
    throw new CelCompileError(`expression code point size exceeds limit: size: ${text.length}, limit ${maxLength}`);
  const node = parseCel(text);
  const checked = checkCel(text, node, variables, functions);
  if (wanted && !isDyn(checked.type) && formatType(wanted) !== formatType(checked.type)) {
    throw new CelCompileError(`cel expression must evaluate to a ${formatType(wanted)}`);
  }
  const run = compileCel(node, checked);
  return {
    type: checked.type,
    run(values, meter) {
      let scope: Variables | undefined;
      for (const name of variables.keys()) scope = { name, value: values[name], parent: scope };
      try {
        return run(scope, meter);
      } catch (error) {
        if (error instanceof RangeError) throw new CelError('expression is nested too deeply', { cause: error });
        throw error;
      }
    },
  };
}
