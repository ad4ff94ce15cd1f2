import type { Change } from '../objects/entry.ts';

/** The watches that are open: they can be ended together, and share the lines that they all send. */
export class OpenWatches {
  readonly #ends = new Map<() => void, string>();
  readonly #lines = new WeakMap<Change, Map<string, Uint8Array>>();

  get size(): number {
    return this.#ends.size;
  }

  /** Remember a watch of a storage id. Returns what forgets it. */
  add(storage: string, end: () => void): () => void {
    this.#ends.set(end, storage);
    return () => this.#ends.delete(end);
  }

  /** The line of a change in the form `id`, made once for all watches that show it so. */
  line(change: Change, id: string, make: () => Uint8Array): Uint8Array {
    let made = this.#lines.get(change);
    if (!made) this.#lines.set(change, (made = new Map()));
    let line = made.get(id);
    if (!line) made.set(id, (line = make()));
    return line;
  }

  /** End the watches of a storage id, or all of them. */
  end(storage?: string): void {
    for (const [end, of] of this.#ends) if (storage === undefined || of === storage) end();
  }
}
