import type { KeyValueStore } from './key-value-store.ts';

/** A store in memory that can be told to fail. Commits take effect a turn later, as real ones do. */
export type FakeKeyValueStore = KeyValueStore & {
  /** Make the next commits fail. */
  failCommits(count: number, error?: Error): void;
  readonly commits: number;
  readonly size: number;
};

/** An empty store. */
export function fakeKeyValueStore(): FakeKeyValueStore {
  const entries = new Map<string, Uint8Array>();
  let failures = 0;
  let failure = new Error('the store refused');
  let commits = 0;
  return {
    get: (key) => entries.get(key),
    range({ gte = '', gt, lt, limit = Infinity, reverse = false }) {
      const keys = [...entries.keys()].filter(
        (key) => key >= gte && (gt === undefined || key > gt) && (!lt || key < lt),
      );
      keys.sort();
      if (reverse) keys.reverse();
      return keys.slice(0, limit).map((key) => [key, entries.get(key) ?? new Uint8Array()] as const);
    },
    async commit(operations) {
      await Promise.resolve();
      if (failures > 0) {
        failures--;
        throw failure;
      }
      commits++;
      for (const operation of operations) {
        if (operation.type === 'put') entries.set(operation.key, operation.value.slice());
        else entries.delete(operation.key);
      }
    },
    failCommits(count, error = failure) {
      failures = count;
      failure = error;
    },
    get commits() {
      return commits;
    },
    get size() {
      return entries.size;
    },
  };
}
