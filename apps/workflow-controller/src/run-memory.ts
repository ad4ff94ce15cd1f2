import type { KubeObject } from '@sluice/model';
import type { Workflow } from '@sluice/workflow';

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

/** The newer of what the cache has and what we wrote ourselves, with the status that we decided last. */
export function freshest(memory: RunMemory, cached: Workflow): Workflow {
  const { stored } = memory;
  const base = stored && versionOf(stored) > versionOf(cached) ? stored : cached;
  memory.stored = base;
  if (!memory.latest?.status || memory.unsaved.size === 0) {
    // Frozen cache objects keep their identity, so that what is remembered about them stays.
    return base;
  }
  return { ...base, status: memory.latest.status };
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
