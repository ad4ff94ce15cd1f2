import { nodeIdOf } from './node-name.ts';
import { ownProgress } from './node-progress.ts';
import { isFulfilled, type NodeStatus } from './workflow-types.ts';

type Nodes = Readonly<Record<string, NodeStatus>>;

/** What is known of a set of nodes without going through them: which may still change, and how far all of them are. */
type NodeIndex = { readonly live: ReadonlySet<string>; readonly done: number; readonly all: number };

/** Indexes of the records that passes have made or read: the next pass starts from there. */
const indexes = new WeakMap<Nodes, NodeIndex>();

function isLive(node: NodeStatus): boolean {
  return node.daemoned === true || !isFulfilled(node);
}

function indexOf(nodes: Nodes): NodeIndex {
  const known = indexes.get(nodes);
  if (known) return known;
  const live = new Set<string>();
  let done = 0;
  let all = 0;
  for (const id in nodes) {
    const node = Object.hasOwn(nodes, id) ? nodes[id] : undefined;
    if (!node) continue;
    if (isLive(node)) live.add(id);
    const own = ownProgress(node);
    done += own?.[0] ?? 0;
    all += own?.[1] ?? 0;
  }
  const index = { live, done, all };
  indexes.set(nodes, index);
  return index;
}

/** The nodes of a workflow during one pass: the stored ones under those that this pass has changed. */
export class NodeTree {
  readonly #workflow: string;
  readonly #stored: Nodes;
  readonly #index: NodeIndex;
  readonly #changed = new Map<string, NodeStatus>();
  readonly #children = new Map<string, Set<string>>();

  constructor(workflow: string, stored: Readonly<Record<string, NodeStatus>>) {
    this.#workflow = workflow;
    this.#stored = stored;
    this.#index = indexOf(stored);
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
    for (const [id, node] of Object.entries(this.#stored)) yield this.#changed.get(id) ?? node;
    for (const [id, node] of this.#changed) if (!Object.hasOwn(this.#stored, id)) yield node;
  }

  /** The nodes that may still change: those that have not ended, daemons, and whatever this pass has changed. */
  live(): NodeStatus[] {
    const found: NodeStatus[] = [];
    for (const id of this.#index.live) {
      const node = this.byId(id);
      if (node) found.push(node);
    }
    for (const [id, node] of this.#changed) if (!this.#index.live.has(id)) found.push(node);
    return found;
  }

  /** A node as it is stored. */
  stored(id: string): NodeStatus | undefined {
    // Looked up without hasOwn, which is slow on large records; a workflow may be named `constructor`.
    const node = this.#stored[id];
    return typeof node === 'object' ? node : undefined;
  }

  /** Parts done and parts in all, over all nodes. */
  get progress(): readonly [number, number] {
    let { done, all } = this.#index;
    for (const [id, node] of this.#changed) {
      const [doneNow = 0, allNow = 0] = ownProgress(node) ?? [];
      const before = this.stored(id);
      const [doneBefore = 0, allBefore = 0] = (before && ownProgress(before)) ?? [];
      done += doneNow - doneBefore;
      all += allNow - allBefore;
    }
    return [done, all];
  }

  /** The direct children that exist. */
  childrenOf(node: NodeStatus): NodeStatus[] {
    return (node.children ?? []).map((id) => this.byId(id)).filter((child) => child !== undefined);
  }

  /** All nodes as stored in a status; the same object when nothing changed. */
  toRecord(): Readonly<Record<string, NodeStatus>> {
    if (this.#changed.size === 0) return this.#stored;
    const record: Record<string, NodeStatus> = { ...this.#stored };
    const live = new Set(this.#index.live);
    for (const [id, node] of this.#changed) {
      record[id] = node;
      if (isLive(node)) live.add(id);
      else live.delete(id);
    }
    const [done, all] = this.progress;
    indexes.set(record, { live, done, all });
    return record;
  }
}
