/** A command line and what is to come of it. */
export type CommandLine = {
  /** For /bin/sh, in the directory that holds the stage's files. */
  readonly run: string;
  /** What its output has to match, standard output and errors together. */
  readonly out?: RegExp;
  /** The exit code; 0 when left out. */
  readonly code?: number;
};

/** `run`, its output, its exit code. */
export function line(run: string, out?: RegExp, code = 0): CommandLine {
  return { run, code, ...(out ? { out } : {}) };
}
