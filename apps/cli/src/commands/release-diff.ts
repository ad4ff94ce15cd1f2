import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findHelm, parseValues, readManifest, renderChart, type ReleaseRecord } from '@sluice/helm';
import { cacheDirectory } from '@sluice/local';
import {
  formatProblems,
  type HelmRelease,
  type JsonObject,
  type KubeObject,
  type Resource,
  resources,
  type Source,
} from '@sluice/model';
import { unpackTarGz } from '@sluice/oci';
import {
  chartReferenceOf,
  composeValues,
  diffManifests,
  formatChanges,
  mergeValues,
  parseReleaseSpec,
  readValuesReference,
  type ReleasePlan,
  type ValuesHolder,
  versionWithDigest,
} from '@sluice/release';
import { parseDocument } from 'yaml';
import { connect, type Connection } from '../connect.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { formatObject, parseFormat } from '../output.ts';
import { findRelease, helmNameOf, recordsOf } from '../release.ts';
import type { ReleaseOptions } from './release.ts';

export type DiffOptions = ReleaseOptions & {
  readonly from?: string;
  readonly to?: string;
  readonly chart?: string;
  readonly values?: string;
};

const maxShown = 200_000;

/** `sluice release diff NAME`: exit code 0 when nothing would change, 1 when something would. Values of Secrets are masked. */
export async function releaseDiffCommand(name: string, options: DiffOptions, io: Io): Promise<ExitCode> {
  const format = parseFormat(options.output);
  const connection = await connect(io, options);
  const release = await findRelease(connection, name);
  const records = await recordsOf(connection, release);
  const before = options.from ? revisionOf(records, options.from) : records[0];
  const after = options.to
    ? readManifest(revisionOf(records, options.to).manifest)
    : await renderWanted(connection, { release, options, io, isUpgrade: records.length > 0 });
  const changes = diffManifests(before ? readManifest(before.manifest) : [], after);
  if (format === 'name') for (const { object } of changes) io.out(object);
  else if (format === 'table') io.out(formatChanges(changes, maxShown));
  else io.out(formatObject(format, changes));
  return changes.length === 0 ? exitCodes.ok : exitCodes.failed;
}

function revisionOf(records: readonly ReleaseRecord[], text: string): ReleaseRecord {
  const record = records.find(({ version }) => String(version) === text);
  if (record) return record;
  const known = records.map(({ version }) => version).join(', ') || 'none';
  throw new CommandError(exitCodes.notFound, `there is no revision ${text} any more; there is ${known}`);
}

type Wanted = {
  readonly release: HelmRelease;
  readonly options: DiffOptions;
  readonly io: Io;
  readonly isUpgrade: boolean;
};

/** What helm would apply for the present spec, hooks left out. */
async function renderWanted(connection: Connection, wanted: Wanted): Promise<readonly KubeObject[]> {
  const { release, options, io, isUpgrade } = wanted;
  const parsed = parseReleaseSpec(release.spec ?? { interval: '' });
  if (!parsed.ok) throw new CommandError(exitCodes.failed, formatProblems(parsed.problems));
  const { postRenderers, commonMetadata } = release.spec as JsonObject;
  if (postRenderers !== undefined || commonMetadata !== undefined)
    throw new CommandError(
      exitCodes.usage,
      'this release has post-renderers or common metadata, which only the operator applies; compare stored revisions with --from and --to',
    );
  const values = await valuesOf(connection, wanted, parsed.value);
  const scratch = await mkdtemp(join(tmpdir(), 'sluice-diff-'));
  try {
    const chartDirectory = options.chart
      ? resolve(io.cwd, options.chart)
      : await unpackChart(connection, release, parsed.value, scratch);
    const helm = await findHelm({ env: io.env, cacheDirectory: cacheDirectory(io.env) });
    const target = { ...helmNameOf(release), values: JSON.stringify(values), isUpgrade, signal: io.signal };
    const kubeconfig = connection.context?.kubeconfig ?? options.kubeconfig ?? io.env['KUBECONFIG'];
    const rendered = await renderChart({
      binary: helm.path,
      chartDirectory,
      ...target,
      ...(kubeconfig ? { kubeconfig } : {}),
    });
    if (!rendered.ok)
      throw new CommandError(exitCodes.failed, `the chart does not render: ${rendered.failure.message}`);
    return readManifest(rendered.manifest);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function valuesOf(
  { kube }: Connection,
  { release, options, io }: Wanted,
  plan: ReleasePlan,
): Promise<JsonObject> {
  const namespace = release.metadata.namespace ?? '';
  const parts = [];
  for (const reference of plan.valuesFrom) {
    const resource = reference.kind === 'Secret' ? resources.secrets : resources.configMaps;
    const holder = await kube.get<KubeObject & ValuesHolder>(resource, { namespace, name: reference.name });
    const part = readValuesReference(reference, namespace, holder, parseValues);
    if (part) parts.push(part);
  }
  const values = composeValues(parts, plan.values);
  if (!options.values) return values;
  const text = await readFile(resolve(io.cwd, options.values), 'utf8').catch((error: Error) => {
    throw new CommandError(exitCodes.notFound, `--values ${options.values}: ${error.message}`);
  });
  return mergeValues(values, parseValues(text) as JsonObject);
}

const sourceKinds: Readonly<Record<ReturnType<typeof chartReferenceOf>['kind'], Resource>> = {
  OCIRepository: resources.ociRepositories,
  HelmChart: resources.helmCharts,
  ExternalArtifact: resources.externalArtifacts,
};
const limits = { maxBytes: 64 * 1024 * 1024, maxEntries: 5_000 };

/** The chart that the operator keeps for this release, where it keeps it on this machine. */
async function unpackChart(
  { kube }: Connection,
  release: HelmRelease,
  plan: ReleasePlan,
  scratch: string,
): Promise<string> {
  const { kind, name, namespace } = chartReferenceOf(release, plan.source);
  const source = await kube.get<Source>(sourceKinds[kind], { namespace, name });
  const artifact = source?.status?.artifact;
  if (!artifact) throw new CommandError(exitCodes.failed, `${kind} ${namespace}/${name} has no chart yet`);
  const elsewhere = new CommandError(
    exitCodes.usage,
    `the chart of ${kind} ${namespace}/${name} lies with the operator, on another machine; give it with --chart`,
  );
  if (!artifact.url.startsWith('file:')) throw elsewhere;
  await unpackTarGz(fileURLToPath(artifact.url), scratch, limits).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? elsewhere : error;
  });
  const [top = ''] = await readdir(scratch);
  const digest = /(?:^|@)(sha256:[0-9a-f]{64})$/.exec(artifact.revision)?.[1];
  if (kind !== 'HelmChart' && digest) await extendVersion(join(scratch, top, 'Chart.yaml'), digest);
  return join(scratch, top);
}

/** As the operator does it, so that labels with the chart's version do not count as a change. */
async function extendVersion(path: string, digest: string): Promise<void> {
  const document = parseDocument(await readFile(path, 'utf8'));
  document.set('version', versionWithDigest(String(document.get('version')), digest));
  await writeFile(path, document.toString());
}
