import { ownProgress } from './node-progress.ts';
import { isFulfilled, type NodeStatus, type WorkflowStatus } from './workflow-types.ts';

type Nodes = Readonly<Record<string, NodeStatus>>;

/** What is known of a set of nodes without going through them: which may still change, and how far all of them are. */
export type NodeIndex = {
  readonly live: ReadonlySet<string>;
  readonly done: number;
  readonly all: number;
  /** Dags of which everything that could begin had begun when the nodes were made. */
  readonly walked: ReadonlySet<string>;
};

/** The nodes of a status as a record and what has changed since: what a pass costs follows what it changes, not the workflow. */
export type NodeStore = {
  readonly base: Nodes;
  readonly changes: ReadonlyMap<string, NodeStatus>;
  readonly index: NodeIndex;
};

const stores = new WeakMap<WorkflowStatus, NodeStore>();
const indexes = new WeakMap<Nodes, NodeIndex>();
const none: Nodes = Object.freeze({});
/** So many changes are carried along before they are laid into the record. */
const maxChanges = 256;

/** True for a node that may still change. */
export function isLive(node: NodeStatus): boolean {
  return node.daemoned === true || !isFulfilled(node);
}

/** The nodes of a status, wherever it comes from. */
export function storeOf(status: WorkflowStatus): NodeStore {
  const known = stores.get(status);
  if (known) return known;
  const { nodes: base = none } = status;
  return { base, changes: new Map(), index: indexOf(base) };
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
  const index = { live, done, all, walked: new Set<string>() };
  indexes.set(nodes, index);
  return index;
}

/** The store with some nodes more or other. */
export function extendStore(
  { base, changes }: NodeStore,
  changed: ReadonlyMap<string, NodeStatus>,
  index: NodeIndex,
): NodeStore {
  const all = new Map([...changes, ...changed]);
  return all.size > maxChanges
    ? { base: recordOf(base, all), changes: new Map(), index }
    : { base, changes: all, index };
}

function recordOf(base: Nodes, changes: ReadonlyMap<string, NodeStatus>): Nodes {
  if (changes.size === 0) return base;
  const record: Record<string, NodeStatus> = { ...base };
  for (const [id, node] of changes) record[id] = node;
  return record;
}

/** A status with the nodes of a store; the record is made when somebody asks for it. */
export function withNodes(fields: Omit<WorkflowStatus, 'nodes'>, store: NodeStore): WorkflowStatus {
  const { base, changes, index } = store;
  let record: Nodes | undefined;
  const status: WorkflowStatus = Object.defineProperty({ ...fields }, 'nodes', {
    enumerable: true,
    configurable: true,
    get() {
      if (!record) {
        record = recordOf(base, changes);
        indexes.set(record, index);
      }
      return record;
    },
  });
  stores.set(status, store);
  return status;
}

/** All fields of a status but its nodes, which are not touched. */
export function withoutNodes(status: WorkflowStatus): Omit<WorkflowStatus, 'nodes'> {
  const fields: Record<string, unknown> = {};
  for (const field of Object.keys(status) as (keyof WorkflowStatus)[])
    if (field !== 'nodes') fields[field] = status[field];
  return fields;
}
