import { parseKey, TerminalError } from '@sluice/model';
import type { Reconcile, ReconcileResult } from './controller.ts';

/** What became of one call of a reconciler. */
export type ReconcileEnd =
  | { readonly kind: 'done'; readonly result: ReconcileResult }
  | { readonly kind: 'failed'; readonly error: unknown; readonly result: 'error' | 'terminal' | 'timeout' };

/** Signals of the reconciles under way: one stop for all, without a listener left behind by any. */
export class ReconcileRuns {
  readonly #open = new Set<AbortController>();
  readonly #timeoutMs: number;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Call the reconciler with a signal that fires after the time limit, at {@link abort}, and when `term` ends. */
  async run(reconcile: Reconcile, key: string, term?: AbortSignal): Promise<ReconcileEnd> {
    const stop = new AbortController();
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      stop.abort(new Error(`reconcile took longer than ${this.#timeoutMs} ms`));
    }, this.#timeoutMs);
    const onTermEnd = (): void => stop.abort(term?.reason);
    term?.addEventListener('abort', onTermEnd, { once: true });
    this.#open.add(stop);
    try {
      return { kind: 'done', result: await reconcile(parseKey(key), stop.signal) };
    } catch (error) {
      const result = error instanceof TerminalError ? 'terminal' : timedOut ? 'timeout' : 'error';
      return { kind: 'failed', error, result };
    } finally {
      clearTimeout(timer);
      term?.removeEventListener('abort', onTermEnd);
      this.#open.delete(stop);
    }
  }

  /** Fire the signals of all reconciles under way. */
  abort(reason: Error): void {
    for (const stop of this.#open) stop.abort(reason);
  }
}

/** True for what only a mistake in the program throws; counted as a panic. */
export function isProgramMistake(error: unknown): boolean {
  const mistakes = [TypeError, ReferenceError, RangeError, SyntaxError];
  return !(error instanceof Error) || mistakes.some((kind) => error instanceof kind);
}
