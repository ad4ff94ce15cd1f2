/** Something to do at a time. */
export type Timer<Owner = unknown> = {
  readonly id: number;
  readonly atMs: number;
  readonly everyMs: number | undefined;
  /** How long its owner had slept when it was set. */
  readonly sleptMs: number;
  readonly owner: Owner;
  readonly run: () => void;
};

/** Timers by the time when they are due; those of one time in the order they were made. */
export class TimerHeap<Owner> {
  readonly #heap: Timer<Owner>[] = [];
  /** Ids of timers that were not cleared, whether in the heap or taken out by somebody who may put them back. */
  readonly #live = new Set<number>();
  #lastId = 0;

  /** Returns what Node's setTimeout returns, as far as anybody looks at it. */
  add(timer: Omit<Timer<Owner>, 'id'>) {
    const id = ++this.#lastId;
    this.#live.add(id);
    this.#push({ ...timer, id });
    const handle = {
      ref: () => handle,
      unref: () => handle,
      hasRef: () => true,
      refresh: () => handle,
      [Symbol.toPrimitive]: () => id,
      [Symbol.dispose]: () => this.remove(id),
    };
    return handle;
  }

  remove(id: number): void {
    this.#live.delete(id);
    if (this.#heap.length > 64 && this.#heap.length > this.#live.size * 2) this.#compact();
  }

  /** The first timer that is due by then. Give it back by {@link again} or {@link putBack}. */
  takeDue(untilMs: number): Timer<Owner> | undefined {
    for (let timer = this.#heap[0]; timer && timer.atMs <= untilMs; timer = this.#heap[0]) {
      this.#pop();
      if (this.#live.has(timer.id)) return timer;
    }
    return undefined;
  }

  /** The timer rings now: an interval is set anew, everything else is done with. */
  again(timer: Timer<Owner>, nowMs: number): void {
    if (timer.everyMs === undefined) this.#live.delete(timer.id);
    else this.#push({ ...timer, atMs: nowMs + timer.everyMs });
  }

  /** A timer that was taken and has not rung, perhaps for later, unless it was cleared meanwhile. */
  putBack(timer: Timer<Owner>): void {
    if (this.#live.has(timer.id)) this.#push(timer);
  }

  #push(timer: Timer<Owner>): void {
    const heap = this.#heap;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(timer, heap[above])) break;
      this.#swap(at, above);
      at = above;
    }
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (heap.length === 0 || !last) return;
    heap[0] = last;
    for (let at = 0; ;) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      let first = at;
      if (left < heap.length && isBefore(heap[left], heap[first])) first = left;
      if (right < heap.length && isBefore(heap[right], heap[first])) first = right;
      if (first === at) return;
      this.#swap(at, first);
      at = first;
    }
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#heap[a], this.#heap[b]];
    if (first && second) [this.#heap[a], this.#heap[b]] = [second, first];
  }

  #compact(): void {
    const kept = this.#heap.filter((timer) => this.#live.has(timer.id));
    this.#heap.length = 0;
    for (const timer of kept) this.#push(timer);
  }
}

function isBefore(a: Timer | undefined, b: Timer | undefined): boolean {
  if (!a || !b) return false;
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.id < b.id);
}
