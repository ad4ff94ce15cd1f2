import type { KubeObject } from '@sluice/model';
import type { Store, StoreOperation } from '@sluice/store';
import { Collection, defaultHistory, type HistoryLimits } from './collection.ts';
import { ChangeLog } from './change-log.ts';
import { type Change, type Entry, FieldSets, parseEntry, toEntry } from './entry.ts';
import { deepFreeze, equalJson } from './json.ts';

/** What a write wants to do with the object it saw. */
export type Decision =
  | { readonly type: 'put'; readonly object: KubeObject }
  | { readonly type: 'remove'; readonly object: KubeObject }
  | { readonly type: 'keep' };

/** What became of a write. `entry` is the object as stored, or as it was removed. */
export type Written = { readonly entry: Entry; readonly change: Change['type'] | 'NONE' };

/** Runs while the object is locked, on its committed state. Throws to refuse. Must be synchronous. */
export type Decide = (current: Entry | undefined) => Decision;

/**
 * All objects in memory over a durable store. A change becomes visible (to reads and watches) only once it is committed, in
 * the order of its resource version; one object has at most one write under way.
 */
export class ObjectStore {
  readonly #store: Store;
  readonly #limits: HistoryLimits;
  readonly #collections = new Map<string, Collection>();
  readonly #fieldSets = new FieldSets();
  readonly #log = new ChangeLog();
  /** Changes up to here are not known to collections that are made later. */
  #floor: number;
  readonly #locks = new Map<string, Promise<unknown>>();
  /** The version given out last. */
  #issued: number;
  /** The version of the last committed change. */
  #committed: number;

  private constructor(store: Store, version: number, limits: HistoryLimits) {
    this.#store = store;
    this.#limits = limits;
    this.#issued = version;
    this.#committed = version;
    this.#floor = version;
  }

  /** Read everything into memory. */
  static load(store: Store, limits: HistoryLimits = defaultHistory): ObjectStore {
    const decoder = new TextDecoder();
    const counter = store.get(counterKey);
    const objects = new ObjectStore(store, counter ? Number(decoder.decode(counter)) : 1, limits);
    for (const [path, bytes] of store.range({ gte: objectPrefix, lt: objectPrefixEnd })) {
      const slash = path.indexOf('/', objectPrefix.length);
      const entry = parseEntry(path.slice(slash + 1), decoder.decode(bytes), objects.#fieldSets);
      objects.collection(path.slice(objectPrefix.length, slash)).load(entry);
      if (entry.version > objects.#issued) objects.#issued = entry.version;
    }
    objects.#committed = objects.#issued;
    objects.#loadChanges();
    return objects;
  }

  /** Take up the history from before the restart; what is older than it is forgotten. */
  #loadChanges(): void {
    const current = (id: string, key: string): Entry | undefined => this.#collections.get(id)?.get(key);
    const changes = this.#log.load(this.#store, this.#issued, current, this.#fieldSets);
    const [oldest] = changes;
    this.#floor = oldest ? oldest.change.entry.version - 1 : this.#issued;
    for (const collection of this.#collections.values()) collection.setFloor(this.#floor);
    for (const { id, change } of changes) this.collection(id).restore(change);
  }

  /** The resource version of the state that reads see. */
  get version(): number {
    return this.#committed;
  }

  /** How many objects there are, by storage id. */
  sizes(): ReadonlyMap<string, number> {
    return new Map([...this.#collections].map(([id, { size }]) => [id, size]));
  }

  /** The collection of a storage id (`pods`, `deployments.apps`), created when first asked for. */
  collection(id: string): Collection {
    let collection = this.#collections.get(id);
    if (!collection) {
      collection = new Collection(this.#floor, this.#limits);
      this.#collections.set(id, collection);
    }
    return collection;
  }

  /** Decide on one object and commit. Resolves once durable; a dry run decides only. */
  async write(id: string, key: string, decide: Decide, dryRun = false): Promise<Written> {
    const path = `${objectPrefix}${id}/${key}`;
    const before = this.#locks.get(path);
    const turn = before
      ? before.then(() => this.#write(id, key, decide, dryRun))
      : this.#write(id, key, decide, dryRun);
    const settled = turn.catch(() => undefined);
    this.#locks.set(path, settled);
    try {
      return await turn;
    } finally {
      if (this.#locks.get(path) === settled) this.#locks.delete(path);
    }
  }

  async #write(id: string, key: string, decide: Decide, dryRun: boolean): Promise<Written> {
    const collection = this.collection(id);
    const previous = collection.get(key);
    const decision = decide(previous);
    if (
      decision.type === 'keep' ||
      (decision.type === 'put' && previous && sameState(previous.object, decision.object))
    ) {
      if (!previous) throw new Error(`a write of ${id}/${key} kept an object that does not exist`);
      return { entry: previous, change: 'NONE' };
    }
    const type = decision.type === 'remove' ? 'DELETED' : previous ? 'MODIFIED' : 'ADDED';
    if (dryRun) return { entry: dryEntry(key, decision.object, previous), change: type };
    const entry = toEntry(key, decision.object, ++this.#issued, this.#fieldSets);
    const change: Change = { type, entry, previous };
    const record = this.#log.add(id, change);
    try {
      await this.#store.commit([...operationsOf(`${objectPrefix}${id}/${key}`, type, entry), ...record.operations]);
    } catch (error) {
      record.failed();
      throw error;
    }
    record.committed();
    this.#committed = Math.max(this.#committed, entry.version);
    collection.apply(change);
    return { entry, change: type };
  }
}

const objectPrefix = 'o/';
const objectPrefixEnd = 'o0';
/** Holds the version of the last deletion, which no stored object remembers. */
const counterKey = 'm/resource-version';

function operationsOf(path: string, type: Change['type'], entry: Entry): StoreOperation[] {
  if (type !== 'DELETED') return [{ type: 'put', key: path, value: Buffer.from(entry.text) }];
  return [
    { type: 'delete', key: path },
    { type: 'put', key: counterKey, value: Buffer.from(String(entry.version)) },
  ];
}

/** A dry run shows the object as it would be, with the version that it has now. */
function dryEntry(key: string, object: KubeObject, previous: Entry | undefined): Entry {
  const frozen = deepFreeze(object);
  return { key, version: previous?.version ?? 0, object: frozen, text: JSON.stringify(frozen) };
}

/** Whether a write would change nothing but times in managedFields. */
function sameState(before: KubeObject, after: KubeObject): boolean {
  return equalJson(comparable(before), comparable(after));
}

function comparable(object: KubeObject): KubeObject {
  const { managedFields, resourceVersion: _, ...metadata } = object.metadata;
  const owners = managedFields?.map(({ time: _time, ...entry }) => entry);
  return { ...object, metadata: { ...metadata, ...(owners ? { managedFields: owners } : {}) } };
}
