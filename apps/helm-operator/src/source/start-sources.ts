import { keyOf, keyText, resources, type KubeObject, type ObjectKey, type Resource, type Source } from '@sluice/model';
import { createController, type Controller, type EventRecorder, type InformerSet } from '@sluice/reconcile';
import type { ChartStore } from '../chart-store.ts';
import type { HelmOperatorConfig } from '../config.ts';
import { ociRepositoryReconciler } from '../oci-repository-reconciler.ts';
import { onRequest } from '../on-request.ts';
import type { HelmOperatorPorts } from '../ports.ts';
import { gitRepositoryReconciler } from './git-repository-reconciler.ts';
import { helmChartReconciler } from './helm-chart-reconciler.ts';
import { helmRepositoryReconciler } from './helm-repository-reconciler.ts';

export type SourceParts = Pick<HelmOperatorPorts, 'kube' | 'oci' | 'log' | 'now' | 'gitSearchPath'> & {
  readonly config: HelmOperatorConfig;
  readonly informers: InformerSet;
  readonly store: ChartStore;
  readonly events: EventRecorder;
  readonly scope: { readonly namespace?: string };
};

const usualPath = '/usr/local/bin:/usr/bin:/bin';
const withArtifacts: readonly Resource[] = [
  resources.ociRepositories,
  resources.helmCharts,
  resources.helmRepositories,
  resources.gitRepositories,
  resources.externalArtifacts,
];
const bySource = 'helm-operator-source';

/** The controllers of all kinds of sources. */
export function startSources(parts: SourceParts): Pick<Controller, 'start' | 'close'> {
  const { informers, config, log, scope, gitSearchPath = usualPath } = parts;
  const charts = informers.informer<Source>(resources.helmCharts, { ...scope, indexes: { [bySource]: sourceOf } });
  const chartsOf =
    (kind: string) =>
    (source: KubeObject): readonly ObjectKey[] =>
      charts.byIndex(bySource, `${kind}/${keyText(keyOf(source))}`).map(keyOf);
  const common = {
    informers,
    concurrency: config.concurrency,
    log,
  };
  const controllers = [
    { name: 'ocirepository', resource: resources.ociRepositories, reconcile: ociRepositoryReconciler(parts) },
    { name: 'helmrepository', resource: resources.helmRepositories, reconcile: helmRepositoryReconciler(parts) },
    {
      name: 'gitrepository',
      resource: resources.gitRepositories,
      reconcile: gitRepositoryReconciler(parts, gitSearchPath),
    },
  ].map(({ name, resource, reconcile }) =>
    createController({ ...common, name, watches: [{ resource, ...scope, keysOf: onRequest() }], reconcile }),
  );
  const chartController = createController({
    ...common,
    name: 'helmchart',
    watches: [
      { resource: resources.helmCharts, ...scope, keysOf: onRequest() },
      { resource: resources.helmRepositories, ...scope, keysOf: onArtifact(chartsOf('HelmRepository')) },
      { resource: resources.gitRepositories, ...scope, keysOf: onArtifact(chartsOf('GitRepository')) },
    ],
    reconcile: helmChartReconciler(parts),
  });
  const all = [...controllers, chartController];
  return {
    start: async () => void (await Promise.all(all.map((controller) => controller.start()))),
    close: async () => void (await Promise.all(all.map((controller) => controller.close()))),
  };
}

function sourceOf({ metadata, spec }: Source): readonly string[] {
  const { kind, name } = (spec?.['sourceRef'] ?? {}) as { readonly kind?: string; readonly name?: string };
  return [`${kind ?? ''}/${metadata.namespace ?? ''}/${name ?? ''}`];
}

/** Passes changes of what a source offers. */
function onArtifact(
  keysOf: (source: KubeObject) => readonly ObjectKey[],
): (source: KubeObject) => readonly ObjectKey[] {
  const seen = new Map<string, string>();
  return (source) => {
    const { status, spec } = source as Source;
    const offered = JSON.stringify([
      status?.artifact?.revision,
      status?.conditions?.map(({ status: held }) => held),
      spec,
    ]);
    const key = keyText(keyOf(source));
    if (seen.get(key) === offered) return [];
    if (seen.size > 50_000) seen.clear();
    seen.set(key, offered);
    return keysOf(source);
  };
}

/** Digests of everything that some source offers. */
export function liveDigests(informers: InformerSet, scope: { readonly namespace?: string }): ReadonlySet<string> {
  const sources = withArtifacts.flatMap((resource) => informers.informer<Source>(resource, scope).list());
  return new Set(sources.flatMap(({ status }) => (status?.artifact ? [status.artifact.digest] : [])));
}
