import { createHash } from 'node:crypto';
import {
  findCondition,
  keyText,
  parseKey,
  resources,
  type Artifact,
  type HelmRelease,
  type HelmReleaseStatus,
  type Resource,
  type Source,
} from '@sluice/model';
import { isKubeError, type KubeApi } from '@sluice/reconcile';
import {
  buildHelmChart,
  chartReferenceOf,
  originLabels,
  type ChartSourceKind,
  type ReleasePlan,
} from '@sluice/release';
import type { ChartStore } from './chart-store.ts';
import { fetchUrl } from './source/fetch-url.ts';
import { SourceError } from './source/source-error.ts';
import type { StatusDraft } from './status-draft.ts';

/** A chart in the store. `digestInVersion` becomes part of the chart's version, so that a moved tag is an upgrade. */
export type ChartArtifact = { readonly digest: string; readonly revision: string; readonly digestInVersion?: string };

type Ports = { readonly kube: KubeApi; readonly store: ChartStore };

/** The resource of each kind that offers a chart. */
export const chartSources: Readonly<Record<ChartSourceKind, Resource>> = Object.freeze({
  OCIRepository: resources.ociRepositories,
  HelmChart: resources.helmCharts,
  ExternalArtifact: resources.externalArtifacts,
});

const fieldManager = 'sluice-helm-operator';
const maxChartBytes = 50 * 1024 * 1024;

type Work = {
  readonly release: HelmRelease;
  readonly plan: ReleasePlan;
  readonly draft: StatusDraft<HelmReleaseStatus>;
  readonly signal: AbortSignal;
};

/** Make the HelmChart that `spec.chart` asks for, and remove the one that it no longer asks for. */
export async function ensureHelmChart({ kube }: Ports, { release, plan, draft, signal }: Work): Promise<void> {
  const { source } = plan;
  const wanted = source.kind === 'ChartTemplate' ? keyText(chartReferenceOf(release, source)) : undefined;
  const former = draft.current.helmChart;
  if (former && former !== wanted) {
    await removeHelmChart(kube, release, former);
    const { helmChart: _gone, ...rest } = draft.current;
    draft.current = rest;
  }
  if (source.kind !== 'ChartTemplate') return;
  const desired = buildHelmChart(release, source);
  const known = await kube.get<Source>(resources.helmCharts, chartReferenceOf(release, source), signal);
  if (!known || !covers(known, desired)) await kube.apply(resources.helmCharts, desired, { fieldManager, signal });
  if (wanted && former !== wanted) {
    draft.set({ helmChart: wanted });
    await draft.save();
  }
}

/** True when everything that is wanted is there already: an apply that changes nothing is not sent. */
function covers(present: unknown, wanted: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null) return present === wanted;
  if (Array.isArray(wanted)) return JSON.stringify(present) === JSON.stringify(wanted);
  if (typeof present !== 'object' || present === null) return false;
  return Object.entries(wanted).every(([key, value]) => covers((present as Record<string, unknown>)[key], value));
}

/** Remove the HelmChart `namespace/name` that was made for a release; somebody else's stays. */
export async function removeHelmChart(kube: KubeApi, release: HelmRelease, helmChart: string): Promise<void> {
  const key = parseKey(helmChart);
  const chart = await kube.get<Source>(resources.helmCharts, key);
  const labels = chart?.metadata.labels ?? {};
  if (!chart || !Object.entries(originLabels(release)).every(([label, value]) => labels[label] === value)) return;
  try {
    await kube.delete(resources.helmCharts, key, chart.metadata.uid ? { uid: chart.metadata.uid } : {});
  } catch (error) {
    if (!isKubeError(error, 'Conflict')) throw error;
  }
}

/** The chart of a release, once its source is ready and its archive here; else why not, for people. */
export async function readySource(
  ports: Ports,
  release: HelmRelease,
  plan: Pick<ReleasePlan, 'source'>,
  signal: AbortSignal,
): Promise<ChartArtifact | string> {
  const { kind, name, namespace } = chartReferenceOf(release, plan.source);
  const field = plan.source.kind === 'ChartTemplate' ? 'spec.chart' : 'spec.chartRef';
  const source = await ports.kube.get<Source>(chartSources[kind], { namespace, name }, signal);
  const named = `${kind} ${namespace}/${name} (${field})`;
  if (!source) return `${named} does not exist`;
  const { status, metadata } = source;
  if (kind === 'ExternalArtifact') return external(ports, source, named, signal);
  const stalled = findCondition(status?.conditions, 'Stalled');
  if (stalled?.status === 'True') return `${named} is stalled: ${stalled.message}`;
  const ready = findCondition(status?.conditions, 'Ready');
  const fresh = status?.observedGeneration === metadata.generation;
  if (fresh && status?.artifact && (await ports.store.has(status.artifact.digest)))
    return toChart(kind, status.artifact);
  return ready?.status === 'False' ? `${named} is not ready: ${ready.message}` : `${named} has no artifact yet`;
}

function toChart(kind: ChartSourceKind, { digest, revision }: Artifact): ChartArtifact {
  if (kind === 'HelmChart') return { digest, revision };
  const at = /(?:^|@)(sha256:[0-9a-f]{64})$/.exec(revision)?.[1];
  return { digest, revision, digestInVersion: at ?? digest };
}

/** Somebody else publishes the artifact; it is fetched into our store by its digest. */
async function external(
  { store }: Ports,
  { status, metadata }: Source,
  named: string,
  signal: AbortSignal,
): Promise<ChartArtifact | string> {
  const artifact = status?.artifact;
  if (!artifact) return `${named} has no artifact yet`;
  if (!/^sha256:[0-9a-f]{64}$/.test(artifact.digest)) return `${named}: status.artifact.digest is not a sha256 digest`;
  if (await store.has(artifact.digest)) return toChart('ExternalArtifact', artifact);
  if (!/^https?:\/\//.test(artifact.url)) return `${named}: status.artifact.url is not an http or https address`;
  const path = store.scratchPath(createHash('sha256').update(`${metadata.uid} ${artifact.digest}`).digest('hex'));
  try {
    await fetchUrl(artifact.url, { access: {}, timeoutMs: 30_000, maxBytes: maxChartBytes, signal, path });
  } catch (error) {
    if (error instanceof SourceError) return `${named}: ${error.message}`;
    throw error;
  }
  const kept = await store.keep(path);
  if (kept.digest === artifact.digest) return toChart('ExternalArtifact', artifact);
  return `${named}: ${artifact.url} has digest ${kept.digest}, not ${artifact.digest} as its status says`;
}
