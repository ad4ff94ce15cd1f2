import type { KubeObject, ObjectKey } from '@sluice/model';
import { keyOf, keyText } from '@sluice/model';

/** Values under which an object is found in an index. */
export type IndexFunction<T extends KubeObject = KubeObject> = (object: T) => readonly string[];

/** A change of the cache. `initial` marks what was there when the cache was first filled, or when a listener joined. */
export type CacheEvent<T extends KubeObject = KubeObject> =
  | { readonly type: 'added'; readonly object: T; readonly initial: boolean }
  | { readonly type: 'updated'; readonly object: T; readonly previous: T }
  /** `lastKnown` is true when the deletion was only inferred from a list: the object may have changed before. */
  | { readonly type: 'deleted'; readonly object: T; readonly lastKnown: boolean };

/** Index over the namespace; every cache has it. */
export const namespaceIndex = 'namespace';

/** Index over the uids of all owners; every cache has it. */
export const ownerIndex = 'owner';

/** An index function over the value of one label. */
export function labelIndex(label: string): IndexFunction {
  return (object) => {
    const value = object.metadata.labels?.[label];
    return value === undefined ? [] : [value];
  };
}

const builtIn: Readonly<Record<string, IndexFunction>> = {
  [namespaceIndex]: (object) => [object.metadata.namespace ?? ''],
  [ownerIndex]: (object) => (object.metadata.ownerReferences ?? []).map(({ uid }) => uid),
};

type Index<T extends KubeObject> = { readonly of: IndexFunction<T>; keys: Map<string, Set<string>> | undefined };

/**
 * Objects by key, with indexes. What is handed out is frozen, on first demand: of ten thousand pods most are never looked
 * at. An index is filled when it is first asked. Tells what changed; does not know where objects come from.
 */
export class ObjectCache<T extends KubeObject = KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, Index<T>>();

  constructor(indexes: Readonly<Record<string, IndexFunction<T>>> = {}) {
    this.addIndexes({ ...builtIn, ...indexes });
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: ObjectKey): T | undefined {
    return deepFreeze(this.#objects.get(keyText(key)));
  }

  values(): readonly T[] {
    return Array.from(this.#objects.values(), deepFreeze);
  }

  /** All objects, perhaps not frozen yet: for readers that are part of this lib. */
  unfrozen(): Iterable<T> {
    return this.#objects.values();
  }

  /** Objects under a value of an index. Throws when there is no such index: that is a mistake in the program. */
  byIndex(index: string, value: string): readonly T[] {
    const found = this.#indexes.get(index);
    if (!found) throw new Error(`no index ${JSON.stringify(index)}; there are ${[...this.#indexes.keys()].join(', ')}`);
    const objects: T[] = [];
    for (const key of this.#filled(found).get(value) ?? []) {
      const object = this.#objects.get(key);
      if (object) objects.push(deepFreeze(object));
    }
    return objects;
  }

  /** Add indexes; one that exists under the name stays as it is. */
  addIndexes(indexes: Readonly<Record<string, IndexFunction<T>>>): void {
    for (const [name, of] of Object.entries(indexes)) {
      if (this.#indexes.has(name)) continue;
      this.#indexes.set(name, { of, keys: undefined });
    }
  }

  #filled(index: Index<T>): Map<string, Set<string>> {
    if (index.keys) return index.keys;
    const keys = new Map<string, Set<string>>();
    for (const [key, object] of this.#objects) for (const value of index.of(object)) link(keys, value, key);
    return (index.keys = keys);
  }

  /** Store an object. A new uid under an old name is a deletion and an addition. Same version: no event. */
  put(object: T, initial = false): readonly CacheEvent<T>[] {
    const key = keyText(keyOf(object));
    const previous = this.#objects.get(key);
    if (previous && previous.metadata.uid === object.metadata.uid) {
      if (previous.metadata.resourceVersion === object.metadata.resourceVersion) return [];
      this.#store(key, object, previous);
      return [{ type: 'updated', object, previous }];
    }
    this.#store(key, object, previous);
    const added: CacheEvent<T> = { type: 'added', object, initial };
    return previous ? [{ type: 'deleted', object: previous, lastKnown: true }, added] : [added];
  }

  /** Remove an object that the server reported deleted, in its last state. */
  remove(object: T): readonly CacheEvent<T>[] {
    const key = keyText(keyOf(object));
    const previous = this.#objects.get(key);
    if (!previous || previous.metadata.uid !== object.metadata.uid) return [];
    this.#store(key, undefined, previous);
    return [{ type: 'deleted', object, lastKnown: false }];
  }

  /** Make the cache hold exactly these objects. */
  replace(objects: Iterable<T>, initial: boolean): readonly CacheEvent<T>[] {
    const events: CacheEvent<T>[] = [];
    const present = new Set<string>();
    for (const object of objects) {
      present.add(keyText(keyOf(object)));
      for (const event of this.put(object, initial)) events.push(event);
    }
    for (const [key, object] of this.#objects) {
      if (present.has(key)) continue;
      this.#store(key, undefined, object);
      events.push({ type: 'deleted', object, lastKnown: true });
    }
    return events;
  }

  #store(key: string, object: T | undefined, previous: T | undefined): void {
    if (object) this.#objects.set(key, object);
    else this.#objects.delete(key);
    for (const { of, keys } of this.#indexes.values()) {
      if (!keys) continue;
      if (previous) for (const value of of(previous)) unlink(keys, value, key);
      if (object) for (const value of of(object)) link(keys, value, key);
    }
  }
}

function link(keys: Map<string, Set<string>>, value: string, key: string): void {
  const set = keys.get(value);
  if (set) set.add(key);
  else keys.set(value, new Set([key]));
}

function unlink(keys: Map<string, Set<string>>, value: string, key: string): void {
  const set = keys.get(value);
  set?.delete(key);
  if (set?.size === 0) keys.delete(value);
}

/** Freeze an object and everything in it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  if (Array.isArray(value)) for (const child of value) deepFreeze(child);
  else for (const name in value) deepFreeze(value[name]);
  return Object.freeze(value);
}
