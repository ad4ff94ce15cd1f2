import { statfsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { type Database, open, type RangeOptions as LmdbRange, type RootDatabase } from 'lmdb';
import {
  checkKey,
  NewerFormatError,
  type RangeOptions,
  type Store,
  StoreClosedError,
  StoreFullError,
  type StoreOperation,
} from './store.ts';

export type OpenStoreOptions = {
  /** Created when missing. One process at a time; the caller holds the lock. */
  readonly directory: string;
  /** Version of what the caller writes. A directory of a newer one is refused. */
  readonly formatVersion: number;
  /** Brings an older directory up to `formatVersion`; without it an older directory is taken as it is. */
  readonly migrate?: (from: number, store: Store) => Promise<void>;
};

type Waiter = {
  readonly operations: readonly StoreOperation[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
};

/** Open or create a store on disk. Throws {@link NewerFormatError} and {@link StoreFullError}. */
export async function openStore({ directory, formatVersion, migrate }: OpenStoreOptions): Promise<Store> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  if (freeBytes(directory) < reserve.put)
    throw new StoreFullError(`no space left for the store in ${directory}: free some and start again`);
  // A commit resolves after its own sync only without overlappingSync; without eventTurnBatching the library leaves no promise
  // behind that rejects unheard when a commit fails.
  const root = open({
    path: directory,
    encoding: 'binary',
    keyEncoding: 'ordered-binary',
    maxDbs: 4,
    overlappingSync: false,
    eventTurnBatching: false,
    compression: false,
  });
  const meta = root.openDB<Uint8Array, string>({ name: 'meta', encoding: 'binary' });
  const found = readFormat(meta);
  if (found !== undefined && found > formatVersion) {
    await root.close();
    throw new NewerFormatError(
      `${directory} was written in format ${found}, this program reads up to ${formatVersion}: ` +
        'start the newer version of Sluice, or choose another data directory',
    );
  }
  const store = new LmdbStore(root, root.openDB<Uint8Array, string>({ name: 'data', encoding: 'binary' }), directory);
  if (found !== undefined && found < formatVersion) await migrate?.(found, store);
  if (found !== formatVersion) await meta.put('format', Buffer.from(String(formatVersion)));
  return store;
}

function readFormat(meta: Database<Uint8Array, string>): number | undefined {
  const bytes = meta.get('format');
  return bytes === undefined ? undefined : Number(Buffer.from(bytes).toString());
}

class LmdbStore implements Store {
  readonly #root: RootDatabase;
  readonly #data: Database<Uint8Array, string>;
  readonly #directory: string;
  #waiting: Waiter[] = [];
  #writing: Promise<void> | undefined;
  #closed = false;

  constructor(root: RootDatabase, data: Database<Uint8Array, string>, directory: string) {
    this.#root = root;
    this.#data = data;
    this.#directory = directory;
  }

  get(key: string): Uint8Array | undefined {
    if (this.#closed) throw new StoreClosedError();
    return this.#data.get(key);
  }

  range(options: RangeOptions = {}): Iterable<readonly [string, Uint8Array]> {
    if (this.#closed) throw new StoreClosedError();
    return this.#data.getRange(lmdbRange(options)).map(({ key, value }) => [key, value] as const);
  }

  commit(operations: readonly StoreOperation[]): Promise<void> {
    if (this.#closed) return Promise.reject(new StoreClosedError());
    return new Promise((resolve, reject) => {
      for (const { key } of operations) checkKey(key);
      this.#waiting.push({ operations, resolve, reject });
      this.#writing ??= this.#drain();
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#writing;
    await this.#root.close();
  }

  async #drain(): Promise<void> {
    await Promise.resolve(); // what is committed in the same turn shares the first sync
    while (this.#waiting.length > 0) await this.#writeTogether(this.#waiting.splice(0));
    this.#writing = undefined;
  }

  async #writeTogether(group: readonly Waiter[]): Promise<void> {
    try {
      await this.#write(group.flatMap(({ operations }) => operations));
      for (const { resolve } of group) resolve();
    } catch (error) {
      if (group.length === 1) return group[0]?.reject(error);
      // One commit that does not fit must not fail its neighbours, least of all deletions that make room.
      for (const waiter of group) await this.#writeTogether([waiter]);
    }
  }

  async #write(operations: readonly StoreOperation[]): Promise<void> {
    this.#requireRoom(operations);
    const settled: Promise<unknown>[] = [];
    try {
      const done = this.#data.batch(() => {
        for (const operation of operations) {
          const { key } = operation;
          settled.push(operation.type === 'put' ? this.#data.put(key, operation.value) : this.#data.remove(key));
        }
      });
      await Promise.all([done, ...settled]);
    } catch (error) {
      await Promise.allSettled(settled);
      throw await this.#explain(error, operations);
    }
  }

  /** Throws before the library meets a full disk: its report of a failed write overruns a buffer of 100 bytes, and the process with it. */
  #requireRoom(operations: readonly StoreOperation[]): void {
    const puts = operations.some(({ type }) => type === 'put');
    if (freeBytes(this.#directory) < bytesOf(operations) + (puts ? reserve.put : reserve.delete))
      throw this.#fullError(undefined);
  }

  async #explain(error: unknown, operations: readonly StoreOperation[]): Promise<unknown> {
    const cause = await rootCause(error);
    return this.#isFull(cause, operations) ? this.#fullError(cause) : cause;
  }

  #fullError(cause: unknown): StoreFullError {
    return new StoreFullError(
      `no space left for the store in ${this.#directory}: free some, and writing goes on without a restart`,
      { cause },
    );
  }

  #isFull(cause: unknown, operations: readonly StoreOperation[]): boolean {
    const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
    if (typeof code === 'number' && fullCodes.has(code)) return true;
    return code === shortWrite && freeBytes(this.#directory) < 4 * bytesOf(operations) + 1_048_576;
  }
}

/** Bytes that stay free beside what is written: pages that a commit copies. Deletions, which make room, may go further. */
const reserve = Object.freeze({ put: 786_432, delete: 262_144 });

function freeBytes(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}

function bytesOf(operations: readonly StoreOperation[]): number {
  return operations.reduce((sum, operation) => sum + (operation.type === 'put' ? operation.value.length : 0), 0);
}

/** ENOSPC, EFBIG, EDQUOT, MDB_MAP_FULL. */
const fullCodes: ReadonlySet<number> = new Set([28, 27, 122, -30_792]);
/** EIO is what LMDB makes of a write that was cut short, which is how a disk that is nearly full answers. */
const shortWrite = 5;

/** The library rejects with a general error that carries the real one as a promise. */
async function rootCause(error: unknown): Promise<unknown> {
  if (!(error instanceof Error && 'commitError' in error)) return error;
  try {
    await error.commitError;
    return error;
  } catch (cause) {
    return cause;
  }
}

function lmdbRange({ gte, gt, lt, limit, reverse }: RangeOptions): LmdbRange {
  const from = gte ?? gt;
  const bounds: LmdbRange = limit === undefined ? { snapshot: true } : { limit };
  if (!reverse) {
    return {
      ...bounds,
      ...(from === undefined ? {} : { start: from, exclusiveStart: gte === undefined }),
      ...(lt === undefined ? {} : { end: lt }),
    };
  }
  return {
    ...bounds,
    reverse: true,
    ...(lt === undefined ? {} : { start: lt, exclusiveStart: true }),
    ...(from === undefined ? {} : { end: from, inclusiveEnd: gte !== undefined }),
  };
}
