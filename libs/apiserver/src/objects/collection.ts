import type { Change, Entry } from './entry.ts';

/** How much history a collection keeps for watches and pinned lists. */
export type HistoryLimits = { readonly changes: number; readonly characters: number };

/** Enough for some minutes of a busy kind, bounded for a noisy one. */
export const defaultHistory: HistoryLimits = { changes: 5_000, characters: 16_000_000 };

export type ChangeListener = (change: Change) => void;

/** All objects of one resource in key order, with the latest changes. Synchronous: what is in here is committed. */
export class Collection {
  readonly #entries = new Map<string, Entry>();
  readonly #limits: HistoryLimits;
  readonly #listeners = new Set<ChangeListener>();
  #keys: string[] = [];
  #unsorted = false;
  #changes: Change[] = [];
  #characters = 0;
  #floor: number;

  /** Changes up to `floor` are not known. */
  constructor(floor: number, limits: HistoryLimits = defaultHistory) {
    this.#floor = floor;
    this.#limits = limits;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  /** Take in an entry at start-up: no change, no history. */
  load(entry: Entry): void {
    this.#entries.set(entry.key, entry);
    this.#keys.push(entry.key);
    this.#unsorted = true;
  }

  /** Changes at or below this version are not known: set at the end of loading. */
  setFloor(version: number): void {
    this.#floor = version;
  }

  /** Take in a change from before a restart, oldest first: the object has it already. */
  restore(change: Change): void {
    this.#remember(change);
  }

  apply(change: Change): void {
    const { key } = change.entry;
    this.#sort();
    if (change.type === 'DELETED') {
      if (this.#entries.delete(key)) this.#keys.splice(lowerBound(this.#keys, key), 1);
    } else {
      if (!this.#entries.has(key)) this.#keys.splice(lowerBound(this.#keys, key), 0, key);
      this.#entries.set(key, change.entry);
    }
    this.#remember(change);
    for (const listener of this.#listeners) listener(change);
  }

  listen(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Entries whose key begins with `prefix`, in key order. */
  list(prefix: string): readonly Entry[] {
    this.#sort();
    const found: Entry[] = [];
    for (let index = prefix === '' ? 0 : lowerBound(this.#keys, prefix); index < this.#keys.length; index++) {
      const key = this.#keys[index] ?? '';
      if (!key.startsWith(prefix)) break;
      const entry = this.#entries.get(key);
      if (entry) found.push(entry);
    }
    return found;
  }

  /** Changes after `version`, oldest first; undefined when some of them are forgotten. */
  since(version: number): readonly Change[] | undefined {
    if (version < this.#floor) return undefined;
    return this.#changes.slice(this.#firstAfter(version));
  }

  /** Like {@link list}, as it was at `version`, by taking back what came later; undefined when that is forgotten. */
  listAt(prefix: string, version: number): readonly Entry[] | undefined {
    const later = this.since(version);
    if (later === undefined) return undefined;
    const current = this.list(prefix);
    if (later.length === 0) return current;
    const before = new Map<string, Entry | undefined>();
    for (const { entry, previous } of later) {
      if (entry.key.startsWith(prefix) && !before.has(entry.key)) before.set(entry.key, previous);
    }
    const kept = current.flatMap((entry) => (before.has(entry.key) ? (before.get(entry.key) ?? []) : entry));
    const present = new Set(kept.map(({ key }) => key));
    for (const [key, entry] of before) if (entry && !present.has(key)) kept.push(entry);
    return kept.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  #remember(change: Change): void {
    this.#changes.push(change);
    this.#characters += change.entry.text.length;
    if (this.#changes.length <= this.#limits.changes && this.#characters <= this.#limits.characters) return;
    // Forget a quarter at a time, so that the cost of shifting is spread.
    const forgotten = this.#changes.splice(0, Math.max(1, this.#changes.length >> 2));
    for (const { entry } of forgotten) this.#characters -= entry.text.length;
    this.#floor = forgotten.at(-1)?.entry.version ?? this.#floor;
  }

  #firstAfter(version: number): number {
    let low = 0;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#changes[middle]?.entry.version ?? 0) <= version) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #sort(): void {
    if (!this.#unsorted) return;
    this.#keys.sort();
    this.#unsorted = false;
  }
}

/** Index of the first key that is not below `key`. */
export function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
