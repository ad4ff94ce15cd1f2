import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { JsonObject } from '@sluice/model';
import { BadChart, parseValues, readChart } from '@sluice/helm';
import { buildLayer, unpackTarGz } from '@sluice/oci';
import { mergeValues } from '@sluice/release';
import { parseDocument, stringify } from 'yaml';
import type { ChartStore } from '../chart-store.ts';
import { SourceError } from './source-error.ts';
import type { NewArtifact } from './source-reconciler.ts';

export type ChartBuild = {
  /** Where the chart lies in the archive; undefined: it is the archive's one directory. */
  readonly chartPath: string | undefined;
  /** Version that the archive must have, if it is known. */
  readonly version: string | undefined;
  /** Build metadata for the version; '' for none. */
  readonly suffix: string;
  readonly valuesFiles: readonly string[];
  readonly ignoreMissingValuesFiles: boolean;
};

const limits = { maxBytes: 256 * 1024 * 1024, maxEntries: 50_000 };

/** Make the artifact of a HelmChart from an archive: as it is, or packed anew where files or version change. */
export async function buildChart(store: ChartStore, archive: string, build: ChartBuild): Promise<NewArtifact> {
  const scratch = await mkdtemp(store.scratchPath('build-'));
  try {
    await unpackTarGz(archive, scratch, limits);
    const root = build.chartPath === undefined ? await onlyDirectory(scratch) : chartAt(scratch, build.chartPath);
    const { metadata } = await readChart(root);
    if (build.version !== undefined && metadata.version.replace(/^v/, '') !== build.version.replace(/^v/, ''))
      throw new SourceError(
        'BuildFailed',
        `the archive holds version ${metadata.version}, not ${build.version} as its repository says`,
      );
    await requireVendored(root, metadata);
    const revision = build.suffix ? withBuildMetadata(metadata.version, build.suffix) : metadata.version;
    const output = join(scratch, '.chart.tar.gz');
    if (build.chartPath === undefined && build.valuesFiles.length === 0) await cp(archive, output);
    else {
      if (build.suffix) await setVersion(root, revision);
      if (build.valuesFiles.length > 0) await mergeValuesFiles(root, build);
      await buildLayer({ context: root, workdir: `/${metadata.name}`, output, mtimeSeconds: 0 });
    }
    return { revision, ...(await store.keep(output)) };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function onlyDirectory(scratch: string): Promise<string> {
  const [top, ...more] = await readdir(scratch);
  if (!top || more.length > 0) throw new BadChart('the archive must have exactly one directory at its top');
  return join(scratch, top);
}

function chartAt(scratch: string, path: string): string {
  const clean = posix.normalize(path.replace(/^\/+/, ''));
  if (clean === '..' || clean.startsWith('../'))
    throw new SourceError('BuildFailed', `spec.chart "${path}" leaves the repository`);
  return join(scratch, clean);
}

/** Dependencies are not fetched here: a chart must bring them along. */
async function requireVendored(root: string, metadata: JsonObject): Promise<void> {
  const dependencies = Array.isArray(metadata['dependencies'])
    ? (metadata['dependencies'] as readonly JsonObject[])
    : [];
  const present = await readdir(join(root, 'charts')).catch((): string[] => []);
  const missing = dependencies
    .map(({ name }) => (typeof name === 'string' ? name : ''))
    .filter((name) => !present.some((entry) => entry === name || entry.startsWith(`${name}-`)));
  if (missing.length > 0)
    throw new SourceError(
      'BuildFailed',
      `the chart's dependencies ${missing.join(', ')} are not in charts/; run "helm dependency build" and commit or package them`,
    );
}

function withBuildMetadata(version: string, suffix: string): string {
  return version.includes('+') ? `${version}.${suffix}` : `${version}+${suffix}`;
}

async function setVersion(root: string, version: string): Promise<void> {
  const path = join(root, 'Chart.yaml');
  const document = parseDocument(await readFile(path, 'utf8'));
  document.set('version', version);
  await writeFile(path, document.toString());
}

async function mergeValuesFiles(root: string, { valuesFiles, ignoreMissingValuesFiles }: ChartBuild): Promise<void> {
  let values: JsonObject = {};
  for (const file of valuesFiles) {
    const path = chartAt(root, file);
    if (!(await stat(path).catch(() => undefined))) {
      if (ignoreMissingValuesFiles) continue;
      throw new SourceError(
        'BuildFailed',
        `values file ${file} is not in the chart; set ignoreMissingValuesFiles to pass over it`,
      );
    }
    try {
      values = mergeValues(values, parseValues(await readFile(path, 'utf8')) as JsonObject);
    } catch (error) {
      throw new SourceError(
        'BuildFailed',
        `values file ${file}: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : ''}`,
      );
    }
  }
  await writeFile(join(root, 'values.yaml'), stringify(values));
}
