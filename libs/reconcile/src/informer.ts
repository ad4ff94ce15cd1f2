import type { KubeObject, ObjectKey, Resource } from '@sluice/model';
import type { KubeApi } from './kube-api.ts';
import { type CacheEvent, deepFreeze, type IndexFunction, namespaceIndex, ObjectCache } from './object-cache.ts';
import { Reflector } from './reflector.ts';

export type InformerOptions<T extends KubeObject = KubeObject> = {
  readonly resource: Resource;
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Objects without spec and status: for those who care only for owners, labels and finalizers. */
  readonly metadataOnly?: boolean;
  /** Further indexes by name; `namespace` and `owner` (uids of owners) are always there. */
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>>;
  readonly pageSize?: number;
  /** How to fill the cache: `list` (default) or `stream` (watch with initial events, falling back to `list`). */
  readonly initial?: 'list' | 'stream';
  readonly maxBackoffMs?: number;
  /** What to keep of an object. Default: everything but `managedFields`. Keep its metadata's identity and version. */
  readonly keep?: (object: T) => T;
  /** Told about failures of the connection and of listeners. The informer goes on. */
  readonly onError?: (error: unknown) => void;
};

export type SubscribeOptions = {
  /** The listener only reads keys, labels and owners: objects may come unfrozen, which spares freezing them unread. */
  readonly keysOnly?: boolean;
};

/** A cache of one kind that follows the server. Objects are frozen and shared; `managedFields` are left out. */
export type Informer<T extends KubeObject = KubeObject> = {
  readonly resource: Resource;
  get(key: ObjectKey): T | undefined;
  /** All objects, or those of one namespace. */
  list(namespace?: string): readonly T[];
  /** Objects under a value of an index. Throws for an index that was not declared. */
  byIndex(index: string, value: string): readonly T[];
  addIndexes(indexes: Readonly<Record<string, IndexFunction<T>>>): void;
  /** Hear of changes. What is cached already is announced at once as `added` with `initial`. Returns how to stop. */
  subscribe(listener: (event: CacheEvent<T>) => void, options?: SubscribeOptions): () => void;
  /** Begin to list and watch. Once is enough. */
  start(): void;
  /** True once the first list is in the cache. It stays true. */
  hasSynced(): boolean;
  /** Resolves once synced; rejects when the signal fires or the informer is closed first. */
  synced(signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
};

/** An informer over `kube`. Nothing is asked of the server before `start`. */
export function createInformer<T extends KubeObject = KubeObject>(
  kube: KubeApi,
  options: InformerOptions<T>,
): Informer<T> {
  return new CachingInformer<T>(kube, options);
}

class CachingInformer<T extends KubeObject> implements Informer<T> {
  readonly resource: Resource;
  readonly #cache: ObjectCache<T>;
  readonly #reflector: Reflector<T>;
  readonly #onError: (error: unknown) => void;
  readonly #keep: (object: T) => T;
  readonly #listeners = new Set<(event: CacheEvent<T>) => void>();
  readonly #stop = new AbortController();
  readonly #ready = Promise.withResolvers<void>();
  #synced = false;
  #running: Promise<void> | undefined;

  constructor(kube: KubeApi, options: InformerOptions<T>) {
    const { indexes, onError, keep, ...rest } = options;
    this.#keep = keep ?? withoutManagedFields;
    this.resource = options.resource;
    this.#onError = onError ?? (() => {});
    this.#cache = new ObjectCache<T>(indexes);
    this.#ready.promise.catch(() => {});
    this.#reflector = new Reflector<T>(
      kube,
      { ...rest, onError: this.#onError },
      {
        replace: (objects) => this.#replace(objects),
        apply: (type, object) => {
          const stored = this.#keep(object);
          this.#announce(type === 'DELETED' ? this.#cache.remove(stored) : this.#cache.put(stored));
        },
      },
    );
  }

  get(key: ObjectKey): T | undefined {
    return this.#cache.get(key);
  }

  list(namespace?: string): readonly T[] {
    return namespace === undefined ? this.#cache.values() : this.#cache.byIndex(namespaceIndex, namespace);
  }

  byIndex(index: string, value: string): readonly T[] {
    return this.#cache.byIndex(index, value);
  }

  addIndexes(indexes: Readonly<Record<string, IndexFunction<T>>>): void {
    this.#cache.addIndexes(indexes);
  }

  subscribe(listener: (event: CacheEvent<T>) => void, { keysOnly = false }: SubscribeOptions = {}): () => void {
    const own = (event: CacheEvent<T>): void => listener(keysOnly ? event : frozen(event));
    for (const object of this.#cache.unfrozen()) this.#tell(own, { type: 'added', object, initial: true });
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  start(): void {
    if (this.#stop.signal.aborted) throw new Error(`informer of ${this.resource.plural} is closed`);
    this.#running ??= this.#reflector.run(this.#stop.signal);
  }

  hasSynced(): boolean {
    return this.#synced;
  }

  async synced(signal?: AbortSignal): Promise<void> {
    if (this.#synced) return;
    if (!signal) return this.#ready.promise;
    signal.throwIfAborted();
    const aborted = Promise.withResolvers<never>();
    const onAbort = (): void => aborted.reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await Promise.race([this.#ready.promise, aborted.promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#listeners.clear();
    this.#ready.reject(new Error(`informer of ${this.resource.plural} was closed before it had synced`));
    await this.#running;
  }

  #replace(objects: Iterable<T>): void {
    const stored = Iterator.from(objects).map((object) => this.#keep(object));
    const events = this.#cache.replace(stored, !this.#synced);
    const first = !this.#synced;
    this.#synced = true;
    this.#announce(events);
    if (first) this.#ready.resolve();
  }

  #announce(events: readonly CacheEvent<T>[]): void {
    for (const event of events) for (const listener of this.#listeners) this.#tell(listener, event);
  }

  #tell(listener: (event: CacheEvent<T>) => void, event: CacheEvent<T>): void {
    try {
      listener(event);
    } catch (error) {
      this.#onError(error);
    }
  }
}

/** Without `managedFields`, which take a quarter of many objects and which controllers do not read. */
function withoutManagedFields<T extends KubeObject>(object: T): T {
  if (object.metadata.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function frozen<T extends KubeObject>(event: CacheEvent<T>): CacheEvent<T> {
  deepFreeze(event.object);
  if (event.type === 'updated') deepFreeze(event.previous);
  return event;
}
