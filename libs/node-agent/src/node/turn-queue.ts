/**
 * Lets one caller through a turn of the event loop. Starting a process blocks for milliseconds: of a thousand starts at
 * once each leaves room for what else is to be done in between. Whoever comes alone does not wait.
 */
export class TurnQueue {
  readonly #waiting: (() => void)[] = [];
  #busy = false;

  async take(): Promise<void> {
    if (!this.#busy) {
      this.#busy = true;
      // The first one runs in this turn: the second is let through after the next look at the outside world.
      setImmediate(() => setImmediate(() => this.#next()));
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    await promise;
  }

  #next(): void {
    const waiter = this.#waiting.shift();
    this.#busy = waiter !== undefined;
    if (!waiter) return;
    waiter();
    setImmediate(() => this.#next());
  }
}
