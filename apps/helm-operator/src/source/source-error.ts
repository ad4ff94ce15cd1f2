/** Why a source has no new artifact. `reason` becomes the condition's. */
export type SourceFailure =
  'AuthenticationFailed' | 'BuildFailed' | 'DigestMismatch' | 'FetchFailed' | 'NotFound' | 'SourceNotReady';

/** A source cannot be fetched. `transient` ones are tried again with backoff, the others at the interval. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
  readonly reason: SourceFailure;
  readonly transient: boolean;
  constructor(reason: SourceFailure, message: string, options: { transient?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.reason = reason;
    this.transient = options.transient ?? false;
  }
}
