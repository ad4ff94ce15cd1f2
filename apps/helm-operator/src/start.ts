import {
  keyOf,
  keyText,
  resources,
  type HelmRelease,
  type KubeObject,
  type ObjectKey,
  type Source,
} from '@sluice/model';
import { createController, createInformerSet, type Informer } from '@sluice/reconcile';
import { Closers, reportingOf, type Running } from '@sluice/runtime';
import { startChartKinds } from './chart-kind/start-chart-kinds.ts';
import { chartSources } from './chart-source.ts';
import { ChartStore } from './chart-store.ts';
import type { HelmOperatorConfig } from './config.ts';
import { helmReleaseReconciler } from './helm-release-reconciler.ts';
import { Interrupts } from './interrupts.ts';
import { onRequest } from './on-request.ts';
import type { HelmOperatorPorts } from './ports.ts';
import { createReleaseEvents } from './release-events.ts';
import { ReleaseStorage } from './release-storage.ts';
import { TargetClusters } from './target-cluster.ts';
import { liveDigests, startSources } from './source/start-sources.ts';

const byReference = 'helm-operator-reference';
/** Secrets that helm itself writes are left out: they are large and nobody names them in valuesFrom. */
const notHelms = 'owner!=helm';
const reconcileLimitMs = 2 * 3_600_000;
const artifactAgeMs = 3_600_000;
const kubeconfigAgeMs = 24 * 3_600_000;
const chartSourceKinds = ['OCIRepository', 'HelmChart', 'ExternalArtifact'] as const;

/** Start the operator: sources and releases. `close` ends running helm operations first (SIGTERM), then the controllers. */
export async function start(config: HelmOperatorConfig, ports: HelmOperatorPorts): Promise<Running> {
  const { kube, helm, log, now } = ports;
  const closers = new Closers();
  const informers = createInformerSet(kube, { log, ...reportingOf(ports) });
  const store = await ChartStore.open(ports.artifactDirectory);
  const events = createReleaseEvents({ kube, component: 'helm-operator', log, now });
  const interrupts = new Interrupts();
  const targets = new TargetClusters(ports.clusters);
  const scope = config.namespace ? { namespace: config.namespace } : {};
  const releases = informers.informer<HelmRelease>(resources.helmReleases, {
    ...scope,
    indexes: { [byReference]: referencesOf },
  });
  const sources = chartSourceKinds.map((kind) => ({
    kind,
    informer: informers.informer<Source>(chartSources[kind], scope),
  }));
  const dependents =
    (kind: string) =>
    (object: KubeObject): readonly ObjectKey[] =>
      releases.byIndex(byReference, `${kind}/${keyText(keyOf(object))}`).map(keyOf);
  const releaseController = createController({
    name: 'helmrelease',
    informers,
    watches: [
      { resource: resources.helmReleases, ...scope, keysOf: onRequest() },
      { resource: resources.helmReleases, ...scope, keysOf: dependents('HelmRelease') },
      ...chartSourceKinds.map((kind) => ({ resource: chartSources[kind], ...scope, keysOf: dependents(kind) })),
      { resource: resources.configMaps, ...scope, keysOf: dependents('ConfigMap') },
      { resource: resources.secrets, ...scope, labelSelector: notHelms, keysOf: dependents('Secret') },
    ],
    reconcile: helmReleaseReconciler({
      kube,
      helm,
      store,
      events,
      interrupts,
      targets,
      originLabels: config.originLabels ?? false,
      overrideManagers: config.overrideManagers ?? [],
      log,
      now,
      storage: new ReleaseStorage(kube, { now }),
    }),
    concurrency: config.concurrency,
    timeoutMs: reconcileLimitMs,
    drainMs: config.shutdownMs,
    log,
  });
  const sourceControllers = startSources({ ...ports, config, informers, store, events, scope });
  const chartKinds = startChartKinds({ ...ports, concurrency: config.concurrency, informers, store, events, scope });
  closers.add(() => informers.close());
  closers.add(() => events.flush());
  closers.add(() => chartKinds.close());
  closers.add(() => sourceControllers.close());
  // Ending the helm processes first lets their reconciles write down what became of them.
  closers.add(() => Promise.all([helm.close(), releaseController.close()]).then(() => undefined));
  const secrets = informers.informer(resources.secrets, { ...scope, labelSelector: notHelms });
  const configMaps = informers.informer(resources.configMaps, scope);
  for (const stop of interruptOnChange({ releases, sources, configMaps, secrets }, interrupts, dependents))
    closers.add(stop);
  try {
    await Promise.all([sourceControllers.start(), releaseController.start(), chartKinds.start()]);
    const sweep = async (): Promise<void> => {
      await store.removeUnused(liveDigests(informers, scope), now(), artifactAgeMs);
      await targets.removeUnused(now(), kubeconfigAgeMs);
    };
    await sweep();
    const timer = setInterval(
      () => void sweep().catch((error: unknown) => log.warn('artifacts not swept', { error })),
      artifactAgeMs,
    );
    closers.add(() => clearInterval(timer));
  } catch (error) {
    await closers.close();
    throw error;
  }
  log.info('helm operator started', { concurrency: config.concurrency, namespace: config.namespace ?? '' });
  return { close: () => closers.close() };
}

/** What a release depends on, as `kind/namespace/name`. */
function referencesOf(release: HelmRelease): readonly string[] {
  const own = release.metadata.namespace ?? '';
  const { valuesFrom = [], dependsOn = [] } = release.spec ?? {};
  const kubeConfig = (release.spec?.['kubeConfig'] as { readonly secretRef?: { readonly name?: string } } | undefined)
    ?.secretRef;
  const named = [...valuesFrom, { kind: 'Secret', name: kubeConfig?.name }].flatMap(({ kind, name }) =>
    typeof kind === 'string' && typeof name === 'string' ? [`${kind}/${own}/${name}`] : [],
  );
  const needed = dependsOn.map(({ name, namespace = own }) => `HelmRelease/${namespace}/${name}`);
  return [...sourceOf(release), ...named, ...needed];
}

function sourceOf({ metadata, spec }: HelmRelease): readonly string[] {
  const own = metadata.namespace ?? '';
  const { chartRef, chart } = spec ?? {};
  if (chartRef) return [`${chartRef.kind}/${chartRef.namespace ?? own}/${chartRef.name}`];
  const template = chart?.['spec'] as { readonly sourceRef?: { readonly namespace?: string } } | undefined;
  return template ? [`HelmChart/${template.sourceRef?.namespace ?? own}/${own}-${metadata.name}`] : [];
}

type Watched = {
  readonly releases: Informer<HelmRelease>;
  readonly sources: readonly { readonly kind: string; readonly informer: Informer<Source> }[];
  readonly configMaps: Informer;
  readonly secrets: Informer;
};

/** A change of what is wanted ends the operation that still waits for the former wish. */
function interruptOnChange(
  { releases, sources, configMaps, secrets }: Watched,
  interrupts: Interrupts,
  dependents: (kind: string) => (object: KubeObject) => readonly ObjectKey[],
): readonly (() => void)[] {
  const supersede = (keys: readonly ObjectKey[], why: string): void => {
    for (const key of keys) interrupts.supersede(keyText(key), why);
  };
  const onData = (kind: 'ConfigMap' | 'Secret', informer: Informer): (() => void) =>
    informer.subscribe((event) => {
      if (event.type !== 'updated' || dataOf(event.object) === dataOf(event.previous)) return;
      supersede(dependents(kind)(event.object), `${kind} ${event.object.metadata.name} changed`);
    });
  return [
    releases.subscribe((event) => {
      if (event.type !== 'updated' || event.object.spec?.suspend) return;
      const { generation, deletionTimestamp } = event.object.metadata;
      const before = event.previous.metadata;
      if (generation === before.generation && deletionTimestamp === before.deletionTimestamp) return;
      supersede([keyOf(event.object)], deletionTimestamp ? 'the HelmRelease is being deleted' : 'the spec changed');
    }),
    ...sources.map(({ kind, informer }) =>
      informer.subscribe((event) => {
        if (event.type !== 'updated') return;
        if (event.object.status?.artifact?.revision === event.previous.status?.artifact?.revision) return;
        supersede(dependents(kind)(event.object), `${kind} ${event.object.metadata.name} has a new revision`);
      }),
    ),
    onData('ConfigMap', configMaps),
    onData('Secret', secrets),
  ];
}

function dataOf(object: KubeObject): string {
  const { data, binaryData } = object as KubeObject & { readonly data?: unknown; readonly binaryData?: unknown };
  return JSON.stringify([data, binaryData]);
}
