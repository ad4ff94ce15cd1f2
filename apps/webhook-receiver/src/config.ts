import type { Problem, Result } from '@sluice/model';
import { type LogLevel, Secret } from '@sluice/runtime';
import { parseArgs } from 'node:util';
import type { ReceiverConfig } from './receiver.ts';

/** What `main.ts` runs with. */
export type ReceiverSettings = {
  readonly receiver: ReceiverConfig;
  readonly redisUrl: Secret;
  readonly kubeconfig?: string;
  readonly logLevel: LogLevel;
};

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];

/** Flags win over the environment. Reports everything that is wrong at once. */
export function parseConfig(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Result<ReceiverSettings> {
  const problems: Problem[] = [];
  const problem = (path: string, message: string): void => {
    problems.push({ code: 'BadConfig', severity: 'error', path, message });
  };
  const flags = readFlags(args, problem);
  const port = Number(flags['port'] ?? env['PORT'] ?? '8080');
  if (!Number.isInteger(port) || port < 0 || port > 65_535) problem('--port or PORT', 'must be a port from 0 to 65535');
  const redis = env['REDIS_URL'] ?? '';
  if (redis === '') problem('REDIS_URL', 'is required: redis://host:6379, where accepted deliveries are kept');
  else if (!/^(rediss?:\/\/|\/)/.test(redis)) problem('REDIS_URL', 'must begin with redis://, rediss:// or /');
  const level = flags['log-level'] ?? env['LOG_LEVEL'] ?? 'info';
  const logLevel = levels.find((known) => known === level);
  if (!logLevel) problem('--log-level or LOG_LEVEL', `must be one of ${levels.join(', ')}`);
  const namespace = flags['namespace'] ?? env['NAMESPACE'];
  const kubeconfig = flags['kubeconfig'];
  if (problems.length > 0 || !logLevel) return { ok: false, problems };
  const host = flags['host'] ?? env['HOST'] ?? '0.0.0.0';
  const settings: ReceiverSettings = {
    receiver: Object.freeze({ host, port, ...(namespace ? { namespace } : {}) }),
    redisUrl: new Secret(redis),
    logLevel,
    ...(kubeconfig ? { kubeconfig } : {}),
  };
  return { ok: true, value: Object.freeze(settings) };
}

function readFlags(
  args: readonly string[],
  problem: (path: string, message: string) => void,
): Readonly<Record<string, string | undefined>> {
  const option = { type: 'string' } as const;
  const options = { host: option, port: option, namespace: option, kubeconfig: option, 'log-level': option };
  try {
    return parseArgs({ args: [...args], options, strict: true }).values;
  } catch (error) {
    problem('arguments', error instanceof Error ? error.message : String(error));
    return {};
  }
}
