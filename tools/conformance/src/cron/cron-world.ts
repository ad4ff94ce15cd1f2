import { apiVersionOf, keyOf, type ObjectKey, resources } from '@sluice/model';
import { FakeKube } from '@sluice/reconcile/testing';
import { cronLabel, type CronWorkflow, type Workflow, type WorkflowSpec } from '@sluice/workflow';
import { cronPorts, cronReconciler } from '@sluice/workflow-controller';
import { resourceOf } from '../scenarios/world.ts';
import type { CronRun } from './cron-case.ts';

const maxPasses = 50;
const maxInstants = 20_000;

/** A cluster in memory with the real reconciler of CronWorkflows and a fake clock. */
export class CronWorld {
  readonly kube: FakeKube;
  now: number;
  /** Names of Workflows created since this was last emptied, in order. */
  created: string[] = [];
  readonly key: ObjectKey;
  #nextLookAt: number | undefined;
  readonly #seen = new Set<string>();
  readonly #reconcile: ReturnType<typeof cronReconciler>;

  constructor({ cronWorkflow, objects = [], start }: CronRun) {
    this.now = Date.parse(start);
    this.kube = new FakeKube({ now: () => this.now });
    this.key = keyOf(cronWorkflow);
    for (const object of [cronWorkflow, ...objects])
      this.kube.put(resourceOf(object.kind ?? ''), {
        ...object,
        apiVersion: object.apiVersion ?? apiVersionOf(resources.workflows),
      });
    for (const { metadata } of this.workflows()) this.#seen.add(metadata.name);
    const { namespace } = this.key;
    this.#reconcile = cronReconciler(
      cronPorts({
        kube: this.kube,
        events: { event: () => undefined },
        now: () => this.now,
        cron: () => this.cron(),
        runsOf: ({ metadata }) => this.workflows().filter((run) => run.metadata.labels?.[cronLabel] === metadata.name),
        storedTemplate: (_namespace, name, clusterScope) =>
          this.kube
            .objects(clusterScope ? resources.clusterWorkflowTemplates : resources.workflowTemplates)
            .find(({ metadata }) => metadata.name === name && (clusterScope || metadata.namespace === namespace))
            ?.spec as WorkflowSpec | undefined,
      }),
    );
  }

  cron(): CronWorkflow {
    const { namespace = '', name } = this.key;
    return this.kube.object<CronWorkflow>(resources.cronWorkflows, { namespace, name });
  }

  workflows(): readonly Workflow[] {
    return this.kube.objects<Workflow>(resources.workflows, this.key.namespace);
  }

  /** Reconcile until nothing is left to do at this instant. */
  async settle(): Promise<void> {
    for (let pass = 0; pass < maxPasses; pass++) {
      const before = this.kube.writes();
      const { requeueAfterMs } = await this.#reconcile(this.key, new AbortController().signal);
      this.#nextLookAt = requeueAfterMs === undefined ? undefined : this.now + requeueAfterMs;
      for (const { metadata } of this.workflows()) {
        if (!this.#seen.has(metadata.name)) this.created.push(metadata.name);
        this.#seen.add(metadata.name);
      }
      if (this.kube.writes() === before) return;
    }
    throw new Error(`the controller still changes something after ${maxPasses} passes`);
  }

  /** Move the clock; the controller is woken whenever it asked to be. */
  async advanceTo(time: number): Promise<void> {
    for (let instant = 0; instant < maxInstants; instant++) {
      const next = this.#nextLookAt;
      if (next === undefined || next > time || next <= this.now) break;
      this.now = next;
      await this.settle();
    }
    this.now = time;
    await this.settle();
  }
}
