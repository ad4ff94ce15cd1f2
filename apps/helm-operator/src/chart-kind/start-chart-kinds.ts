import { keyOf, keyText, resources, type ChartKind, type KubeObject, type ObjectKey } from '@sluice/model';
import { createController, type Controller } from '@sluice/reconcile';
import { chartKindLabel } from '@sluice/release';
import { chartSources } from '../chart-source.ts';
import type { ChartStore } from '../chart-store.ts';
import { chartKindReconciler } from './chart-kind-reconciler.ts';
import { KindControllers, type KindControllerParts } from './kind-controllers.ts';

const bySource = 'chart-kind-source';

/** Works on ChartKinds and on the objects of the kinds that they make. */
export function startChartKinds(
  parts: KindControllerParts & { readonly store: ChartStore },
): Pick<Controller, 'start' | 'close'> {
  const { kube, store, events, now, informers, log, scope } = parts;
  const kinds = new KindControllers(parts);
  const chartKinds = informers.informer<ChartKind>(resources.chartKinds, { indexes: { [bySource]: sourceOf } });
  const usersOf =
    (kind: string) =>
    (source: KubeObject): readonly ObjectKey[] =>
      chartKinds.byIndex(bySource, `${kind}/${keyText(keyOf(source))}`).map(keyOf);
  const controller = createController({
    name: 'chartkind',
    informers,
    watches: [
      { resource: resources.chartKinds },
      { resource: resources.customResourceDefinitions, labelSelector: chartKindLabel, keysOf: makerOf },
      ...Object.entries(chartSources).map(([kind, resource]) => ({ resource, ...scope, keysOf: usersOf(kind) })),
    ],
    reconcile: chartKindReconciler({ kube, store, events, now, kinds }),
    concurrency: 2,
    log,
  });
  return {
    start: () => controller.start(),
    close: async () => {
      await controller.close();
      await kinds.close();
    },
  };
}

function sourceOf({ spec }: ChartKind): readonly string[] {
  return spec ? [`${spec.chartRef.kind}/${spec.chartRef.namespace}/${spec.chartRef.name}`] : [];
}

function makerOf({ metadata }: KubeObject): readonly ObjectKey[] {
  const name = metadata.labels?.[chartKindLabel];
  return name ? [{ name }] : [];
}
