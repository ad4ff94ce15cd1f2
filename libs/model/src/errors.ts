/** A fault that may pass: retry with backoff. */
export class TransientError extends Error {
  override readonly name = 'TransientError';
}

/** A fault that stays until somebody changes something: written to a condition under `reason`, not retried. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError';
  readonly reason: string;
  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
