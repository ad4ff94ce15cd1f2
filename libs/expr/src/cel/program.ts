import { CelError, CelCompileError, type Meter } from './cel-error.ts';
import { type CelType, describeType, isDyn } from './cel-type.ts';
import { type CelDialect, checkCel } from './check.ts';
import { coreFunctions, meteredCoreFunctions } from './core-functions.ts';
import { compileNode } from './evaluate.ts';
import { encoderFunctions } from './encoder-functions.ts';
import { kubernetesFormat, standardFormat } from './format-text.ts';
import { kubernetesFunctions } from './kubernetes-functions.ts';
import { meteredListFunctions } from './list-functions.ts';
import type { Variables } from './macro.ts';
import { mathFunctions, meteredMathFunctions } from './math-functions.ts';
import { parseCel } from './parser.ts';
import { type FunctionTable, functionTable, type Signatures } from './signature.ts';
import { meteredTextFunctions, textFunctions } from './text-functions.ts';

const tableWith = (format: Signatures): FunctionTable =>
  functionTable(
    [...coreFunctions, ...textFunctions, ...mathFunctions, ...encoderFunctions, ...kubernetesFunctions],
    [...meteredCoreFunctions, ...meteredTextFunctions, ...meteredListFunctions, ...meteredMathFunctions, format],
    ['sets', 'lists', 'optional', 'format', 'strings', 'math', 'base64'],
  );

const functions: Readonly<Record<'kubernetes' | 'standard', FunctionTable>> = {
  kubernetes: tableWith(kubernetesFormat),
  standard: tableWith(standardFormat),
};

const maxLength = 20_000;

/** A compiled expression. `run` throws a CelError where it fails and a CelCostError where it becomes too expensive. */
export type CelProgram = {
  readonly type: CelType;
  run(variables: Readonly<Record<string, unknown>>, meter: Meter): unknown;
};

/** How an expression is meant. */
export type CompileOptions = CelDialect & {
  /** The type that the result must have. */
  readonly wanted?: CelType;
};

/**
 * Compile an expression over variables of known types. Throws a {@link CelCompileError} whose message begins with `ERROR: <input>:` and
 * says where and why, in the words of Kubernetes.
 */
export function compileCel(
  text: string,
  variables: ReadonlyMap<string, CelType>,
  { wanted, ...options }: CompileOptions = {},
): CelProgram {
  if (text.length > maxLength)
    throw new CelCompileError(`expression code point size exceeds limit: size: ${text.length}, limit ${maxLength}`);
  const { dialect = 'kubernetes' } = options;
  const node = parseCel(text, dialect === 'standard');
  const checked = checkCel(text, node, variables, { functions: functions[dialect], ...options });
  if (wanted && !isDyn(checked.type) && describeType(wanted) !== describeType(checked.type)) {
    throw new CelCompileError(`cel expression must evaluate to a ${describeType(wanted)}`);
  }
  const run = compileNode(node, checked);
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
