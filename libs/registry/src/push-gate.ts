/**
 * Keeps pushes and the removal of garbage apart. Pushes go on side by side; a removal waits for those under way, and holds up
 * new ones only for the moment that it takes. What is received over the network is never waited for inside.
 */
export class PushGate {
  readonly #pushes = new Set<Promise<unknown>>();
  readonly #counts = new Map<string, number>();
  #alone: Promise<void> | undefined;

  /** Do what makes content of a repository known. */
  async push<T>(repository: string, work: () => Promise<T>): Promise<T> {
    while (this.#alone) await this.#alone;
    // Counted at its end: a look at the repository that began before it did not see what it brings.
    const running = work().finally(() => this.#counts.set(repository, this.pushesOf(repository) + 1));
    this.#pushes.add(running);
    try {
      return await running;
    } finally {
      this.#pushes.delete(running);
    }
  }

  /** How many pushes to a repository have ended: the same number twice means that it has gained nothing in between. */
  pushesOf(repository: string): number {
    return this.#counts.get(repository) ?? 0;
  }

  /** Do what no push may happen beside. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    while (this.#alone) await this.#alone;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#alone = promise;
    try {
      await Promise.allSettled(this.#pushes);
      return await work();
    } finally {
      this.#alone = undefined;
      resolve();
    }
  }
}
