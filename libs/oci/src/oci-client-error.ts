/** Why a registry operation failed. Only `Unavailable` may pass by itself. */
export type OciFailure =
  'BadReference' | 'NotFound' | 'Denied' | 'Refused' | 'DigestMismatch' | 'TooLarge' | 'Unavailable';

/** A failed registry operation. `message` names the reference, the cause and, where known, what to do. */
export class OciClientError extends Error {
  override readonly name = 'OciClientError';
  readonly failure: OciFailure;
  readonly retryAfterMs: number | undefined;
  constructor(failure: OciFailure, message: string, options?: ErrorOptions & { readonly retryAfterMs?: number }) {
    super(message, options);
    this.failure = failure;
    this.retryAfterMs = options?.retryAfterMs;
  }
}
