/** A lock as it is written in a status: `<namespace>/Mutex/<name>` or `<namespace>/ConfigMap/<name>/<key>`. */
export type LockKey = string;

/** Who holds or waits for a lock: `<namespace>/<workflow>` or `<namespace>/<workflow>/<node id>`. */
export type LockHolder = string;

/** Where somebody stands in a queue: the higher priority first, then the older workflow. */
export type LockRank = { readonly priority: number; readonly createdAt: number };

type Waiting = LockRank & { readonly holder: LockHolder; readonly turn: number };
type LockState = { readonly holders: readonly LockHolder[]; readonly queue: readonly Waiting[] };

/** What a pass did to the locks; {@link LockTable.commit} makes it so. */
export type LockChanges = ReadonlyMap<LockKey, LockState>;

/** A lock that is wanted, with how many may hold it. */
export type WantedLock = { readonly key: LockKey; readonly limit: number };

/** Whether the locks are held now; if not, which one is in the way. */
export type Acquired = { readonly ok: true } | { readonly ok: false; readonly key: LockKey; readonly message: string };

const free: LockState = { holders: [], queue: [] };

function before(a: Waiting, b: Waiting): number {
  return b.priority - a.priority || a.createdAt - b.createdAt || a.turn - b.turn;
}

function sameState(a: LockState, b: LockState): boolean {
  return a.holders === b.holders && a.queue === b.queue;
}

/** The workflow of a holder, as `<namespace>/<name>`. */
export function workflowOfHolder(holder: LockHolder): string {
  return holder.split('/', 2).join('/');
}

/** The mutexes and semaphores of one controller. It forgets nothing that is not also in the workflows' status. */
export class LockTable {
  readonly #states = new Map<LockKey, LockState>();
  /** Locks that somebody of a workflow holds or waits for. */
  readonly #keysOf = new Map<string, Set<LockKey>>();
  #turns = 0;

  stateOf(key: LockKey): LockState {
    return this.#states.get(key) ?? free;
  }

  keysOf(workflow: string): readonly LockKey[] {
    return [...(this.#keysOf.get(workflow) ?? [])];
  }

  /** A number that grows with every use: who asked first. */
  nextTurn(): number {
    return ++this.#turns;
  }

  /** What one pass sees and changes; nothing is changed here until it is committed. */
  draft(workflow: string): LockDraft {
    return new LockDraft(this, workflow);
  }

  /** Take over what a pass did. Gives the workflows whose turn may have come. */
  commit(changes: LockChanges): readonly string[] {
    const wake = new Set<string>();
    for (const [key, after] of changes) {
      const past = this.stateOf(key);
      if (sameState(past, after)) continue;
      this.#unlist(key, past);
      if (after.holders.length + after.queue.length === 0) this.#states.delete(key);
      else this.#states.set(key, after);
      this.#list(key, after);
      const [head] = after.queue;
      if (head && (past.holders !== after.holders || past.queue[0] !== head)) wake.add(workflowOfHolder(head.holder));
    }
    return [...wake];
  }

  /** Let go of everything that a workflow holds or waits for. Gives the workflows whose turn may have come. */
  release(workflow: string): readonly string[] {
    const draft = this.draft(workflow);
    draft.releaseAll();
    return this.commit(draft.changes);
  }

  /** Note a holder that a stored status names. */
  restoreHolder(key: LockKey, holder: LockHolder): void {
    const state = this.stateOf(key);
    if (state.holders.includes(holder)) return;
    this.commit(new Map([[key, { ...state, holders: [...state.holders, holder] }]]));
  }

  #list(key: LockKey, state: LockState): void {
    for (const holder of namesIn(state)) {
      const workflow = workflowOfHolder(holder);
      const keys = this.#keysOf.get(workflow);
      if (keys) keys.add(key);
      else this.#keysOf.set(workflow, new Set([key]));
    }
  }

  #unlist(key: LockKey, state: LockState): void {
    for (const holder of namesIn(state)) {
      const workflow = workflowOfHolder(holder);
      const keys = this.#keysOf.get(workflow);
      keys?.delete(key);
      if (keys?.size === 0) this.#keysOf.delete(workflow);
    }
  }
}

function namesIn({ holders, queue }: LockState): readonly LockHolder[] {
  return [...holders, ...queue.map(({ holder }) => holder)];
}

/** The locks as one pass of one workflow sees them. */
export class LockDraft {
  readonly #table: LockTable;
  readonly #workflow: string;
  readonly #changed = new Map<LockKey, LockState>();

  constructor(table: LockTable, workflow: string) {
    this.#table = table;
    this.#workflow = workflow;
  }

  get changes(): LockChanges {
    return this.#changed;
  }

  stateOf(key: LockKey): LockState {
    return this.#changed.get(key) ?? this.#table.stateOf(key);
  }

  /** True when all of these are held already. */
  holds(holder: LockHolder, keys: readonly LockKey[]): boolean {
    return keys.every((key) => this.stateOf(key).holders.includes(holder));
  }

  /** Take all locks or none. Whoever does not get them stands in the queue of each; all queues have the same order. */
  acquire(holder: LockHolder, wanted: readonly WantedLock[], rank: LockRank): Acquired {
    const missing = wanted.filter(({ key }) => !this.holds(holder, [key]));
    if (missing.length === 0) return { ok: true };
    const turn = this.#turnOf(holder, missing) ?? this.#table.nextTurn();
    for (const { key } of missing) this.#enqueue(key, { holder, turn, ...rank });
    for (const { key, limit } of missing) {
      const { holders, queue } = this.stateOf(key);
      if (queue[0]?.holder === holder && holders.length < limit) continue;
      const left = Math.max(0, limit - holders.length);
      return { ok: false, key, message: `Waiting for ${key} lock. Lock status: ${left}/${limit}` };
    }
    for (const { key } of missing) {
      const { holders, queue } = this.stateOf(key);
      const rest = queue.filter((entry) => entry.holder !== holder);
      this.#changed.set(key, { holders: [...holders, holder], queue: rest });
    }
    return { ok: true };
  }

  #turnOf(holder: LockHolder, wanted: readonly WantedLock[]): number | undefined {
    for (const { key } of wanted) {
      const found = this.stateOf(key).queue.find((entry) => entry.holder === holder);
      if (found) return found.turn;
    }
    return undefined;
  }

  #enqueue(key: LockKey, entry: Waiting): void {
    const state = this.stateOf(key);
    if (state.queue.some(({ holder }) => holder === entry.holder)) return;
    this.#changed.set(key, { ...state, queue: [...state.queue, entry].toSorted(before) });
  }

  /** Let go of what this workflow's holders have, where `which` says so. */
  releaseWhere(which: (holder: LockHolder) => boolean): void {
    for (const key of this.ownKeys()) {
      const { holders, queue } = this.stateOf(key);
      const gone = (holder: LockHolder): boolean => this.#isOwn(holder) && which(holder);
      const after = {
        holders: holders.some(gone) ? holders.filter((holder) => !gone(holder)) : holders,
        queue: queue.some(({ holder }) => gone(holder)) ? queue.filter(({ holder }) => !gone(holder)) : queue,
      };
      if (!sameState(after, { holders, queue })) this.#changed.set(key, after);
    }
  }

  releaseAll(): void {
    this.releaseWhere(() => true);
  }

  /** Locks that this workflow holds or waits for. */
  ownKeys(): readonly LockKey[] {
    const touched = [...this.#changed].flatMap(([key, state]) =>
      namesIn(state).some((holder) => this.#isOwn(holder)) ? [key] : [],
    );
    const known = this.#table.keysOf(this.#workflow).filter((key) => !this.#changed.has(key));
    return [...known, ...touched].toSorted();
  }

  /** What this workflow has of a lock, and who has it in all. */
  shareOf(key: LockKey): { readonly holding: readonly LockHolder[]; readonly waiting: boolean } {
    const { holders, queue } = this.stateOf(key);
    return {
      holding: holders.filter((holder) => this.#isOwn(holder)),
      waiting: queue.some(({ holder }) => this.#isOwn(holder)),
    };
  }

  #isOwn(holder: LockHolder): boolean {
    return workflowOfHolder(holder) === this.#workflow;
  }
}
