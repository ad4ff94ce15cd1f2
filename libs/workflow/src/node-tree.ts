import { nodeIdOf } from './node-name.ts';
import { ownProgress } from './node-progress.ts';
import { extendStore, isLive, type NodeStore } from './node-store.ts';
import type { NodeStatus } from './workflow-types.ts';

/** The nodes of a workflow during one pass: the stored ones under those that this pass has changed. */
export class NodeTree {
  readonly #workflow: string;
  readonly #store: NodeStore;
  readonly #changed = new Map<string, NodeStatus>();
  readonly #children = new Map<string, Set<string>>();
  readonly #walked = new Set<string>();

  constructor(workflow: string, store: NodeStore) {
    this.#workflow = workflow;
    this.#store = store;
  }

  /** The id that a node of this name has, whether it exists or not. */
  idOf(name: string): string {
    return nodeIdOf(this.#workflow, name);
  }

  byId(id: string): NodeStatus | undefined {
    return this.#changed.get(id) ?? this.stored(id);
  }

  byName(name: string): NodeStatus | undefined {
    return this.byId(this.idOf(name));
  }

  set(node: NodeStatus): NodeStatus {
    this.#changed.set(node.id, node);
    return node;
  }

  /** Change some fields; nothing is recorded when they have these values already. */
  update(id: string, change: Partial<NodeStatus>): NodeStatus | undefined {
    const before = this.byId(id);
    if (!before) return undefined;
    const same = Object.entries(change).every(([field, value]) => before[field as keyof NodeStatus] === value);
    return same ? before : this.set({ ...before, ...change });
  }

  /** Make one node a child of another; both may exist or not yet. */
  addChild(parentName: string, childName: string): void {
    const parent = this.byName(parentName);
    if (!parent) return;
    const child = this.idOf(childName);
    const known = this.#childSet(parent);
    if (known.has(child)) return;
    known.add(child);
    this.set({ ...parent, children: [...(parent.children ?? []), child] });
  }

  #childSet(parent: NodeStatus): Set<string> {
    let known = this.#children.get(parent.id);
    if (!known || known.size !== (parent.children?.length ?? 0)) {
      known = new Set(parent.children);
      this.#children.set(parent.id, known);
    }
    return known;
  }

  /** Nodes that were made or changed in this pass. */
  get changed(): ReadonlyMap<string, NodeStatus> {
    return this.#changed;
  }

  /** All nodes, the stored order first. */
  *all(): Iterable<NodeStatus> {
    const { base, changes } = this.#store;
    for (const [id, node] of Object.entries(base)) yield this.#changed.get(id) ?? changes.get(id) ?? node;
    for (const [id, node] of changes) if (!Object.hasOwn(base, id)) yield this.#changed.get(id) ?? node;
    for (const [id, node] of this.#changed) if (!Object.hasOwn(base, id) && !changes.has(id)) yield node;
  }

  /** The nodes that may still change: those that have not ended, daemons, and whatever this pass has changed. */
  live(): NodeStatus[] {
    const found: NodeStatus[] = [];
    for (const id of this.#store.index.live) {
      const node = this.byId(id);
      if (node) found.push(node);
    }
    for (const [id, node] of this.#changed) if (!this.#store.index.live.has(id)) found.push(node);
    return found;
  }

  /** A node as it is stored. */
  stored(id: string): NodeStatus | undefined {
    // Looked up without hasOwn, which is slow on large records; a workflow may be named `constructor`.
    const node = this.#store.changes.get(id) ?? this.#store.base[id];
    return typeof node === 'object' ? node : undefined;
  }

  /** Parts done and parts in all, over all nodes. */
  get progress(): readonly [number, number] {
    let { done, all } = this.#store.index;
    for (const [id, node] of this.#changed) {
      const [doneNow = 0, allNow = 0] = ownProgress(node) ?? [];
      const before = this.stored(id);
      const [doneBefore = 0, allBefore = 0] = (before && ownProgress(before)) ?? [];
      done += doneNow - doneBefore;
      all += allNow - allBefore;
    }
    return [done, all];
  }

  /** True when everything of a dag that could begin had begun when the stored nodes were made. */
  wasWalked(id: string): boolean {
    return this.#store.index.walked.has(id);
  }

  /** Note that everything of a dag that can begin has begun. */
  noteWalked(id: string): void {
    this.#walked.add(id);
  }

  /** The direct children that exist. */
  childrenOf(node: NodeStatus): NodeStatus[] {
    return (node.children ?? []).map((id) => this.byId(id)).filter((child) => child !== undefined);
  }

  /** The nodes after this pass; the same store when nothing changed. */
  toStore(): NodeStore {
    if (this.#changed.size === 0) return this.#store;
    const live = new Set(this.#store.index.live);
    for (const [id, node] of this.#changed) {
      if (isLive(node)) live.add(id);
      else live.delete(id);
    }
    const [done, all] = this.progress;
    return extendStore(this.#store, this.#changed, { live, done, all, walked: this.#walked });
  }
}
