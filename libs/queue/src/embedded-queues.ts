import type { Result } from '@sluice/model';
import { EmbeddedQueue } from './embedded-queue.ts';
import type { KeyValueStore } from './key-value-store.ts';
import { checkQueueName, type Queue, type Queues } from './queue.ts';

export type EmbeddedQueuesOptions = {
  /** Keys begin with `queue/`. One process at a time. */
  readonly store: KeyValueStore;
  readonly now?: () => number;
  /** Told when the store refuses a write that the queues must repeat. */
  readonly onError?: (error: unknown) => void;
};

/** Queues in this process over a key-value store. `close` leaves the store open. */
export function createEmbeddedQueues(options: EmbeddedQueuesOptions): Queues & {
  /** For tests: stop as a killed process does, without storing anything more. */
  kill(): void;
} {
  const queues = new Map<string, EmbeddedQueue<unknown>>();
  const { store, now = Date.now, onError = () => {} } = options;
  return {
    queue<T>(name: string, parse: (data: unknown) => Result<T>): Queue<T> {
      checkQueueName(name);
      if (queues.has(name)) throw new Error(`queue ${name} is open already: open it once and hand it on`);
      const queue = new EmbeddedQueue<T>({ name, store, now, parse, onError });
      queues.set(name, queue as unknown as EmbeddedQueue<unknown>);
      return queue;
    },
    async close() {
      await Promise.all([...queues.values()].map((queue) => queue.close()));
    },
    kill() {
      for (const queue of queues.values()) queue.kill();
    },
  };
}
