import { createLog, type Log, type LogLevel } from './log.ts';
import { Closers } from './running.ts';
import { choiceSetting, readSettings, type Settings, settingsUsage, type SettingValues } from './settings.ts';

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];

/** What every program has. */
const commonSettings = {
  logLevel: choiceSetting({ env: 'SLUICE_LOG_LEVEL', help: 'how much is logged', choices: levels, fallback: 'info' }),
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
  const { logLevel } = read.value as SettingValues<typeof commonSettings>;
  const log = createLog({ level: logLevel });
  const closers = new Closers();
  try {
    await program.start({ settings: read.value as SettingValues<S>, log, closers, env: process.env });
  } catch (error) {
    const isSetup = program.isSetupError(error);
    const text = isSetup && error instanceof Error ? error.message : describe(error);
    process.stderr.write(`${name} cannot start: ${text}\n`);
    await closers.close();
    process.exit(isSetup ? 2 : 1);
  }
  closeOnSignals(name, closers, log);
}

function closeOnSignals(name: string, closers: Closers, log: Log): void {
  let stopping = false;
  const stop = (signal: string): void => {
    if (stopping) process.exit(1);
    stopping = true;
    log.info('stopping', { program: name, signal });
    closers.close().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error('did not stop cleanly', { program: name, error });
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
