import { readFile, rm } from 'node:fs/promises';
import { sliceIndex, type IndexEntry } from '@sluice/helm';
import type { Source } from '@sluice/model';
import { selectVersion, type HelmRepositoryPlan } from '@sluice/release';
import { fetchUrl } from './fetch-url.ts';
import { isHere, scratchFile, type ChartWork, type FetchedChart } from './chart-work.ts';
import { repositoryAccess } from './helm-repository-reconciler.ts';
import { SourceError } from './source-error.ts';

const maxChartBytes = 50 * 1024 * 1024;

/** Pick a version of the chart from the repository's index and fetch it; its digest must be as the index says. */
export async function fetchIndexedChart(
  work: ChartWork,
  repository: Source,
  repositoryPlan: HelmRepositoryPlan,
): Promise<FetchedChart> {
  const { ports, chart, plan, signal } = work;
  const artifact = repository.status?.artifact;
  const where = `HelmRepository ${repository.metadata.namespace ?? ''}/${repository.metadata.name}`;
  if (!artifact || !(await ports.store.has(artifact.digest, 'yaml')))
    throw new SourceError('SourceNotReady', `${where} (spec.sourceRef) has no index yet`);
  const entry = pickEntry(await readFile(ports.store.path(artifact.digest, 'yaml'), 'utf8'), work, where);
  const fresh = await isHere(work);
  if (fresh && plan.valuesFiles.length === 0 && chart.status?.artifact?.revision === entry.version) return undefined;
  const base = `${repositoryPlan.url}/`;
  const url = new URL(entry.urls[0] ?? '', base);
  const ours = repositoryPlan.passCredentials || url.origin === new URL(base).origin;
  const access = ours ? await repositoryAccess(ports, repository, repositoryPlan, signal) : {};
  const path = scratchFile(ports);
  const { timeoutMs } = repositoryPlan;
  const fetched = await fetchUrl(url.href, { access, timeoutMs, signal, path, maxBytes: maxChartBytes });
  if (fetched.kind === 'stored' && entry.digest && fetched.digest !== `sha256:${entry.digest}`) {
    await rm(path, { force: true });
    throw new SourceError(
      'DigestMismatch',
      `${url.href} has digest ${fetched.digest}, the index says sha256:${entry.digest}; publish the index anew, or do not trust the repository`,
    );
  }
  return { path, version: entry.version };
}

function pickEntry(index: string, { plan }: ChartWork, where: string): IndexEntry {
  const sliced = sliceIndex(index);
  const entries = sliced.entries(plan.chart);
  if (!entries)
    throw new SourceError('NotFound', `${where} has no chart "${plan.chart}"; it has ${someOf(sliced.names)}`);
  const version = selectVersion(
    entries.map((entry) => entry.version),
    plan.version,
  );
  const found = entries.find((entry) => entry.version === version);
  if (found) return found;
  const has = someOf(entries.map((entry) => entry.version));
  throw new SourceError('NotFound', `${where}: no version of "${plan.chart}" is in "${plan.version}"; it has ${has}`);
}

function someOf(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ') || 'none';
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}
