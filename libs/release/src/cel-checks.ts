import { celFromJson, celMeter, type CelProgram, celTypes, compileCel } from '@sluice/expr';
import type { KubeObject } from '@sluice/model';
import type { SpecReader } from './spec-reader.ts';

/** A condition in CEL, compiled. `evaluate` throws {@link CelFailure} when it does not give true or false. */
export type CelCondition = { readonly text: string; evaluate(variables: Readonly<Record<string, unknown>>): boolean };

/** A condition could not be judged, for example because a field is not there. */
export class CelFailure extends Error {
  override readonly name = 'CelFailure';
}

/** How objects of one kind tell their health. */
export type HealthCheck = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly current: CelCondition;
  readonly inProgress?: CelCondition;
  readonly failed?: CelCondition;
};

export type Health = 'current' | 'in progress' | 'failed';

const longest = 10_000;
/** What one evaluation may cost, in the units of CEL. */
const budget = 1_000_000;

/** Compile a condition over these variables; a text that is none is a problem at `key` of the reader. */
export function readCondition(reader: SpecReader, key: string, variables: readonly string[]): CelCondition | undefined {
  const text = reader.text(key);
  if (text === undefined || text === '') return undefined;
  if (text.length > longest) {
    reader.refuseExpression(key, `is longer than ${longest} characters`);
    return undefined;
  }
  try {
    const program = compileCel(text, new Map(variables.map((name) => [name, celTypes.dyn])));
    return { text, evaluate: (given) => judge(text, program, given) };
  } catch (error) {
    reader.refuseExpression(key, `is not CEL: ${firstLine(error)}`);
    return undefined;
  }
}

function judge(text: string, program: CelProgram, given: Readonly<Record<string, unknown>>): boolean {
  let value: unknown;
  try {
    const variables = Object.entries(given).map(([name, held]) => [name, celFromJson(held)] as const);
    value = program.run(Object.fromEntries(variables), celMeter(budget));
  } catch (error) {
    throw new CelFailure(`${text.slice(0, 200)}: ${firstLine(error)}`, { cause: error });
  }
  if (typeof value === 'boolean') return value;
  throw new CelFailure(`${text.slice(0, 200)}: gives ${typeof value}, not true or false`);
}

function firstLine(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
}

const healthVariables = ['apiVersion', 'kind', 'metadata', 'spec', 'status', 'data'];

/** Read `spec.healthCheckExprs`. */
export function readHealthChecks(reader: SpecReader): readonly HealthCheck[] {
  return reader.list('healthCheckExprs').flatMap((check) => {
    const apiVersion = check.text('apiVersion') ?? '';
    const kind = check.text('kind') ?? '';
    if (!apiVersion) check.refuse('apiVersion', 'is missing');
    if (!kind) check.refuse('kind', 'is missing');
    const current = readCondition(check, 'current', healthVariables);
    const inProgress = readCondition(check, 'inProgress', healthVariables);
    const failed = readCondition(check, 'failed', healthVariables);
    if (!check.has('current')) check.refuse('current', 'is missing');
    check.close();
    if (!current) return [];
    return [{ apiVersion, kind, current, ...(inProgress ? { inProgress } : {}), ...(failed ? { failed } : {}) }];
  });
}

/** The check that is meant for an object: by group and kind, whatever the version. */
export function healthCheckFor(checks: readonly HealthCheck[], object: KubeObject): HealthCheck | undefined {
  return checks.find(
    ({ apiVersion, kind }) => kind === object.kind && groupOf(apiVersion) === groupOf(object.apiVersion),
  );
}

function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}

/**
 * Judge an object: an older generation is in progress; then inProgress, failed, current in this order; none of them is in
 * progress. A condition that cannot be judged yet does not hold.
 */
export function judgeHealth(check: HealthCheck, object: KubeObject<unknown, unknown>): Health {
  const { observedGeneration } = (object.status ?? {}) as { readonly observedGeneration?: unknown };
  if (typeof observedGeneration === 'number' && observedGeneration !== object.metadata.generation) return 'in progress';
  const { data } = object as { readonly data?: unknown };
  const { apiVersion, kind, metadata, spec = {}, status = {} } = object;
  const variables = { apiVersion, kind, metadata, spec, status, data: data ?? {} };
  const holds = (condition: CelCondition | undefined): boolean => {
    try {
      return condition?.evaluate(variables) ?? false;
    } catch (error) {
      if (error instanceof CelFailure) return false;
      throw error;
    }
  };
  if (holds(check.inProgress)) return 'in progress';
  if (holds(check.failed)) return 'failed';
  return holds(check.current) ? 'current' : 'in progress';
}
