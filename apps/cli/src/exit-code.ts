/** Exit codes of every command; the same table is printed by `sluice exit-codes`. */
export const exitCodes = Object.freeze({
  ok: 0,
  failed: 1,
  usage: 2,
  lint: 3,
  notFound: 4,
  denied: 5,
  unreachable: 6,
  timeout: 7,
  interrupted: 130,
});

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** What each code means, in the order of the codes. */
export const exitCodeMeanings: readonly (readonly [ExitCode, string])[] = [
  [0, 'done'],
  [1, 'the run failed, or the answer is no'],
  [2, 'the command was used wrongly'],
  [3, 'lint found an error'],
  [4, 'not found'],
  [5, 'denied: no or the wrong credentials'],
  [6, 'the server could not be reached'],
  [7, 'timed out'],
  [130, 'interrupted'],
];

/** Ends a command with a message for people and an exit code. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: ExitCode;
  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
