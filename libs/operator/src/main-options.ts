import { parseArgs } from 'node:util';
import { nearest, type Problem, type Result } from '@sluice/model';
import type { LogLevel } from '@sluice/runtime';

/** What the program of an operator was asked to do. */
export type MainOptions =
  | { readonly command: 'help' }
  | { readonly command: 'manifests'; readonly namespace: string; readonly only?: string }
  | { readonly command: 'chart'; readonly directory: string; readonly check: boolean }
  | RunOptions;

export type RunOptions = {
  readonly command: 'run';
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly leaseNamespace?: string;
  readonly leaderElection: boolean;
  readonly applyDefinitions: boolean;
  readonly listen: { readonly host: string; readonly port: number };
  readonly logLevel: LogLevel;
};

export const usage = `  run (the default)       work, until SIGTERM
    --kubeconfig FILE     cluster to work on; else KUBECONFIG, else the pod's service account, else ~/.kube/config
    --context NAME        context of the kubeconfig
    --namespace NAME      watch this namespace only (WATCH_NAMESPACE)
    --lease-namespace N   where the lease is kept (POD_NAMESPACE, else that of the context)
    --no-leader-election  for a cluster where nobody else runs this operator
    --apply-definitions   first apply the operator's CustomResourceDefinitions
    --listen HOST:PORT    /healthz, /readyz and /metrics; default 127.0.0.1:0, any free port (LISTEN)
    --log-level LEVEL     debug, info, warn, error or silent (LOG_LEVEL)
  manifests               print definitions, service account and roles as YAML
    --namespace NAME      where the operator runs; default: default
    --only NAME           rights in this namespace only
  chart DIRECTORY         write templates/crds.yaml and templates/access.yaml of a chart
    --check               write nothing; exit with 1 when a file is not as it should be
`;

const commands = ['run', 'manifests', 'chart'] as const;
const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];
const flags = {
  help: { type: 'boolean' },
  kubeconfig: { type: 'string' },
  context: { type: 'string' },
  namespace: { type: 'string' },
  'lease-namespace': { type: 'string' },
  'no-leader-election': { type: 'boolean' },
  'apply-definitions': { type: 'boolean' },
  listen: { type: 'string' },
  'log-level': { type: 'string' },
  only: { type: 'string' },
  check: { type: 'boolean' },
} as const;

/** Read flags and environment; every problem at once. Flags win. */
export function parseMainOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Result<MainOptions> {
  let parsed;
  try {
    parsed = parseArgs({ args: [...args], options: flags, allowPositionals: true });
  } catch (error) {
    return refused([problem('arguments', error instanceof Error ? error.message : String(error))]);
  }
  const { values, positionals } = parsed;
  if (values.help) return { ok: true, value: { command: 'help' } };
  const [command = 'run', directory, ...more] = positionals;
  if (command === 'manifests') {
    const { only, namespace = 'default' } = values;
    return { ok: true, value: { command, namespace, ...(only && { only }) } };
  }
  if (command === 'chart') {
    if (!directory || more.length > 0) return refused([problem('chart', 'name one directory: chart DIRECTORY')]);
    return { ok: true, value: { command, directory, check: values.check ?? false } };
  }
  if (command !== 'run') {
    const near = nearest(command, commands);
    const known = `the commands are ${commands.join(', ')}`;
    return refused([problem(command, `there is no such command; ${near ? `did you mean "${near}"?` : known}`)]);
  }
  return parseRun(values, env);
}

type Values = { readonly [K in keyof typeof flags]?: string | boolean | undefined };

function parseRun(values: Values, env: Readonly<Record<string, string | undefined>>): Result<RunOptions> {
  const problems: Problem[] = [];
  const text = (flag: keyof Values, name?: string): string | undefined => {
    const value = values[flag] ?? (name === undefined ? undefined : env[name]);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const levelText = text('log-level', 'LOG_LEVEL') ?? 'info';
  const logLevel = levels.find((level) => level === levelText);
  if (!logLevel) problems.push(problem('--log-level', `must be one of ${levels.join(', ')}`));
  const listen = parseAddress(text('listen', 'LISTEN') ?? '127.0.0.1:0');
  if (!listen) problems.push(problem('--listen', 'must read HOST:PORT, such as 127.0.0.1:8081'));
  if (problems.length > 0 || !logLevel || !listen) return refused(problems);
  const optional = {
    kubeconfig: text('kubeconfig'),
    context: text('context'),
    namespace: text('namespace', 'WATCH_NAMESPACE'),
    leaseNamespace: text('lease-namespace', 'POD_NAMESPACE'),
  };
  const given = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined));
  const value: RunOptions = {
    command: 'run',
    ...given,
    leaderElection: values['no-leader-election'] !== true,
    applyDefinitions: values['apply-definitions'] === true,
    listen,
    logLevel,
  };
  return { ok: true, value: Object.freeze(value) };
}

function parseAddress(text: string): { host: string; port: number } | undefined {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]+):([0-9]{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (!match?.[1] || port > 65_535) return undefined;
  return { host: match[1].replace(/^\[|\]$/g, ''), port };
}

function problem(path: string, message: string): Problem {
  return { code: 'BadArguments', severity: 'error', path, message };
}

function refused<T>(problems: readonly Problem[]): Result<T> {
  return { ok: false, problems };
}
