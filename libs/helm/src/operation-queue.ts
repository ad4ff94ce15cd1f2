/** Runs operations: one at a time for each key, and at most `concurrency` at a time in all. First come, first served. */
export class OperationQueue {
  readonly #concurrency: number;
  readonly #tails = new Map<string, Promise<void>>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  /** Run `work` when its turn has come. Rejects without running it when the signal fires before that. */
  async run<T>(key: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const { promise: mine, resolve: release } = Promise.withResolvers<void>();
    const tail = before.then(() => mine);
    this.#tails.set(key, tail);
    try {
      await before;
      signal?.throwIfAborted();
      await this.#enter();
      try {
        signal?.throwIfAborted();
        return await work();
      } finally {
        this.#leave();
      }
    } finally {
      release();
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    }
  }

  /** Keep a key taken until `work` has ended, without counting against the concurrency. */
  hold(key: string, work: Promise<void>): void {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const tail = Promise.allSettled([before, work]).then(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    });
    this.#tails.set(key, tail);
  }

  /** Resolves once nothing runs or waits for a key. */
  async settled(key: string): Promise<void> {
    for (let tail = this.#tails.get(key); tail; tail = this.#tails.get(key)) await tail;
  }

  /** Resolves once nothing runs or waits. */
  async idle(): Promise<void> {
    while (this.#tails.size > 0) await Promise.all(this.#tails.values());
  }

  async #enter(): Promise<void> {
    if (this.#running < this.#concurrency) {
      this.#running++;
      return;
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** The place is handed to the next one that waits, so that nobody can slip in between. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#running--;
  }
}
