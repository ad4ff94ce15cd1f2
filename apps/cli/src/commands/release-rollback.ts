import { type HelmRelease, type JsonObject, type KubeObject, keys, type OciRepository, resources } from '@sluice/model';
import type { ReleaseRecord } from '@sluice/helm';
import { previousGood } from '@sluice/release';
import { connect, type Connection } from '../connect.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { awaitRelease, findRelease, recordsOf, timeoutMs } from '../release.ts';
import type { ActOptions } from './release-act.ts';

const fieldManager = 'sluice-cli';

/**
 * `sluice release rollback NAME [REVISION]`: the chart by its digest and the values of an earlier revision become what is wanted. The
 * operator upgrades to them as to anything else, and the next deployment of a pipeline goes on from there.
 */
export async function releaseRollbackCommand(
  name: string,
  revision: string | undefined,
  options: ActOptions,
  io: Io,
): Promise<ExitCode> {
  const limitMs = timeoutMs(options);
  const connection = await connect(io, options);
  const release = await findRelease(connection, name);
  refuseWhereNotOurs(release);
  const target = await targetOf(connection, release, revision);
  const source = await ensureSource(connection, release, target.ociDigest);
  const written = await want(connection, release, target.record, source);
  io.err(`release ${name} goes back to what revision ${target.record.version} was: ${describe(target.record)}`);
  if (options.wait === false) return exitCodes.ok;
  const { generation = 0 } = written.metadata;
  const isSeen = ({ status }: HelmRelease): boolean => (status?.observedGeneration ?? 0) >= generation;
  return awaitRelease(connection, name, { io, limitMs, isSeen });
}

function describe({ chart }: ReleaseRecord): string {
  return `chart ${chart.name}@${chart.version}`;
}

/** What cannot be wanted again is refused before anything is written. */
function refuseWhereNotOurs({ metadata, spec }: HelmRelease): void {
  const instead = `suspend it and use helm rollback: sluice release suspend ${metadata.name}`;
  if (spec?.valuesFrom?.length)
    throw new CommandError(
      exitCodes.usage,
      `release ${metadata.name} takes values from ConfigMaps or Secrets, which would have to change back too; change them, or ${instead}`,
    );
  if (spec?.chartRef?.kind !== 'OCIRepository')
    throw new CommandError(
      exitCodes.usage,
      `the chart of release ${metadata.name} does not come from an OCIRepository and cannot be named by its digest; change spec.chart, or ${instead}`,
    );
}

type Target = { readonly record: ReleaseRecord; readonly ociDigest: string };

async function targetOf(connection: Connection, release: HelmRelease, revision: string | undefined): Promise<Target> {
  const history = release.status?.history ?? [];
  const snapshot = revision
    ? history.find(({ version }) => String(version) === revision)
    : previousGood(history, false);
  const known = history.map(({ version }) => version).join(', ') || 'none';
  if (!snapshot)
    throw new CommandError(
      exitCodes.notFound,
      revision
        ? `release ${release.metadata.name} has no revision ${revision} in its history; it has ${known}`
        : `release ${release.metadata.name} has no earlier good revision; its history has ${known}`,
    );
  const record = (await recordsOf(connection, release)).find(({ version }) => version === snapshot.version);
  if (!record || !snapshot.ociDigest)
    throw new CommandError(
      exitCodes.notFound,
      `of revision ${snapshot.version} there is no ${record ? 'digest of the chart' : 'record of helm'} any more`,
    );
  return { record, ociDigest: snapshot.ociDigest };
}

/** The name of a source for this very chart, made after the present one where it does not exist. */
async function ensureSource({ kube }: Connection, release: HelmRelease, digest: string): Promise<string> {
  const { namespace = '', name, uid = '' } = release.metadata;
  const present = release.spec?.chartRef;
  const place = present?.namespace ?? namespace;
  const source = await kube.get<OciRepository>(resources.ociRepositories, {
    namespace: place,
    name: present?.name ?? '',
  });
  if (!source?.spec)
    throw new CommandError(exitCodes.notFound, `OCIRepository ${place}/${present?.name} does not exist`);
  if ((source.spec['ref'] as { readonly digest?: string } | undefined)?.digest === digest) return source.metadata.name;
  const { apiVersion, kind } = release;
  const made: KubeObject = {
    apiVersion: source.apiVersion,
    kind: source.kind,
    metadata: {
      name: `${name}-${digest.slice('sha256:'.length, 'sha256:'.length + 10)}`,
      namespace: place,
      labels: source.metadata.labels ?? {},
      annotations: { [keys.release]: name },
      ...(place === namespace ? { ownerReferences: [{ apiVersion, kind, name, uid }] } : {}),
    },
    spec: { ...source.spec, ref: { digest } },
  };
  await kube.apply(resources.ociRepositories, made, { fieldManager });
  return made.metadata.name;
}

/** Write the wish. Whose commit it is stands in the chart's application version, where a pipeline made it. */
async function want(
  { kube }: Connection,
  release: HelmRelease,
  { config, chart }: ReleaseRecord,
  source: string,
): Promise<KubeObject> {
  const { namespace = '', name, resourceVersion = '', annotations = {} } = release.metadata;
  const commit = /^[0-9a-f]{40}$/.test(chart.appVersion ?? '') ? chart.appVersion : undefined;
  const { [keys.workflow]: _run, [keys.reported]: _told, ...kept } = annotations;
  const noted = commit && annotations[keys.sha] ? { ...kept, [keys.sha]: commit } : annotations;
  const replaced: { readonly path: string; readonly value: unknown }[] = [
    { path: '/spec/chartRef', value: { ...release.spec?.chartRef, name: source } },
    { path: '/spec/values', value: config satisfies JsonObject },
    { path: '/metadata/annotations', value: noted },
  ];
  const body = [
    { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion } as const,
    ...replaced.map((change) => ({ op: 'add', ...change }) as const),
  ];
  return kube.patch(resources.helmReleases, { namespace, name }, { type: 'json', body }, { fieldManager });
}
