export type { MemoryStore } from './memory-store.ts';
export { memoryStore } from './memory-store.ts';
export type { OpenStoreOptions } from './lmdb-store.ts';
export { openStore } from './lmdb-store.ts';
export type { RangeOptions, Store, StoreOperation } from './store.ts';
export { maxKeyBytes, NewerFormatError, StoreClosedError, StoreFullError } from './store.ts';
