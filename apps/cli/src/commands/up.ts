import {
  DataDirectoryError,
  defaultDirectory,
  defaultPorts,
  type LocalConfig,
  loadServers,
  parseRuntime,
} from '@sluice/local';
import { createLog, ListenError, type LogLevel } from '@sluice/runtime';
import { CommandError, type ExitCode, exitCodes } from '../exit-code.ts';
import type { Io } from '../io.ts';

export type UpOptions = {
  readonly data?: string;
  readonly runtime?: string;
  readonly clusterOnly?: boolean;
  readonly apiPort?: string;
  readonly forgePort?: string;
  readonly registryPort?: string;
  readonly receiverPort?: string;
  readonly logLevel?: string;
};

/** `sluice up`: the embedded cluster until it is told to stop. */
export async function upCommand(options: UpOptions, io: Io): Promise<ExitCode> {
  const config = localConfig(options, options.data ?? defaultDirectory(io.env), io);
  const started = io.now();
  const { startLocal } = await loadServers();
  const log = createLog({ level: parseLevel(options.logLevel) });
  const local = await explainingStart(() => startLocal(config, { log, now: io.now }));
  const { context } = local;
  io.out(`sluice is ready after ${io.now() - started} ms`);
  io.out(`  data         ${config.directory}`);
  io.out(`  pods run as  ${context.runtime} (${local.runtimeReason})`);
  io.out(`  API          ${context.apiUrl}`);
  io.out(`  kubeconfig   ${context.kubeconfig}`);
  io.out(`  git          ${context.gitUrl}/NAME.git`);
  io.out(`  forge        ${context.forgeUrl}`);
  io.out(`  registry     ${context.registryUrl}`);
  io.out(`  webhooks     ${context.receiverUrl}/hooks/ROUTE${config.clusterOnly ? ' (yours to start)' : ''}`);
  io.out('');
  io.out(`  export KUBECONFIG=${context.kubeconfig} PATH=${local.binDirectory}:$PATH     # kubectl and helm`);
  io.out('  sluice repo add NAME                                  # a repository to push to');
  await untilAborted(io.signal);
  io.err('stopping');
  await local.close();
  return exitCodes.ok;
}

/** Options of the command line as a config; throws a usage error that names every wrong one. */
export function localConfig(
  options: UpOptions,
  directory: string,
  io: Io,
  ports = defaultPorts as LocalConfig['ports'],
): LocalConfig {
  const problems: string[] = [];
  const port = (name: string, text: string | undefined, fallback: number): number => {
    if (text === undefined) return fallback;
    const value = Number(text);
    if (!Number.isInteger(value) || value < 0 || value > 65_535)
      problems.push(`${name} ${text}: must be a port between 0 (any free one) and 65535`);
    return value;
  };
  const chosen = {
    api: port('--api-port', options.apiPort, ports.api),
    forge: port('--forge-port', options.forgePort, ports.forge),
    registry: port('--registry-port', options.registryPort, ports.registry),
    receiver: port('--receiver-port', options.receiverPort, ports.receiver),
  };
  const runtime = parseRuntime(options.runtime ?? io.env['SLUICE_RUNTIME']);
  if (!runtime)
    problems.push(`--runtime ${options.runtime ?? io.env['SLUICE_RUNTIME']}: use auto, sandbox, process or containerd`);
  const { clusterOnly = false } = options;
  if (clusterOnly && chosen.receiver === 0)
    problems.push('--cluster-only: --receiver-port must be the port where your webhook receiver will listen, not 0');
  if (problems.length > 0 || !runtime) throw new CommandError(exitCodes.usage, problems.join('\n'));
  return { directory, host: '127.0.0.1', ports: chosen, runtime, clusterOnly, env: io.env };
}

/** Turn what can go wrong at start into a message and an exit code. */
export async function explainingStart<T>(start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    if (error instanceof ListenError) throw failure(`${error.message}${portHint}`, error);
    if (error instanceof DataDirectoryError) throw failure(error.message, error);
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const reason = diskFaults[code];
    if (reason) throw failure(`${reason} (${messageOf(error)})`, error);
    throw error;
  }
}

const portHint = ' (--api-port, --forge-port, --registry-port, --receiver-port; 0 is any free one)';
const diskFaults: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left for the data directory: free some, or choose another disk with --data',
  EDQUOT: 'the disk quota for the data directory is used up: free some space, or choose another disk with --data',
  EROFS: 'the data directory lies on a read-only disk; choose another with --data',
  EACCES: 'the data directory may not be written by this user; choose another with --data',
};

function failure(message: string, cause: unknown): CommandError {
  return new CommandError(exitCodes.failed, message, { cause });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function parseLevel(text: string | undefined): LogLevel {
  const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];
  if (text === undefined) return 'warn';
  const level = levels.find((name) => name === text);
  if (!level) throw new CommandError(exitCodes.usage, `--log-level ${text}: use ${levels.join(', ')}`);
  return level;
}

/** Resolves when the signal fires. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
