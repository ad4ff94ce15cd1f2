/** When a report may be sent again: intermediate ones are spaced out, final ones go at once. */
export type SendDecision = 'send' | 'same' | { readonly waitMs: number };

/** What was last reported about each object, by its key. Forgotten once final (then the object itself says so) or gone. */
export class ReportMemory {
  readonly #sent = new Map<string, { readonly text: string; readonly atMs: number }>();
  readonly #intervalMs: number;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  decide(key: string, text: string, final: boolean, nowMs: number): SendDecision {
    const last = this.#sent.get(key);
    if (!last) return 'send';
    if (last.text === text) return 'same';
    const waitMs = last.atMs + this.#intervalMs - nowMs;
    return final || waitMs <= 0 ? 'send' : { waitMs: Math.min(waitMs, this.#intervalMs) };
  }

  sent(key: string, text: string, nowMs: number): void {
    this.#sent.set(key, { text, atMs: nowMs });
  }

  forget(key: string): void {
    this.#sent.delete(key);
  }
}
