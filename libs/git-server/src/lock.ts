/** Runs tasks of the same key one after the other. */
export type KeyedLock = { run<T>(key: string, task: () => Promise<T>): Promise<T> };

/** A lock that lives in this process. A failed task does not stop the next one. */
export function createKeyedLock(): KeyedLock {
  const tails = new Map<string, Promise<unknown>>();
  return {
    run(key, task) {
      const before = tails.get(key) ?? Promise.resolve();
      const current = before.then(task, task);
      const tail = current.then(settled, settled);
      tails.set(key, tail);
      void tail.then(() => {
        if (tails.get(key) === tail) tails.delete(key);
      });
      return current;
    },
  };
}

function settled(): void {}
