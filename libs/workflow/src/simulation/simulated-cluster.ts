import type { Action, PodObservation } from '../action.ts';
import { decide, type DecideInput } from '../decide.ts';
import type { Decision } from '../decision.ts';
import { LockTable } from '../locks.ts';
import { restoreLocks } from '../synchronization.ts';
import type { Workflow } from '../workflow-types.ts';

type PodLife = {
  readonly node: string;
  outcome: PodObservation | undefined;
  readonly past: (PodObservation | undefined)[];
};

/** How a pass goes wrong. */
export type PassFaults = {
  /** Actions that never happen, by their place; then nothing is stored, as when a call fails. */
  readonly loses?: (index: number) => boolean;
  /** The controller dies after its actions and before it writes. */
  readonly dies?: boolean;
  /** How many changes of its pod each node's view lags behind. */
  readonly lag?: number;
};

const limitOfAll = 2;

/** One workflow, its pods and a controller that can be killed at any point. */
export class SimulatedCluster {
  workflow: Workflow;
  now = Date.UTC(2026, 0, 1);
  readonly problems: string[] = [];
  readonly #pods = new Map<string, PodLife>();
  /** Nodes whose pod vanished before it was known to run: these may have another. */
  readonly #mayAgain = new Set<string>();
  readonly #made = new Set<string>();
  readonly #cache = new Map<string, string>();
  #locks = new LockTable();

  constructor(workflow: Workflow) {
    this.workflow = workflow;
  }

  /** The controller starts again: all it knows is what is stored. */
  restart(): void {
    this.workflow = structuredClone(this.workflow);
    this.#locks = new LockTable();
    restoreLocks(this.#locks, [this.workflow]);
  }

  /** Node ids of pods that have not ended, and whether they run. */
  live(): readonly (readonly [string, 'Pending' | 'Running'])[] {
    return [...this.#pods].flatMap(([id, { outcome }]) =>
      outcome?.phase === 'Pending' || outcome?.phase === 'Running' ? [[id, outcome.phase] as const] : [],
    );
  }

  /** Something happens to a pod; nothing at all is its disappearance. */
  report(id: string, outcome: PodObservation | undefined): void {
    const pod = this.#pods.get(id);
    if (!pod) return;
    if (!outcome && this.workflow.status?.nodes?.[id]?.phase !== 'Running') this.#mayAgain.add(id);
    pod.past.push(pod.outcome);
    pod.outcome = outcome;
  }

  /** What a decision would be now. */
  look(workflow = this.workflow, lag = 0): Decision {
    const pods = new Map<string, PodObservation>();
    for (const [id, { outcome, past }] of this.#pods) {
      // A cache lags behind, but never behind what the stored status has already been made of.
      const seen = lag > 0 && past.length > 0 ? past[Math.max(0, past.length - lag)] : outcome;
      const known = workflow.status?.nodes?.[id]?.phase;
      const view = seen?.phase === 'Pending' && known !== 'Pending' ? outcome : seen;
      if (view) pods.set(id, view);
    }
    const input: DecideInput = {
      workflow,
      pods,
      now: this.now,
      locks: this.#locks,
      semaphoreLimit: () => ({ ok: true, limit: limitOfAll }),
      lookup: {
        workflowTemplate: () => undefined,
        configMap: (name) =>
          name === 'cache' && this.#cache.size > 0
            ? { data: Object.fromEntries(this.#cache), labelled: false, type: 'Cache' }
            : undefined,
      },
    };
    return decide(input);
  }

  /** One pass with its faults. True when it changed anything. */
  pass({ loses = () => false, dies = false, lag = 0 }: PassFaults = {}): boolean {
    const decision = this.look(this.workflow, lag);
    let lost = false;
    for (const [index, action] of decision.actions.entries()) {
      if (loses(index)) lost = true;
      else this.#perform(action);
    }
    if (lost || dies) {
      this.restart();
      return true;
    }
    if (decision.locks) this.#locks.commit(decision.locks);
    const changed =
      decision.actions.length > 0 || JSON.stringify(decision.status) !== JSON.stringify(this.workflow.status);
    this.workflow = { ...this.workflow, status: decision.status };
    return changed;
  }

  #perform(action: Action): void {
    if (action.kind === 'SaveCache') this.#cache.set(action.key, action.entry);
    if (action.kind === 'DeletePod' && this.#pods.get(action.nodeId)?.outcome) this.report(action.nodeId, undefined);
    if (action.kind !== 'CreatePod' || this.#pods.get(action.nodeId)?.outcome) return;
    if (this.#made.has(action.nodeId) && !this.#mayAgain.delete(action.nodeId))
      this.problems.push(`a second pod for ${action.nodeName}`);
    this.#made.add(action.nodeId);
    this.#pods.set(action.nodeId, { node: action.nodeName, outcome: { phase: 'Pending' }, past: [undefined] });
  }

  /** Locks that somebody holds. */
  heldLocks(): readonly string[] {
    return this.#locks.keysOf(`${this.workflow.metadata.namespace ?? ''}/${this.workflow.metadata.name}`);
  }
}
