import type { KubeObject } from '@sluice/model';
import type { NodeStatus, Workflow, WorkflowStatus } from '@sluice/workflow';

/** What this process knows of a run that the cache may not show yet. Losing it loses nothing: pods tell it again. */
export type RunMemory = {
  /** The run as it was decided last; ahead of the cache and, between two writes, of the server. */
  latest: Workflow | undefined;
  /** As the server has it, to the best of our knowledge. */
  stored: Workflow | undefined;
  /** Nodes that differ from what is stored. */
  readonly unsaved: Set<string>;
  lastWriteAt: number;
  /** Pods that were created and not seen yet: name to time. */
  readonly created: Map<string, number>;
};

const expectMs = 300_000;

/** The memory of the runs of one controller. */
export class RunMemories {
  readonly #runs = new Map<string, RunMemory>();

  of(uid: string): RunMemory {
    const known = this.#runs.get(uid);
    if (known) return known;
    const made: RunMemory = {
      latest: undefined,
      stored: undefined,
      unsaved: new Set(),
      lastWriteAt: 0,
      created: new Map(),
    };
    this.#runs.set(uid, made);
    return made;
  }

  forget(uid: string): void {
    this.#runs.delete(uid);
  }

  get size(): number {
    return this.#runs.size;
  }
}

/**
 * The newer of what the cache has and what we wrote ourselves, with the status that we decided last. What somebody else has written
 * meanwhile (outputs of a suspended node, say) goes before what we have not written yet.
 */
export function freshest(memory: RunMemory, cached: Workflow): Workflow {
  const { stored, latest } = memory;
  const isForeign = stored !== undefined && versionOf(cached) > versionOf(stored);
  const base = stored && !isForeign ? stored : cached;
  memory.stored = base;
  // Frozen cache objects keep their identity, so that what is remembered about them stays.
  if (!latest?.status || memory.unsaved.size === 0) return base;
  const status = isForeign
    ? withForeign(memory, stored.status ?? {}, cached.status ?? {}, latest.status)
    : latest.status;
  memory.latest = { ...base, status };
  return memory.latest;
}

/** Our status with every field and node that differs between two stored versions taken from the newer one. */
function withForeign(
  { unsaved }: RunMemory,
  before: WorkflowStatus,
  after: WorkflowStatus,
  own: WorkflowStatus,
): WorkflowStatus {
  const fields = new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof WorkflowStatus>;
  fields.delete('nodes');
  const foreign = [...fields].filter((field) => !same(before[field], after[field]));
  const nodes: Record<string, NodeStatus> = { ...own.nodes };
  for (const id of new Set([...Object.keys(before.nodes ?? {}), ...Object.keys(after.nodes ?? {})])) {
    const node = after.nodes?.[id];
    if (same(before.nodes?.[id], node)) continue;
    if (node) nodes[id] = node;
    else Reflect.deleteProperty(nodes, id);
    unsaved.delete(id);
  }
  return { ...own, ...Object.fromEntries(foreign.map((field) => [field, after[field]])), nodes };
}

function same(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

function versionOf(workflow: Workflow): bigint {
  const text = workflow.metadata.resourceVersion ?? '0';
  return /^\d+$/.test(text) ? BigInt(text) : 0n;
}

/** Names of pods that we made and that the cache does not show; those that it shows are no longer waited for. */
export function unseenPods(memory: RunMemory, pods: readonly KubeObject[], now: number): readonly string[] {
  for (const pod of pods) memory.created.delete(pod.metadata.name);
  for (const [name, at] of memory.created) if (now - at > expectMs) memory.created.delete(name);
  return [...memory.created.keys()];
}
