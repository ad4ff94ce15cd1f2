/** A change of the store. */
export type StoreChange =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly type: 'delete'; readonly key: string };

/** The part of `@sluice/store` that the embedded queues need. Keys are ordered by their bytes. */
export type KeyValueStore = {
  get(key: string): Uint8Array | undefined;
  range(options: {
    readonly gte?: string;
    readonly gt?: string;
    readonly lt?: string;
    readonly limit?: number;
    readonly reverse?: boolean;
  }): Iterable<readonly [string, Uint8Array]>;
  /** All or nothing; resolves once durable. */
  commit(operations: readonly StoreChange[]): Promise<void>;
};
