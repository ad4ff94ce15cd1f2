/** Lets a newer desired state end an operation that still waits for the older one. */
export class Interrupts {
  readonly #running = new Map<string, AbortController>();

  /** A signal that fires when the release `key` is superseded or `signal` does. Call `end` when the operation has ended. */
  begin(key: string, signal: AbortSignal): { readonly signal: AbortSignal; readonly end: () => void } {
    const controller = new AbortController();
    this.#running.set(key, controller);
    const end = (): void => void (this.#running.get(key) === controller && this.#running.delete(key));
    return { signal: AbortSignal.any([controller.signal, signal]), end };
  }

  /** End what runs for a release; nothing happens when nothing does. */
  supersede(key: string, why: string): void {
    this.#running.get(key)?.abort(new Superseded(why));
  }
}

/** Why an operation was interrupted. */
export class Superseded extends Error {
  override readonly name = 'Superseded';
}
