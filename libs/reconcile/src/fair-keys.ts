/**
 * Waiting keys, handed out in turn between namespaces and first in, first out within one, so that a namespace with ten
 * thousand keys does not keep another's single key waiting. Every operation takes constant time.
 */
export class FairKeys {
  /** Namespaces in the order of their turns; each with its keys and since when they wait. */
  readonly #turns = new Map<string, Map<string, number>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(key: string): boolean {
    return this.#turns.get(namespaceOf(key))?.has(key) ?? false;
  }

  /** Since when the key waits; undefined when it does not. */
  since(key: string): number | undefined {
    return this.#turns.get(namespaceOf(key))?.get(key);
  }

  /** False when the key waits already. */
  add(key: string, sinceMs: number): boolean {
    const namespace = namespaceOf(key);
    let keys = this.#turns.get(namespace);
    if (!keys) this.#turns.set(namespace, (keys = new Map()));
    else if (keys.has(key)) return false;
    keys.set(key, sinceMs);
    this.#size++;
    return true;
  }

  delete(key: string): boolean {
    const namespace = namespaceOf(key);
    const keys = this.#turns.get(namespace);
    if (!keys?.delete(key)) return false;
    if (keys.size === 0) this.#turns.delete(namespace);
    this.#size--;
    return true;
  }

  /** The key whose turn it is, and since when it has waited. */
  take(): { readonly key: string; readonly sinceMs: number } | undefined {
    for (const [namespace, keys] of this.#turns) {
      for (const [key, sinceMs] of keys) {
        keys.delete(key);
        this.#size--;
        if (keys.size === 0) this.#turns.delete(namespace);
        else if (this.#turns.size > 1) {
          this.#turns.delete(namespace);
          this.#turns.set(namespace, keys);
        }
        return { key, sinceMs };
      }
    }
    return undefined;
  }

  clear(): void {
    this.#turns.clear();
    this.#size = 0;
  }
}

function namespaceOf(key: string): string {
  const slash = key.indexOf('/');
  return slash < 0 ? '' : key.slice(0, slash);
}
