import type { PodObservation } from './action.ts';
import { decide, type DecideInput } from './decide.ts';
import type { Decision } from './decision.ts';
import type { Lookup } from './pass.ts';
import type { NodeStatus, Workflow } from './workflow-types.ts';

export { makeTemplate, makeWorkflow } from './simulation/builders.ts';

/** A lookup that knows nothing. */
export const emptyLookup: Lookup = { workflowTemplate: () => undefined, configMap: () => undefined };

/** A cluster in memory around {@link decide}: it keeps pods and status, and can lose or repeat what it is asked to do. */
export class FakeCluster {
  workflow: Workflow;
  now = 1_700_000_000_000;
  readonly pods = new Map<string, PodObservation>();
  /** Node names of all pods ever made, in order. */
  readonly created: string[] = [];
  readonly #options: Partial<DecideInput>;
  readonly #nameOf = new Map<string, string>();

  constructor(workflow: Workflow, options: Partial<DecideInput> = {}) {
    this.workflow = workflow;
    this.#options = options;
  }

  decide(): Decision {
    return decide({ workflow: this.workflow, lookup: emptyLookup, pods: this.pods, now: this.now, ...this.#options });
  }

  /** One pass. `loses` says which actions never happen; then the status is not stored either, as when a call fails. */
  pass(loses: (index: number) => boolean = () => false): Decision {
    const decision = this.decide();
    let lost = false;
    for (const [index, action] of decision.actions.entries()) {
      if (loses(index)) lost = true;
      else if (action.kind === 'CreatePod' && !this.pods.has(action.nodeId)) {
        this.created.push(action.nodeName);
        this.#nameOf.set(action.nodeId, action.nodeName);
        this.pods.set(action.nodeId, { phase: 'Pending' });
      } else if (action.kind === 'DeletePod') this.pods.delete(action.nodeId);
    }
    if (!lost) this.workflow = { ...this.workflow, status: decision.status };
    return decision;
  }

  /** Pass until nothing changes. */
  settle(): void {
    for (let pass = 0; pass < 100; pass++) {
      const before = JSON.stringify([this.workflow.status, [...this.pods]]);
      this.pass();
      if (JSON.stringify([this.workflow.status, [...this.pods]]) === before) return;
    }
    throw new Error('the engine does not come to rest');
  }

  /** What the pod of a node comes to. */
  report(nodeName: string, outcome: PodObservation): void {
    const id = [...this.#nameOf].find(([, name]) => name === nodeName)?.[0];
    if (id === undefined) throw new Error(`node ${nodeName} has no pod; there are ${this.created.join(', ')}`);
    this.pods.set(id, outcome);
  }

  /** Ids of pods that have not ended. */
  live(): string[] {
    return [...this.pods].filter(([, { phase }]) => phase === 'Pending' || phase === 'Running').map(([id]) => id);
  }

  node(name: string): NodeStatus | undefined {
    return Object.values(this.workflow.status?.nodes ?? {}).find((node) => node.name === name);
  }
}

export type { SimulatedRun } from './simulation/play-seed.ts';
export { playSeed } from './simulation/play-seed.ts';
