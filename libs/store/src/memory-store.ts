import {
  checkKey,
  type RangeOptions,
  type Store,
  StoreClosedError,
  StoreFullError,
  type StoreOperation,
} from './store.ts';

/** A store without durability, for tests. `fillUp(true)` makes commits fail as on a full disk. */
export type MemoryStore = Store & {
  fillUp(full: boolean): void;
  /** Commits so far. */
  readonly commits: number;
};

/** A {@link Store} in memory that keeps the same contract, apart from surviving the process. */
export function memoryStore(entries: Iterable<readonly [string, Uint8Array]> = []): MemoryStore {
  const values = new Map(entries);
  let keys = [...values.keys()].sort(compareKeys);
  let full = false;
  let closed = false;
  let commits = 0;
  const apply = (operation: StoreOperation): void => {
    if (operation.type === 'put') {
      if (!values.has(operation.key)) keys.splice(lowerBound(keys, operation.key), 0, operation.key);
      // A copy, which Buffer's own slice is not.
      values.set(operation.key, new Uint8Array(operation.value));
    } else if (values.delete(operation.key)) keys.splice(lowerBound(keys, operation.key), 1);
  };
  return {
    get commits() {
      return commits;
    },
    fillUp: (now) => {
      full = now;
    },
    get(key) {
      if (closed) throw new StoreClosedError();
      return values.get(key);
    },
    range(options = {}) {
      if (closed) throw new StoreClosedError();
      return slice(keys, options).map((key) => [key, values.get(key) ?? new Uint8Array()] as const);
    },
    async commit(operations) {
      if (closed) throw new StoreClosedError();
      for (const { key } of operations) checkKey(key);
      await Promise.resolve();
      if (full && operations.some((operation) => operation.type === 'put'))
        throw new StoreFullError('the store is full');
      operations.forEach(apply);
      commits++;
    },
    async close() {
      closed = true;
      keys = [];
    },
  };
}

function slice(keys: readonly string[], { gte, gt, lt, limit, reverse }: RangeOptions): string[] {
  const from = gte !== undefined ? lowerBound(keys, gte) : gt !== undefined ? upperBound(keys, gt) : 0;
  const to = lt !== undefined ? lowerBound(keys, lt) : keys.length;
  const found = keys.slice(from, Math.max(from, to));
  return (reverse ? found.reverse() : found).slice(0, limit);
}

function upperBound(keys: readonly string[], key: string): number {
  const index = lowerBound(keys, key);
  return keys[index] === key ? index + 1 : index;
}

/** Index of the first key that is not below `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(keys[middle] ?? '', key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Order of UTF-8 bytes, which differs from JavaScript's order only where surrogates meet characters above them. */
function compareKeys(a: string, b: string): number {
  if (surrogate.test(a) || surrogate.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

const surrogate = /[\uD800-\uDFFF]/;
