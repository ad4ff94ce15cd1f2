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
};

/** Settings of the program: the operator's, and where to find things. */
export type MainConfig = HelmOperatorConfig & {
  readonly kubeconfig?: string;
  readonly dataDirectory: string;
  readonly logLevel: LogLevel;
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
  --log-level LEVEL   debug, info, warn or error (SLUICE_LOG_LEVEL)
`;

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];

/** Read flags and environment; every problem at once. Flags win. */
export function parseConfig(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Result<MainConfig> {
  const problems: Problem[] = [];
  const refuse = (path: string, message: string): void =>
    void problems.push({ code: 'BadConfig', severity: 'error', path, message });
  const flags = readFlags(args, refuse);
  const dataDirectory = flags['data'] ?? env['SLUICE_HELM_OPERATOR_DATA'] ?? '';
  if (!dataDirectory) refuse('--data', 'is missing; name a directory that may be written to');
  const concurrencyText = flags['concurrency'] ?? env['SLUICE_HELM_CONCURRENCY'];
  const concurrency = concurrencyText === undefined ? defaultConfig.concurrency : Number(concurrencyText);
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 256)
    refuse('--concurrency', 'must be a whole number from 1 to 256');
  const levelText = flags['log-level'] ?? env['SLUICE_LOG_LEVEL'] ?? 'info';
  const logLevel = levels.find((level) => level === levelText);
  if (!logLevel) refuse('--log-level', `must be one of ${levels.join(', ')}`);
  const kubeconfig = flags['kubeconfig'] ?? env['KUBECONFIG'];
  const namespace = flags['namespace'] ?? env['SLUICE_NAMESPACE'];
  if (problems.length > 0) return { ok: false, problems };
  const value = {
    concurrency,
    dataDirectory,
    shutdownMs: defaultConfig.shutdownMs,
    logLevel: logLevel ?? 'info',
    ...(kubeconfig ? { kubeconfig } : {}),
    ...(namespace ? { namespace } : {}),
    ...((flags['origin-labels'] ?? env['SLUICE_HELM_ORIGIN_LABELS']) === 'true' ? { originLabels: true } : {}),
  };
  return { ok: true, value: Object.freeze(value) };
}

function readFlags(
  args: readonly string[],
  refuse: (path: string, message: string) => void,
): Readonly<Record<string, string | undefined>> {
  const text = { type: 'string' } as const;
  try {
    const options = { kubeconfig: text, data: text, namespace: text, concurrency: text, 'log-level': text };
    const flag = { type: 'boolean' } as const;
    const { values } = parseArgs({ args: [...args], options: { ...options, 'origin-labels': flag } });
    const { 'origin-labels': labels, ...texts } = values;
    return { ...texts, ...(labels ? { 'origin-labels': 'true' } : {}) };
  } catch (error) {
    refuse('arguments', error instanceof Error ? error.message : String(error));
    return {};
  }
}
