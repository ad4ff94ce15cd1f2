import { createRequire } from 'node:module';
import type * as Pino from 'pino';

/** Structured log. `message` is a constant text; what varies goes into `fields`. */
export type Log = {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
  /** A log that adds these fields to every line. */
  with(fields: Record<string, unknown>): Log;
};

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** JSON lines to a file descriptor or a file; standard error by default. Keys that name secrets are redacted. */
export function createLog(options: { readonly level?: LogLevel; readonly destination?: number | string } = {}): Log {
  // Loaded with the first log: programs that write none, such as most commands of the CLI, are not to wait for it.
  const { pino } = createRequire(import.meta.url)('pino') as typeof Pino;
  const destination = pino.destination({ dest: options.destination ?? 2, sync: true });
  const logger = pino(
    {
      level: options.level ?? 'info',
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: ['token', 'secret', 'password', '*.token', '*.secret', '*.password'], censor: '***' },
      serializers: { error: pino.stdSerializers.err },
    },
    destination,
  );
  return wrap(logger);
}

/** A log that drops everything. */
export const silentLog: Log = { debug: drop, info: drop, warn: drop, error: drop, with: () => silentLog };

function drop(): void {}

function wrap(logger: Pino.Logger): Log {
  return {
    debug: (message, fields = {}) => logger.debug(fields, message),
    info: (message, fields = {}) => logger.info(fields, message),
    warn: (message, fields = {}) => logger.warn(fields, message),
    error: (message, fields = {}) => logger.error(fields, message),
    with: (fields) => wrap(logger.child(fields)),
  };
}
