import { formatProblems, type Problem, type Result } from '@sluice/model';
import type { LogLevel } from '@sluice/runtime';

/** What the orchestrator needs to know about its surroundings. */
export type OrchestratorConfig = {
  /** Watch this namespace only; all when absent. */
  readonly namespace?: string;
  /** `host[:port]` of the registry that pipelines push to and releases pull from. */
  readonly registry: string;
  /** The registry speaks plain HTTP. */
  readonly registryInsecure: boolean;
  /** Image of steps that name none; the default of @sluice/pipeline when absent. */
  readonly toolsImage?: string;
  /** Deliveries handled at a time. */
  readonly concurrency: number;
  /** How often the heads of a repository are compared with what was handled. */
  readonly repairIntervalMs: number;
  /** Least time between two intermediate reports of one run. */
  readonly reportIntervalMs: number;
  /** Lines of the failing step's log that a check shows. */
  readonly logTailLines: number;
};

/** Configuration of the program itself, besides that of the app. */
export type ProgramConfig = {
  readonly orchestrator: OrchestratorConfig;
  readonly redisUrl: string;
  /** Where mirrors of repositories are kept; may be lost. */
  readonly dataDir: string;
  /** Hosts that repositories may be fetched from although their addresses are private. */
  readonly privateHosts: readonly string[];
  readonly logLevel: LogLevel;
};

/** Defaults of everything that has one. */
export const orchestratorDefaults = Object.freeze({
  concurrency: 8,
  repairIntervalMs: 60_000,
  reportIntervalMs: 250,
  logTailLines: 50,
});

type Environment = Readonly<Record<string, string | undefined>>;

/** Read the program's configuration from the environment; every problem at once. */
export function parseConfig(environment: Environment): Result<ProgramConfig> {
  const problems: Problem[] = [];
  const add = (path: string, message: string, fix: string): void => {
    problems.push({ code: 'BadConfig', severity: 'error', path, message, fix });
  };
  const number = (name: string, fallback: number, min: number, max: number): number => {
    const text = environment[name];
    if (text === undefined || text === '') return fallback;
    const value = Number(text);
    if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
    add(name, `"${text}" is not a whole number between ${min} and ${max}`, `leave it out for ${fallback}`);
    return fallback;
  };
  const redisUrl = environment['REDIS_URL'] ?? '';
  if (redisUrl === '') {
    add(
      'REDIS_URL',
      'is not set: deliveries come through a queue that the webhook receiver shares with this program',
      'set it like redis://host:6379, or run everything in one process with sluice up',
    );
  } else if (!/^rediss?:\/\//.test(redisUrl)) add('REDIS_URL', 'is not a Redis URL', 'write it like redis://host:6379');
  const registry = environment['SLUICE_REGISTRY'] ?? '';
  if (!/^[A-Za-z0-9.-]+(:[0-9]{1,5})?$/.test(registry)) {
    add(
      'SLUICE_REGISTRY',
      registry ? `"${registry}" is not host[:port]` : 'is not set',
      'name the registry for images and charts, like registry.example.org',
    );
  }
  const logLevel = environment['SLUICE_LOG_LEVEL'] || 'info';
  if (!isLogLevel(logLevel)) add('SLUICE_LOG_LEVEL', `"${logLevel}" is no level`, 'use debug, info, warn or error');
  const orchestrator: OrchestratorConfig = {
    registry,
    registryInsecure: environment['SLUICE_REGISTRY_INSECURE'] === 'true',
    concurrency: number('SLUICE_CONCURRENCY', orchestratorDefaults.concurrency, 1, 64),
    repairIntervalMs: number('SLUICE_REPAIR_SECONDS', orchestratorDefaults.repairIntervalMs / 1_000, 5, 86_400) * 1_000,
    reportIntervalMs: number('SLUICE_REPORT_INTERVAL_MS', orchestratorDefaults.reportIntervalMs, 0, 60_000),
    logTailLines: number('SLUICE_LOG_TAIL_LINES', orchestratorDefaults.logTailLines, 0, 1_000),
    ...(environment['SLUICE_NAMESPACE'] ? { namespace: environment['SLUICE_NAMESPACE'] } : {}),
    ...(environment['SLUICE_TOOLS_IMAGE'] ? { toolsImage: environment['SLUICE_TOOLS_IMAGE'] } : {}),
  };
  if (problems.length > 0 || !isLogLevel(logLevel)) return { ok: false, problems };
  const dataDir = environment['SLUICE_DATA_DIR'] || '/var/lib/sluice';
  const privateHosts = (environment['SLUICE_PRIVATE_HOSTS'] ?? '')
    .split(',')
    .map((host) => host.trim())
    .filter(Boolean);
  return { ok: true, value: Object.freeze({ orchestrator, redisUrl, dataDir, privateHosts, logLevel }) };
}

function isLogLevel(text: string): text is LogLevel {
  return ['debug', 'info', 'warn', 'error', 'silent'].includes(text);
}

/** Text for a person whose configuration cannot be used. */
export function configMessage(problems: readonly Problem[]): string {
  return `sluice-orchestrator cannot start:\n${formatProblems(problems)}\n`;
}
