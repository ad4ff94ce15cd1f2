/** What a command sees of the world: results to `out`, everything else to `err`. */
export type Io = {
  /** Write a line of results. */
  out(line: string): void;
  /** Write a line for people: progress, warnings, errors. */
  err(line: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Standard output is a terminal. */
  readonly terminal: boolean;
  readonly colour: boolean;
  readonly cwd: string;
  /** Fires on SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  /** Register something to close once the command has ended. */
  defer(close: () => Promise<void>): void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
};

type Environment = Readonly<Record<string, string | undefined>>;

/** Colour as NO_COLOR, FORCE_COLOR and the terminal say. */
export function wantsColour(env: Environment, terminal: boolean): boolean {
  if (env['NO_COLOR']) return false;
  if (env['FORCE_COLOR'] && env['FORCE_COLOR'] !== '0') return true;
  return terminal && env['TERM'] !== 'dumb';
}

/** The Io of this process. */
export function processIo(signal: AbortSignal, defer: Io['defer']): Io {
  const terminal = process.stdout.isTTY === true;
  return {
    out: (line) => void process.stdout.write(`${line}\n`),
    err: (line) => void process.stderr.write(`${line}\n`),
    env: process.env,
    terminal,
    colour: wantsColour(process.env, terminal),
    cwd: process.cwd(),
    signal,
    defer,
    now: () => Date.now(),
  };
}
