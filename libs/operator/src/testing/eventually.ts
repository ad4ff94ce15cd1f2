import { setTimeout as delay } from 'node:timers/promises';

/**
 * Look again and again until `probe` has something: neither undefined nor false, and nothing thrown. Throws what the last look threw,
 * or says what was waited for, when that takes longer than `limitMs` (20 s).
 */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | undefined | false>,
  limitMs = 20_000,
): Promise<T> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    let failure: unknown;
    try {
      const found = await probe();
      if (found !== undefined && found !== false) return found;
    } catch (error) {
      failure = error;
    }
    if (performance.now() > endMs) throw new Error(`not within ${limitMs} ms: ${what}`, { cause: failure });
    await delay(20);
  }
}
