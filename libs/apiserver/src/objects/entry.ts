import type { JsonObject, KubeObject } from '@sluice/model';
import { deepFreeze } from './json.ts';

/** A stored object: the frozen value and the JSON text that was committed. */
export type Entry = {
  /** `namespace/name`, or `name` for cluster-scoped kinds. */
  readonly key: string;
  readonly version: number;
  readonly object: KubeObject;
  readonly text: string;
};

/** One committed change of one object. For DELETED, `entry` is the last state under the version of the deletion. */
export type Change = {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly entry: Entry;
  readonly previous: Entry | undefined;
};

/** Freeze and serialise an object under its new version. */
export function toEntry(key: string, object: KubeObject, version: number, fieldSets?: FieldSets): Entry {
  const versioned = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
  const stored = fieldSets ? fieldSets.share(versioned) : versioned;
  return { key, version, object: deepFreeze(stored), text: JSON.stringify(stored) };
}

/** Read an entry back from what was committed. */
export function parseEntry(key: string, text: string, fieldSets: FieldSets): Entry {
  const object = deepFreeze(fieldSets.share(JSON.parse(text) as KubeObject));
  return { key, version: Number(object.metadata.resourceVersion), object, text };
}

/** How many different field sets are kept before forgetting all of them. */
const maxFieldSets = 2_000;

/**
 * The field sets of managedFields are the same in all objects that one controller makes, and as values larger than the
 * objects: each is kept in memory once.
 */
export class FieldSets {
  readonly #known = new Map<string, JsonObject>();

  /** The object with field sets that others have too. */
  share(object: KubeObject): KubeObject {
    const { managedFields } = object.metadata;
    if (!managedFields) return object;
    const shared = managedFields.map((entry) => this.#shareIn(entry));
    return { ...object, metadata: { ...object.metadata, managedFields: shared } };
  }

  #shareIn(entry: JsonObject): JsonObject {
    const { fieldsV1 } = entry;
    if (typeof fieldsV1 !== 'object' || fieldsV1 === null) return entry;
    const text = JSON.stringify(fieldsV1);
    const known = this.#known.get(text);
    if (known) return { ...entry, fieldsV1: known };
    if (this.#known.size >= maxFieldSets) this.#known.clear();
    this.#known.set(text, deepFreeze(fieldsV1) as JsonObject);
    return entry;
  }
}
