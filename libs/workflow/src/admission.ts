import type { LockRank } from './locks.ts';
import { parseTime } from './pass.ts';
import { isFinished, type Workflow } from './workflow-types.ts';

/** How many workflows may be under way: in all, and in a namespace. Undefined or 0: any number. */
export type AdmissionLimits = {
  readonly total?: number | undefined;
  readonly inNamespace: (namespace: string) => number | undefined;
};

/** The message of a workflow that must wait for others to end. */
export const postponedMessage = 'Workflow processing has been postponed because too many workflows are already running';

type Waiting = LockRank & { readonly namespace: string; readonly name: string };

function before(a: Waiting, b: Waiting): number {
  return b.priority - a.priority || a.createdAt - b.createdAt || (a.name < b.name ? -1 : 1);
}

function keyOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}

/**
 * Which workflows may begin. Whoever does not fit waits: the higher priority first, then the older. A namespace that is full holds
 * no other namespace up. It forgets nothing that is not also in the workflows' phases.
 */
export class AdmissionQueue {
  readonly #limits: AdmissionLimits;
  readonly #running = new Map<string, Set<string>>();
  readonly #waiting = new Map<string, Waiting[]>();
  #count = 0;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  /** Take over workflows that are under way, as after a restart. */
  restore(workflows: Iterable<Workflow>): void {
    for (const { metadata, status } of workflows) {
      if (status?.phase === 'Running') this.#run(metadata.namespace ?? '', metadata.name);
    }
  }

  /** Whether a workflow may begin or go on; from then on it counts until it is released. Gives others whose turn came with it. */
  admit({ metadata, spec, status }: Workflow): { readonly admitted: boolean; readonly wake: readonly string[] } {
    const { namespace = '', name } = metadata;
    if (isFinished(status?.phase) || this.#running.get(namespace)?.has(name)) return { admitted: true, wake: [] };
    const queue = this.#waiting.get(namespace) ?? [];
    if (!queue.some((entry) => entry.name === name)) {
      const priority = Number(spec?.['priority'] ?? 0);
      const createdAt = parseTime(metadata.creationTimestamp) ?? 0;
      const entry = { namespace, name, createdAt, priority: Number.isFinite(priority) ? priority : 0 };
      this.#waiting.set(namespace, [...queue, entry].toSorted(before));
    }
    const begun = this.#fill();
    const own = keyOf({ namespace, name });
    return { admitted: begun.includes(own), wake: begun.filter((key) => key !== own) };
  }

  /** A workflow has ended or is gone. Gives those whose turn has come. */
  release(namespace: string, name: string): readonly string[] {
    const queue = this.#waiting.get(namespace);
    if (queue)
      this.#setQueue(
        namespace,
        queue.filter((entry) => entry.name !== name),
      );
    const running = this.#running.get(namespace);
    if (!running?.delete(name)) return [];
    this.#count--;
    if (running.size === 0) this.#running.delete(namespace);
    return this.#fill();
  }

  #run(namespace: string, name: string): void {
    const running = this.#running.get(namespace) ?? new Set();
    this.#running.set(namespace, running);
    if (running.has(name)) return;
    running.add(name);
    this.#count++;
  }

  #setQueue(namespace: string, queue: Waiting[]): void {
    if (queue.length === 0) this.#waiting.delete(namespace);
    else this.#waiting.set(namespace, queue);
  }

  /** Let workflows begin while there is room. */
  #fill(): readonly string[] {
    const begun: string[] = [];
    for (let next = this.#next(); next; next = this.#next()) {
      const { namespace, name } = next;
      this.#setQueue(namespace, this.#waiting.get(namespace)?.slice(1) ?? []);
      this.#run(namespace, name);
      begun.push(keyOf(next));
    }
    return begun;
  }

  /** The first in line of the namespaces that have room. */
  #next(): Waiting | undefined {
    const { total, inNamespace } = this.#limits;
    if (total && this.#count >= total) return undefined;
    let first: Waiting | undefined;
    for (const [namespace, [head]] of this.#waiting) {
      const limit = inNamespace(namespace);
      if (!head || (limit && (this.#running.get(namespace)?.size ?? 0) >= limit)) continue;
      if (!first || before(head, first) < 0) first = head;
    }
    return first;
  }
}
