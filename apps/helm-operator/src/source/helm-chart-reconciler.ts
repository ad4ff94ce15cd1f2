import { rm } from 'node:fs/promises';
import { formatProblems, resources, type Source } from '@sluice/model';
import { BadChart, BadIndex } from '@sluice/helm';
import { BadArchive, OciClientError } from '@sluice/oci';
import type { Reconcile } from '@sluice/reconcile';
import {
  parseHelmChartSpec,
  parseHelmRepositorySpec,
  type HelmChartPlan,
  type HelmRepositoryPlan,
} from '@sluice/release';
import { buildChart } from './build-chart.ts';
import { isHere, type ChartWork, type FetchedChart, type HelmChartPorts } from './chart-work.ts';
import { fetchIndexedChart } from './indexed-chart.ts';
import { fetchRegistryChart } from './registry-chart.ts';
import { SourceError } from './source-error.ts';
import { sourceReconciler } from './source-reconciler.ts';

/** Keeps one chart at the newest version that its source offers. */
export function helmChartReconciler(ports: HelmChartPorts): Reconcile {
  return sourceReconciler<HelmChartPlan>(ports, {
    resource: resources.helmCharts,
    parse: parseHelmChartSpec,
    fetch: async (chart, plan, signal) => {
      const work: ChartWork = { ports, chart, plan, signal };
      try {
        return plan.source.kind === 'GitRepository' ? await fromGit(work) : await fromRepository(work);
      } catch (error) {
        throw toSourceError(error);
      }
    },
  });
}

function toSourceError(error: unknown): unknown {
  if (error instanceof BadChart || error instanceof BadArchive || error instanceof BadIndex)
    return new SourceError('BuildFailed', error.message, { cause: error });
  if (error instanceof OciClientError) {
    const reason = error.failure === 'Denied' ? 'AuthenticationFailed' : 'FetchFailed';
    return new SourceError(reason, error.message, { transient: error.failure === 'Unavailable', cause: error });
  }
  return error;
}

async function sourceOf({ ports, chart, plan, signal }: ChartWork): Promise<Source> {
  const { kind, name } = plan.source;
  const resource = kind === 'GitRepository' ? resources.gitRepositories : resources.helmRepositories;
  const namespace = chart.metadata.namespace ?? '';
  const source = await ports.kube.get<Source>(resource, { namespace, name }, signal);
  if (!source) throw new SourceError('SourceNotReady', `${kind} ${namespace}/${name} (spec.sourceRef) does not exist`);
  return source;
}

async function fromRepository(work: ChartWork) {
  const { ports, plan } = work;
  const repository = await sourceOf(work);
  const parsed = parseHelmRepositorySpec(repository.spec ?? {});
  if (!parsed.ok)
    throw new SourceError('SourceNotReady', `HelmRepository ${plan.source.name}: ${formatProblems(parsed.problems)}`);
  const fetched = await fetchFrom(work, repository, parsed.value);
  if (!fetched) return {};
  try {
    const built = await buildChart(ports.store, fetched.path, {
      ...plan,
      version: fetched.version,
      chartPath: undefined,
      suffix: valuesSuffix(work),
    });
    return { artifact: built, status: observed(work, repository) };
  } finally {
    await rm(fetched.path, { force: true });
  }
}

function fetchFrom(work: ChartWork, repository: Source, plan: HelmRepositoryPlan): Promise<FetchedChart> {
  return plan.type === 'oci' ? fetchRegistryChart(work, repository, plan) : fetchIndexedChart(work, repository, plan);
}

async function fromGit(work: ChartWork) {
  const { ports, chart, plan } = work;
  const repository = await sourceOf(work);
  const artifact = repository.status?.artifact;
  const where = `GitRepository ${repository.metadata.namespace ?? ''}/${repository.metadata.name}`;
  if (!artifact || !(await ports.store.has(artifact.digest)))
    throw new SourceError('SourceNotReady', `${where} (spec.sourceRef) has no artifact yet`);
  if (isCurrent(work, artifact.revision)) return {};
  const commit = artifact.revision.slice(artifact.revision.lastIndexOf(':') + 1).slice(0, 12);
  const suffix = [plan.reconcileStrategy === 'Revision' ? commit : '', valuesSuffix(work)].filter(Boolean).join('.');
  const built = await buildChart(ports.store, ports.store.path(artifact.digest), {
    ...plan,
    version: undefined,
    chartPath: plan.chart,
    suffix,
  });
  const sameVersion = built.revision === chart.status?.artifact?.revision && (await isHere(work));
  // Under ChartVersion a commit that does not change the version is no new chart.
  const keep = plan.reconcileStrategy === 'ChartVersion' && sameVersion;
  return { ...(keep ? {} : { artifact: built }), status: observed(work, repository) };
}

/** A chart whose values files are merged differs with the spec that names them. */
function valuesSuffix({ chart, plan }: ChartWork): string {
  return plan.valuesFiles.length > 0 ? String(chart.metadata.generation ?? 0) : '';
}

function observed({ plan }: ChartWork, repository: Source): Record<string, unknown> {
  const revision = repository.status?.artifact?.revision;
  return {
    observedChartName: plan.chart,
    ...(revision ? { observedSourceArtifactRevision: revision } : {}),
    ...(plan.valuesFiles.length > 0 ? { observedValuesFiles: plan.valuesFiles } : {}),
  };
}

function isCurrent({ chart }: ChartWork, revision: string): boolean {
  const status = chart.status as { readonly observedSourceArtifactRevision?: string } | undefined;
  const fresh = chart.status?.observedGeneration === chart.metadata.generation;
  const ready = chart.status?.conditions?.some(({ type, status: held }) => type === 'Ready' && held === 'True');
  return Boolean(fresh && ready && chart.status?.artifact) && status?.observedSourceArtifactRevision === revision;
}
