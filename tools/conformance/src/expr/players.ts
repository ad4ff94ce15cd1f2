import {
  argoEnvironment,
  defaultBudget,
  dependsTerms,
  type Environment,
  evaluateCondition,
  evaluateExpression,
  evaluateWhen,
  expandDepends,
  replaceTags,
  resultProblem,
  resolveTag,
  splitTemplate,
  UnclosedTag,
  type Value,
} from '@sluice/expr';
import { expectJson, expectTrue, type Outcome } from '../suite.ts';
import { fromVector, isSameValue, showValue } from './vector-value.ts';

/** One line of a vector file. */
export type ExprVector = {
  readonly lang: string;
  readonly expr?: string;
  readonly template?: string;
  readonly env?: Readonly<Record<string, unknown>>;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: unknown;
  readonly error?: boolean;
  readonly phase?: string;
  readonly missing?: boolean;
  readonly mode?: string;
  readonly delims?: readonly [string, string];
  readonly allowUnresolved?: boolean;
  readonly strictPrefixes?: readonly string[];
  readonly tag?: string;
  readonly task?: string;
  readonly tasks?: readonly {
    readonly name: string;
    readonly depends?: string;
    readonly dependencies?: readonly string[];
  }[];
  readonly phases?: Readonly<Record<string, string>>;
  readonly execute?: boolean;
  readonly evalError?: boolean | string;
  readonly logic?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
};

type Got =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly message: string; readonly phase?: string; readonly missing?: boolean };
type Play = (vector: ExprVector) => Got;

const environmentOf = ({ env = {} }: ExprVector): ReadonlyMap<string, Value> =>
  new Map(Object.entries(env).map(([name, value]) => [name, fromVector(value)]));

const host = { now: Date.now(), random: Math.random };
const limits = { ...defaultBudget, now: Date.now() };
const evaluate = ({ expr = '' }: ExprVector, environment: Environment): Got =>
  evaluateExpression(expr, environment, limits);

/** Who evaluates a language; the others are skipped. */
export const exprPlayers: Readonly<Record<string, Play>> = {
  expr: (vector) => evaluate(vector, environmentOf(vector)),
  'argo-expr': (vector) => evaluate(vector, argoEnvironment(environmentOf(vector), host)),
  'sprig-in-expr': (vector) => evaluate(vector, argoEnvironment(environmentOf(vector), host)),
  'argo-evalbool': (vector) => evaluateCondition(vector.expr ?? '', argoEnvironment(environmentOf(vector))),
  govaluate: (vector) => evaluateWhen(vector.expr ?? ''),
  fasttemplate: playTags,
  'argo-template': playTemplate,
  'argo-resolve': playResolve,
};

/** Compare what came with what the real implementation gave. */
export function judge(vector: ExprVector, got: Got): Outcome {
  const shown = got.ok ? showValue(got.value) : `error: ${got.message}`;
  if (vector.error) {
    const phase = vector.lang !== 'expr' || got.ok || got.phase === vector.phase;
    const missing = vector.missing === undefined || got.ok || got.missing === vector.missing;
    if (!got.ok && phase && missing) return { result: 'passed' };
    return { result: 'failed', wanted: `an error (${vector.phase ?? ''})`, got: shown };
  }
  const wanted = fromVector(vector.result);
  return got.ok && isSameValue(got.value, wanted)
    ? { result: 'passed' }
    : { result: 'failed', wanted: showValue(wanted), got: shown };
}

function playTags({ template = '', params = {}, mode, delims = ['{{', '}}'] }: ExprVector): Got {
  try {
    const [open, close] = delims;
    const pieces = splitTemplate(template, open, close).map(({ kind, text }) => {
      if (kind === 'text') return text;
      const value = params[text];
      return typeof value === 'string' ? value : mode === 'plain' ? '' : `${open}${text}${close}`;
    });
    return { ok: true, value: pieces.join('') };
  } catch (error) {
    if (error instanceof UnclosedTag) return { ok: false, message: error.message };
    throw error;
  }
}

function playTemplate(vector: ExprVector): Got {
  const { template = '', params = {}, allowUnresolved, strictPrefixes } = vector;
  const values = new Map(Object.entries(params).map(([name, value]) => [name, fromVector(value)]));
  const variables = {
    lookUp: (name: string) => {
      const value = values.get(name);
      return typeof value === 'string' || value === null ? value : undefined;
    },
    isOther: (name: string) => values.has(name),
    environment: () => argoEnvironment(values, host),
  };
  const options = {
    keepUnresolved: allowUnresolved ?? strictPrefixes !== undefined,
    ...(strictPrefixes ? { strictPrefixes } : {}),
  };
  const replaced = replaceTags(template, variables, options);
  return replaced.ok ? { ok: true, value: replaced.text } : replaced;
}

function playResolve(vector: ExprVector): Got {
  const values = new Map(Object.entries(vector.params ?? {}).map(([name, value]) => [name, fromVector(value)]));
  return resolveTag(
    vector.tag ?? '',
    (name) => values.get(name),
    () => values,
  );
}

/** The dependencies and the logic of a dag task, and whether it runs after tasks that ended so. */
export function judgeDepends({
  tasks = [],
  task,
  logic,
  dependencies,
  error,
  phases,
  execute,
  evalError,
}: ExprVector): Outcome {
  const names = new Map(tasks.map((item) => [item.name, item]));
  const found = names.get(task ?? '');
  if (!found) return { result: 'failed', wanted: `a task ${task}`, got: 'none' };
  const refused = dependsTerms(found.depends ?? '').some(
    (term) => resultProblem(term) !== undefined || !names.has(term.task),
  );
  if (error || refused) return expectTrue(refused === (error ?? false), error ? 'a refusal' : 'no refusal', refused);
  const got = expandDepends(found, (name) => names.get(name));
  const wanted = { logic: logic ?? '', dependencies: dependencies ?? {} };
  const same = expectJson({ logic: got.logic, dependencies: Object.fromEntries(got.dependencies) }, wanted);
  if (same.result !== 'passed' || !phases || (execute === undefined && !evalError)) return same;
  const runs = evaluateCondition(got.logic.replaceAll('-', '_'), resultsOf(phases));
  if (evalError) return expectTrue(!runs.ok, 'an error', runs);
  return expectTrue(runs.ok && runs.value === execute, `execute ${execute}`, runs);
}

const resultNames = ['Succeeded', 'Failed', 'Skipped', 'Omitted', 'Errored', 'Daemoned', 'AnySucceeded', 'AllFailed'];

function resultsOf(phases: Readonly<Record<string, string>>): Environment {
  const results = (phase: string): Value =>
    new Map(resultNames.map((name): [string, boolean] => [name, name === (phase === 'Error' ? 'Errored' : phase)]));
  return new Map(Object.entries(phases).map(([name, phase]) => [name.replaceAll('-', '_'), results(phase)]));
}
