import type { Source } from '@sluice/model';
import { mediaTypes } from '@sluice/oci';
import { selectVersion, type HelmRepositoryPlan } from '@sluice/release';
import { isHere, scratchFile, type ChartWork, type FetchedChart } from './chart-work.ts';
import { registryCredentials } from './registry-credentials.ts';
import { SourceError } from './source-error.ts';

const maxChartBytes = 50 * 1024 * 1024;

/** Pick a version of the chart among the tags of a registry and pull it. */
export async function fetchRegistryChart(
  work: ChartWork,
  repository: Source,
  { url, timeoutMs, insecure, secretName }: HelmRepositoryPlan,
): Promise<FetchedChart> {
  const { ports, chart, plan, signal } = work;
  const namespace = repository.metadata.namespace ?? '';
  const credentials = (host: string) => registryCredentials(ports.kube, { namespace, name: secretName ?? '' }, host);
  const client = ports.oci({ timeoutMs, isInsecure: () => insecure, ...(secretName ? { credentials } : {}) });
  const name = `${url.replace(/^oci:\/\//, '')}/${plan.chart}`;
  const tag = selectVersion(await client.listTags(name, { signal }), plan.version);
  if (!tag) throw new SourceError('NotFound', `no tag of ${name} is a version in "${plan.version}"`);
  const version = tag.replaceAll('_', '+');
  const fresh = await isHere(work);
  if (fresh && plan.valuesFiles.length === 0 && chart.status?.artifact?.revision === version) return undefined;
  const { manifest } = await client.resolve(`${name}:${tag}`, { signal });
  const layer = manifest.layers.find(({ mediaType }) => mediaType === mediaTypes.helmChart);
  if (!layer) throw new SourceError('BuildFailed', `${name}:${tag} is not a Helm chart`);
  const path = scratchFile(ports);
  await client.downloadBlob(name, layer, { path, maxBytes: maxChartBytes, signal });
  return { path, version };
}
