/** The longest delay that a Node timer takes. Longer waits are cut to it; looking early does no harm. */
export const maxTimerMs = 2_147_483_647;

/** `baseMs` doubled with every failure, at most `maxMs`. `failures` counts from 1. */
export function exponentialDelayMs(failures: number, baseMs: number, maxMs: number): number {
  return Math.min(maxMs, baseMs * 2 ** Math.min(Math.max(failures - 1, 0), 60));
}

/** Between 50 % and 100 % of the delay, so that many waiters do not come back at once. */
export function jittered(delayMs: number, random: () => number = Math.random): number {
  return Math.round(delayMs * (0.5 + random() / 2));
}

/** Wait. Resolves early, without an error, when the signal fires: look at the signal afterwards. */
export function pause(delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, Math.min(delayMs, maxTimerMs));
    signal?.addEventListener('abort', done, { once: true });
  });
}
