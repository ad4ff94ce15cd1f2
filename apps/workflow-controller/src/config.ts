import type { JsonObject } from '@sluice/model';
import type { WorkflowSpec } from '@sluice/workflow';

/** Configuration of the workflow controller. */
export type WorkflowControllerConfig = {
  /** Watch one namespace; absent: all. */
  readonly namespace?: string;
  /** Workflows worked on at a time. */
  readonly workers: number;
  /** Least time between two status writes of one run, in milliseconds, unless its phase changes. */
  readonly coalesceMs: number;
  /** How pods hand over outputs; `auto`: `native` when every node carries sluice.dev/native-outputs. */
  readonly outputs: 'auto' | 'native' | 'wrapper';
  readonly workflowDefaults?: WorkflowSpec;
  /** The artifact repository of workflows whose namespace has none. */
  readonly artifactRepository?: JsonObject;
  readonly templateReferencing?: 'Strict' | 'Secure';
};

/** What a controller uses when nothing is said. */
export const defaultConfig: WorkflowControllerConfig = Object.freeze({ workers: 16, coalesceMs: 100, outputs: 'auto' });

/** The configuration of the program itself: how to reach the cluster, beside the controller's. */
export type ProgramConfig = {
  readonly controller: WorkflowControllerConfig;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
};

type Parsed =
  { readonly ok: true; readonly value: ProgramConfig } | { readonly ok: false; readonly problems: readonly string[] };

const flags = new Set(['namespace', 'workers', 'coalesce-ms', 'outputs', 'kubeconfig', 'context', 'log-level']);

/** Parse flags (`--name value` or `--name=value`) and environment (`SLUICE_NAME`); all problems at once. */
export function parseConfig(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Parsed {
  const problems: string[] = [];
  const values = readFlags(args, problems);
  const read = (flag: string): string | undefined =>
    values.get(flag) ?? environment[`SLUICE_${flag.replaceAll('-', '_').toUpperCase()}`];
  const number = (flag: string, fallback: number, least: number, most: number): number => {
    const text = read(flag);
    if (text === undefined) return fallback;
    const value = Number(text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    problems.push(`--${flag}: "${text}" is not a whole number from ${least} to ${most}`);
    return fallback;
  };
  const choice = <T extends string>(flag: string, fallback: T, choices: readonly T[]): T => {
    const text = read(flag);
    if (text === undefined) return fallback;
    const found = choices.find((item) => item === text);
    if (found === undefined) problems.push(`--${flag}: "${text}" is none of ${choices.join(', ')}`);
    return found ?? fallback;
  };
  const workers = number('workers', defaultConfig.workers, 1, 256);
  const coalesceMs = number('coalesce-ms', defaultConfig.coalesceMs, 0, 10_000);
  const outputs = choice('outputs', defaultConfig.outputs, ['auto', 'native', 'wrapper'] as const);
  const logLevel = choice('log-level', 'info', ['debug', 'info', 'warn', 'error'] as const);
  if (problems.length > 0) return { ok: false, problems };
  const namespace = read('namespace');
  const kubeconfig = values.get('kubeconfig') ?? environment['KUBECONFIG'];
  const context = read('context');
  const controller = { workers, coalesceMs, outputs, ...(namespace ? { namespace } : {}) };
  return {
    ok: true,
    value: Object.freeze({
      controller,
      logLevel,
      ...(kubeconfig ? { kubeconfig } : {}),
      ...(context ? { context } : {}),
    }),
  };
}

function readFlags(args: readonly string[], problems: string[]): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  const rest = args.values();
  for (const argument of rest) {
    const [, name = '', inline] = /^--([a-z-]+)(?:=(.*))?$/s.exec(argument) ?? [];
    if (!flags.has(name)) {
      problems.push(`unknown argument "${argument}"; known: ${[...flags].map((flag) => `--${flag}`).join(', ')}`);
      continue;
    }
    const value = inline ?? rest.next().value;
    if (value === undefined) problems.push(`--${name} needs a value`);
    else values.set(name, value);
  }
  return values;
}
