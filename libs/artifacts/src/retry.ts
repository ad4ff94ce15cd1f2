import { setTimeout as delay } from 'node:timers/promises';
import { ArtifactError } from './artifact-error.ts';

export type RetryOptions = { readonly attempts: number; readonly firstDelayMs: number; readonly signal: AbortSignal };

/** Try again what failed for a reason that may pass, with growing pauses, a bounded number of times. */
export async function retried<T>(
  work: (attempt: number) => Promise<T>,
  { attempts, firstDelayMs, signal }: RetryOptions,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    try {
      return await work(attempt);
    } catch (error) {
      const passing = error instanceof ArtifactError && error.kind === 'transient';
      if (!passing || attempt >= attempts) throw error;
    }
    await delay(firstDelayMs * 2 ** (attempt - 1), undefined, { signal });
  }
}
