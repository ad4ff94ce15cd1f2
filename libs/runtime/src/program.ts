import { ListenError, serveHttp } from './http-server.ts';
import { type HttpHandler } from './http.ts';
import { createLog, type Log, type LogLevel } from './log.ts';
import { createMetrics, type MetricsRegistry } from './metrics.ts';
import { createTracer } from './open-telemetry.ts';
import { Closers } from './running.ts';
import {
  addressSetting,
  choiceSetting,
  readSettings,
  type Settings,
  settingsUsage,
  type SettingValues,
  textSetting,
} from './settings.ts';
import type { Tracer } from './span.ts';

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];

/** What every program has. */
const commonSettings = {
  logLevel: choiceSetting({ env: 'SLUICE_LOG_LEVEL', help: 'how much is logged', choices: levels, fallback: 'info' }),
  metrics: addressSetting({ env: 'SLUICE_METRICS', help: 'serve /metrics, /healthz and /readyz there' }),
  traces: textSetting({
    env: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    placeholder: 'URL',
    help: 'send traces to this OpenTelemetry collector, by OTLP over HTTP',
  }),
};

/** A program: what it is called and does, its settings, and how it starts. */
export type Program<S extends Settings> = {
  readonly name: string;
  readonly description: string;
  readonly settings: S;
  /**
   * Starts everything and hands what must be closed to `closers`; also when it throws, what was handed over is closed.
   */
  readonly start: (parts: ProgramParts<S>) => Promise<void>;
  /** Whether an error is about how the program was set up: people get its message, not its stack. */
  readonly isSetupError: (error: unknown) => boolean;
};

export type ProgramParts<S extends Settings> = {
  readonly settings: SettingValues<S>;
  readonly log: Log;
  readonly closers: Closers;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where to report to, if anybody reads it. */
  readonly metrics?: MetricsRegistry;
  /** Where spans go, if anybody takes them. */
  readonly tracer?: Tracer;
  /** End the program with exit code 1 because it cannot go on; closes what was handed over first. */
  readonly fail: (why: Error) => void;
};

/**
 * Run a program until SIGTERM or SIGINT; a second signal ends it at once. Exit codes: 0 closed, 1 failed, 2 wrong
 * settings. `--help` prints what it understands.
 */
export async function runProgram<S extends Settings>(program: Program<S>): Promise<void> {
  const { name, description } = program;
  const settings = { ...commonSettings, ...program.settings };
  if (process.argv.includes('--help')) {
    process.stdout.write(`${name}: ${description}\n\n${settingsUsage(settings)}`);
    return;
  }
  const read = readSettings(settings, process.argv.slice(2), process.env);
  if (!read.ok) {
    process.stderr.write(`${name} cannot start:\n${read.problems.map((line) => `  ${line}\n`).join('')}`);
    process.stderr.write(`${name} --help tells what it understands\n`);
    process.exitCode = 2;
    return;
  }
  const { logLevel, metrics: address, traces } = read.value as SettingValues<typeof commonSettings>;
  const log = createLog({ level: logLevel });
  const closers = new Closers();
  const stop = stopOnce(name, closers, log);
  let ready = false;
  try {
    const metrics = address ? await serveMetrics(address, { log, closers, isReady: () => ready }) : undefined;
    const tracer = traces ? await createTracer({ endpoint: traces, serviceName: name }) : undefined;
    if (tracer) closers.add(() => tracer.close());
    const fail = (why: Error): void => {
      log.error('cannot go on', { program: name, error: why });
      stop(1);
    };
    const parts = { settings: read.value as SettingValues<S>, log, closers, env: process.env, fail };
    await program.start({ ...parts, ...(metrics ? { metrics } : {}), ...(tracer ? { tracer } : {}) });
    ready = true;
    closers.add(() => void (ready = false));
  } catch (error) {
    const isSetup = error instanceof ListenError || program.isSetupError(error);
    const text = isSetup && error instanceof Error ? error.message : describe(error);
    process.stderr.write(`${name} cannot start: ${text}\n`);
    await closers.close();
    process.exit(isSetup ? 2 : 1);
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop(0, signal));
}

type Served = { readonly log: Log; readonly closers: Closers; readonly isReady: () => boolean };

/** Figures for Prometheus, whether the program lives, and whether it has started. Nothing else is answered. */
async function serveMetrics(
  address: { readonly host: string; readonly port: number },
  { log, closers, isReady }: Served,
): Promise<MetricsRegistry> {
  const metrics = await createMetrics();
  closers.add(() => metrics.close());
  const text = (status: number, body: string, type = 'text/plain') => ({
    status,
    headers: { 'content-type': type },
    body,
  });
  const answer: HttpHandler = async ({ path }) => {
    switch (path) {
      case '/healthz':
        return text(200, 'ok\n');
      case '/readyz':
        return isReady() ? text(200, 'ok\n') : text(503, 'not ready\n');
      case '/metrics':
        return text(200, await metrics.text(), metrics.contentType);
      default:
        return text(404, 'not found; there are /metrics, /healthz and /readyz\n');
    }
  };
  const server = await serveHttp(answer, { ...address, onError: (error) => log.error('request failed', { error }) });
  closers.add(() => server.close());
  log.info('metrics served', { url: server.url });
  return metrics;
}

/** Closes everything and exits; asked again by a signal, exits at once. */
function stopOnce(name: string, closers: Closers, log: Log): (code: number, signal?: string) => void {
  let stopping = false;
  return (code, signal) => {
    if (stopping && signal) process.exit(1);
    if (stopping) return;
    stopping = true;
    log.info('stopping', { program: name, signal });
    closers.close().then(
      () => process.exit(code),
      (error: unknown) => {
        log.error('did not stop cleanly', { program: name, error });
        process.exit(1);
      },
    );
  };
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
