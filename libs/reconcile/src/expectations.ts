import type { KubeObject } from '@sluice/model';
import type { Informer } from './informer.ts';

const remembered = 4_096;

/**
 * Writes of ours that a cache has not shown yet. A controller that counts children asks {@link satisfied} first, else it
 * would create a child twice because the cache is older than its own write. Keyed by the owner (keyText).
 * An expectation that is not met within `timeoutMs` (5 min) is dropped: a watch may have lost what we wait for.
 */
export class Expectations {
  readonly #timeoutMs: number;
  readonly #now: () => number;
  readonly #pending = new Map<string, Map<string, number>>();
  /** Under whom a write is waited for: a change of the cache must not cost a look at every owner. */
  readonly #ownerOf = new Map<string, string>();
  /** What the cache showed lately, so that a write whose echo came before its answer is not waited for. */
  readonly #seen = new Set<string>();
  readonly #unsubscribe: () => void;

  constructor(
    informer: Pick<Informer, 'subscribe'>,
    options: { readonly timeoutMs?: number; readonly now?: () => number } = {},
  ) {
    this.#timeoutMs = options.timeoutMs ?? 300_000;
    this.#now = options.now ?? Date.now;
    this.#unsubscribe = informer.subscribe((event) => {
      const { uid, deletionTimestamp } = event.object.metadata;
      this.#met(`+${uid}`);
      if (event.type === 'deleted' || deletionTimestamp) this.#met(`-${uid}`);
    });
  }

  /** We created this child (as the server answered). */
  created(owner: string, child: KubeObject): void {
    this.#expect(owner, `+${child.metadata.uid}`);
  }

  /** We asked for the deletion of this child. */
  deleted(owner: string, child: KubeObject): void {
    this.#expect(owner, `-${child.metadata.uid}`);
  }

  /** True when the cache shows every write of ours under this owner. */
  satisfied(owner: string): boolean {
    const pending = this.#pending.get(owner);
    if (!pending) return true;
    for (const [write, deadline] of pending) if (deadline <= this.#now()) this.#drop(pending, write);
    if (pending.size > 0) return false;
    this.#pending.delete(owner);
    return true;
  }

  /** Drop everything under an owner that has gone. */
  forget(owner: string): void {
    for (const write of this.#pending.get(owner)?.keys() ?? []) this.#ownerOf.delete(write);
    this.#pending.delete(owner);
  }

  close(): void {
    this.#unsubscribe();
    this.#pending.clear();
    this.#ownerOf.clear();
    this.#seen.clear();
  }

  #drop(pending: Map<string, number>, write: string): void {
    pending.delete(write);
    this.#ownerOf.delete(write);
  }

  #expect(owner: string, write: string): void {
    if (this.#seen.has(write)) return;
    const pending = this.#pending.get(owner) ?? new Map<string, number>();
    pending.set(write, this.#now() + this.#timeoutMs);
    this.#ownerOf.set(write, owner);
    this.#pending.set(owner, pending);
  }

  #met(write: string): void {
    this.#seen.delete(write);
    this.#seen.add(write);
    if (this.#seen.size > remembered) for (const oldest of this.#seen) if (this.#seen.delete(oldest)) break;
    const owner = this.#ownerOf.get(write);
    if (owner === undefined) return;
    this.#ownerOf.delete(write);
    const pending = this.#pending.get(owner);
    if (pending?.delete(write) && pending.size === 0) this.#pending.delete(owner);
  }
}
