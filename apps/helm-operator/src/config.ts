import { parseArgs } from 'node:util';
import type { Problem, Result } from '@sluice/model';
import type { LogLevel } from '@sluice/runtime';

/** Settings of the operator itself. */
export type HelmOperatorConfig = {
  /** Releases and sources worked on at a time. */
  readonly concurrency: number;
  /** How long `close` waits for helm to end. */
  readonly shutdownMs: number;
  /** Watch this namespace only. */
  readonly namespace?: string;
  /** Label every object of every release with its HelmRelease. Costs a process an operation. */
  readonly originLabels?: boolean;
  /** Drift detection also takes away what these field managers added to objects, such as `kubectl-edit`. */
  readonly overrideManagers?: readonly string[];
};

/** Settings of the program: the operator's, and where to find things. */
export type MainConfig = HelmOperatorConfig & {
  readonly kubeconfig?: string;
  readonly dataDirectory: string;
  readonly logLevel: LogLevel;
  /** Serve /metrics and /healthz here; 0 picks a free port. */
  readonly metrics?: { readonly host: string; readonly port: number } | undefined;
};

/** Defaults, for those who start the operator inside another program. */
export const defaultConfig: HelmOperatorConfig = Object.freeze({ concurrency: 8, shutdownMs: 30_000 });

/** What the program understands. */
export const usage = `sluice helm operator: HelmReleases to Helm releases

  --kubeconfig FILE   cluster to work on (KUBECONFIG)
  --data DIRECTORY    charts, binaries and helm's own files (SLUICE_HELM_OPERATOR_DATA); required
  --namespace NAME    watch this namespace only (SLUICE_NAMESPACE)
  --concurrency N     releases worked on at a time, default 8 (SLUICE_HELM_CONCURRENCY)
  --origin-labels     label every object with its HelmRelease (SLUICE_HELM_ORIGIN_LABELS=true)
  --override-managers A,B
                      drift detection takes away what these field managers added, such as kubectl-edit
                      (SLUICE_HELM_OVERRIDE_MANAGERS)
  --shutdown-seconds N
                      how long a stop waits for helm to end, default 30 (SLUICE_HELM_SHUTDOWN_SECONDS)
  --metrics HOST:PORT serve /metrics and /healthz there (SLUICE_HELM_METRICS)
  --log-level LEVEL   debug, info, warn or error (SLUICE_LOG_LEVEL)
`;

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];

/** Flags and the environment variables that stand for them. */
const variables = {
  kubeconfig: 'KUBECONFIG',
  data: 'SLUICE_HELM_OPERATOR_DATA',
  namespace: 'SLUICE_NAMESPACE',
  concurrency: 'SLUICE_HELM_CONCURRENCY',
  'override-managers': 'SLUICE_HELM_OVERRIDE_MANAGERS',
  'shutdown-seconds': 'SLUICE_HELM_SHUTDOWN_SECONDS',
  metrics: 'SLUICE_HELM_METRICS',
  'log-level': 'SLUICE_LOG_LEVEL',
  'origin-labels': 'SLUICE_HELM_ORIGIN_LABELS',
} as const;

type Flag = keyof typeof variables;
type Environment = Readonly<Record<string, string | undefined>>;
type Refuse = (path: string, message: string) => void;

/** Read flags and environment; every problem at once. Flags win. */
export function parseConfig(args: readonly string[], env: Environment): Result<MainConfig> {
  const problems: Problem[] = [];
  const refuse: Refuse = (path, message) => void problems.push({ code: 'BadConfig', severity: 'error', path, message });
  const given = readGiven(args, env, refuse);
  const { data = '', kubeconfig, namespace } = given;
  if (!data) refuse('--data', 'is missing; name a directory that may be written to');
  const wholeNumber = (flag: Flag, fallback: number, most: number): number => {
    const value = Number(given[flag] ?? fallback);
    if (!Number.isInteger(value) || value < 1 || value > most)
      refuse(`--${flag}`, `must be a whole number from 1 to ${most}`);
    return value;
  };
  const concurrency = wholeNumber('concurrency', defaultConfig.concurrency, 256);
  const shutdownMs = wholeNumber('shutdown-seconds', defaultConfig.shutdownMs / 1_000, 3_600) * 1_000;
  const metrics = readAddress(given.metrics, refuse);
  const overrideManagers = namesIn(given['override-managers']);
  const logLevel = levels.find((level) => level === (given['log-level'] ?? 'info'));
  if (!logLevel) refuse('--log-level', `must be one of ${levels.join(', ')}`);
  if (problems.length > 0) return { ok: false, problems };
  const value = {
    concurrency,
    dataDirectory: data,
    shutdownMs,
    logLevel: logLevel ?? 'info',
    ...(kubeconfig ? { kubeconfig } : {}),
    ...(namespace ? { namespace } : {}),
    ...(overrideManagers.length > 0 ? { overrideManagers } : {}),
    ...(metrics ? { metrics } : {}),
    ...(given['origin-labels'] === 'true' ? { originLabels: true } : {}),
  };
  return { ok: true, value: Object.freeze(value) };
}

function namesIn(list: string | undefined): readonly string[] {
  return (list ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
}

function readAddress(text: string | undefined, refuse: Refuse): MainConfig['metrics'] {
  if (text === undefined) return undefined;
  const colon = text.lastIndexOf(':');
  const host = text.slice(0, Math.max(0, colon)).replace(/^\[(.*)\]$/, '$1');
  const port = text.slice(colon + 1);
  if (host && /^\d{1,5}$/.test(port) && Number(port) < 65_536) return { host, port: Number(port) };
  refuse('--metrics', 'must be an address such as 127.0.0.1:9090');
  return undefined;
}

function readGiven(args: readonly string[], env: Environment, refuse: Refuse): Readonly<Partial<Record<Flag, string>>> {
  const flags = Object.keys(variables);
  const typeOf = (flag: string) => ({ type: flag === 'origin-labels' ? 'boolean' : 'string' }) as const;
  try {
    const options = Object.fromEntries(flags.map((flag) => [flag, typeOf(flag)]));
    const { values } = parseArgs({ args: [...args], options });
    const found = Object.entries(variables).map(([flag, variable]) => {
      const value = values[flag];
      return [flag, value === undefined ? env[variable] : String(value)];
    });
    return Object.fromEntries(found.filter(([, value]) => value !== undefined)) as Partial<Record<Flag, string>>;
  } catch (error) {
    refuse('arguments', error instanceof Error ? error.message : String(error));
    return {};
  }
}
