import { resources, type ChartKind, type ChartKindSpec } from '@sluice/model';
import { createController, ownerKeys, type Controller, type InformerSet, type KubeApi } from '@sluice/reconcile';
import { resourceOfChartKind } from '@sluice/release';
import type { Log } from '@sluice/runtime';
import type { ReleaseEvents } from '../release-events.ts';
import { chartResourceReconciler } from './chart-resource-reconciler.ts';

type Ready = ChartKind & { readonly spec: ChartKindSpec };

export type KindControllerParts = {
  readonly kube: KubeApi;
  readonly informers: InformerSet;
  readonly events: ReleaseEvents;
  readonly now: () => number;
  readonly log: Log;
  readonly concurrency: number;
  readonly scope: { readonly namespace?: string };
};

type Entry = { readonly generation: number; readonly controller: Controller; readonly close: () => Promise<void> };

const startLimitMs = 30_000;

/** One controller for each kind that a ChartKind makes; they come and go while the operator runs. */
export class KindControllers {
  readonly #parts: KindControllerParts;
  readonly #entries = new Map<string, Entry>();

  constructor(parts: KindControllerParts) {
    this.#parts = parts;
  }

  /** Work on the objects of a kind; a controller for an older spec of it is replaced. */
  async start(chartKind: Ready): Promise<void> {
    const { name, generation = 0 } = chartKind.metadata;
    const known = this.#entries.get(name);
    if (known?.generation === generation) return;
    if (known) await this.stop(name);
    const { kube, informers, events, now, log, concurrency, scope } = this.#parts;
    const resource = resourceOfChartKind(chartKind.spec);
    const informer = informers.informer(resource, scope);
    const controller = createController({
      name: `${resource.plural}.${resource.group}`,
      informers,
      watches: [
        { resource, ...scope },
        { resource: resources.helmReleases, ...scope, keysOf: ownerKeys(resource.kind, resource.group) },
      ],
      reconcile: chartResourceReconciler({ kube, events, now }, chartKind),
      concurrency,
      log,
    });
    const close = async (): Promise<void> => {
      await controller.close();
      await informers.remove(informer);
    };
    this.#entries.set(name, { generation, controller, close });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`objects of ${resource.kind} could not be listed`)), startLimitMs);
    });
    try {
      await Promise.race([controller.start(), late]);
    } catch (error) {
      await this.stop(name);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Look at nothing of this kind any more. */
  async stop(name: string): Promise<void> {
    const entry = this.#entries.get(name);
    this.#entries.delete(name);
    await entry?.close();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#entries.keys()].map((name) => this.stop(name)));
  }
}
