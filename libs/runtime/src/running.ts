/** What every app's `start(config, ports)` returns. */
export type Running = {
  /** Stop taking work, finish or hand back what is under way, release everything. Bounded in time. */
  close(): Promise<void>;
};

/** Runs closers in reverse order of registration, each to its end, and reports the first failure afterwards. */
export class Closers {
  readonly #closers: (() => Promise<void> | void)[] = [];

  add(close: () => Promise<void> | void): void {
    this.#closers.push(close);
  }

  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (const close of this.#closers.splice(0).reverse()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
