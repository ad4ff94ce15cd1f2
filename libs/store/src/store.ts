/** One change of a commit. */
export type StoreOperation =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly type: 'delete'; readonly key: string };

/** Bounds of a range of keys, in the order of their UTF-8 bytes. At most one of `gte` and `gt`. */
export type RangeOptions = {
  readonly gte?: string;
  readonly gt?: string;
  readonly lt?: string;
  readonly limit?: number;
  /** From the last key to the first. */
  readonly reverse?: boolean;
};

/** A durable, ordered key-value store with one writer process. */
export type Store = {
  /** The committed value; undefined where there is none. Do not change the bytes. */
  get(key: string): Uint8Array | undefined;
  /** Committed entries in key order. Consume it without awaiting in between: it reads one snapshot. */
  range(options?: RangeOptions): Iterable<readonly [string, Uint8Array]>;
  /**
   * All operations or none, in order. Resolves only when they survive a power cut; commits that wait at the same time share one
   * sync and take effect in the order of the calls. Rejects with {@link StoreFullError} while there is no space.
   */
  commit(operations: readonly StoreOperation[]): Promise<void>;
  /** Finishes the commits under way. Later calls throw. */
  close(): Promise<void>;
};

/** The directory was written by a newer Sluice. */
export class NewerFormatError extends Error {
  override readonly name = 'NewerFormatError';
}

/** The disk, quota or address space is full. The store stays usable: reads go on, commits succeed once there is space. */
export class StoreFullError extends Error {
  override readonly name = 'StoreFullError';
}

/** The store was closed before the call. */
export class StoreClosedError extends Error {
  override readonly name = 'StoreClosedError';
  constructor() {
    super('the store is closed');
  }
}

/** The longest key, in UTF-8 bytes. */
export const maxKeyBytes = 1_500;

/** Throws a RangeError for a key that cannot be stored: empty, too long, or with a NUL character. */
export function checkKey(key: string): void {
  if (key === '') throw new RangeError('a store key must not be empty');
  if (key.length * 3 > maxKeyBytes && Buffer.byteLength(key) > maxKeyBytes) {
    throw new RangeError(`a store key may have at most ${maxKeyBytes} bytes; this one begins with ${key.slice(0, 60)}`);
  }
  if (key.includes('\0')) throw new RangeError(`a store key must not contain NUL: ${JSON.stringify(key.slice(0, 60))}`);
}
