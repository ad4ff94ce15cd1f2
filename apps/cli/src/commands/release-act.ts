import { type HelmRelease, type KubeObject, type Resource, resources, type Source } from '@sluice/model';
import { annotations, chartReferenceOf, parseReleaseSpec } from '@sluice/release';
import { type ClusterOptions, connect, type Connection } from '../connect.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { awaitRelease, findRelease, timeoutMs, type WaitOptions } from '../release.ts';

export type ActOptions = ClusterOptions & WaitOptions;
export type ReconcileOptions = ActOptions & {
  readonly force?: boolean;
  readonly reset?: boolean;
  readonly withSource?: boolean;
};

const fieldManager = 'sluice-cli';

/** `sluice release reconcile NAME`: exit code 0 when it is ready afterwards. */
export async function releaseReconcileCommand(name: string, options: ReconcileOptions, io: Io): Promise<ExitCode> {
  const limitMs = timeoutMs(options);
  const connection = await connect(io, options);
  const release = await findRelease(connection, name);
  if (release.spec?.suspend)
    throw new CommandError(
      exitCodes.failed,
      `release ${name} is suspended and nobody looks at it; go on with: sluice release resume ${name}`,
    );
  const token = new Date(io.now()).toISOString();
  if (options.withSource) await askSource(connection, release, token, io, limitMs);
  const asked = {
    [annotations.requestedAt]: token,
    ...(options.force ? { [annotations.forceAt]: token } : {}),
    ...(options.reset ? { [annotations.resetAt]: token } : {}),
  };
  await patch(connection, resources.helmReleases, release, { metadata: { annotations: asked } });
  return conclude(connection, name, options, {
    io,
    limitMs,
    isSeen: ({ status }) => status?.lastHandledReconcileAt === token,
  });
}

/** `sluice release suspend NAME`. */
export async function releaseSuspendCommand(name: string, options: ActOptions, io: Io): Promise<ExitCode> {
  const connection = await connect(io, options);
  const release = await findRelease(connection, name);
  await patch(connection, resources.helmReleases, release, { spec: { suspend: true } });
  io.out(`release ${name} is suspended`);
  return exitCodes.ok;
}

/** `sluice release resume NAME`: exit code 0 when it is ready afterwards. */
export async function releaseResumeCommand(name: string, options: ActOptions, io: Io): Promise<ExitCode> {
  const limitMs = timeoutMs(options);
  const connection = await connect(io, options);
  const release = await findRelease(connection, name);
  const token = new Date(io.now()).toISOString();
  const body = { metadata: { annotations: { [annotations.requestedAt]: token } }, spec: { suspend: null } };
  await patch(connection, resources.helmReleases, release, body);
  return conclude(connection, name, options, {
    io,
    limitMs,
    isSeen: ({ status }) => status?.lastHandledReconcileAt === token,
  });
}

type Waiting = Parameters<typeof awaitRelease>[2];

async function conclude(
  connection: Connection,
  name: string,
  options: ActOptions,
  waiting: Waiting,
): Promise<ExitCode> {
  if (options.wait !== false) return awaitRelease(connection, name, waiting);
  waiting.io.out(`release ${name} is asked to be reconciled`);
  return exitCodes.ok;
}

function patch({ kube }: Connection, resource: Resource, { metadata }: KubeObject, body: object): Promise<KubeObject> {
  const { name, namespace = '' } = metadata;
  return kube.patch(resource, { namespace, name }, { type: 'merge', body }, { fieldManager });
}

const sourceKinds: Readonly<Record<string, Resource | undefined>> = {
  OCIRepository: resources.ociRepositories,
  HelmChart: resources.helmCharts,
};

/** Have the source of a release fetched, and wait for it. */
async function askSource(
  connection: Connection,
  release: HelmRelease,
  token: string,
  io: Io,
  limitMs: number,
): Promise<void> {
  const parsed = parseReleaseSpec(release.spec ?? { interval: '' });
  if (!parsed.ok) return;
  const { kind, name, namespace } = chartReferenceOf(release, parsed.value.source);
  const resource = sourceKinds[kind];
  const source = resource && (await connection.kube.get<Source>(resource, { namespace, name }));
  if (!resource || !source)
    throw new CommandError(exitCodes.notFound, `${kind} ${namespace}/${name} cannot be asked: there is none`);
  await patch(connection, resource, source, { metadata: { annotations: { [annotations.requestedAt]: token } } });
  const signal = AbortSignal.any([io.signal, AbortSignal.timeout(limitMs)]);
  const options = { namespace, fieldSelector: `metadata.name=${name}`, sendInitialEvents: true, signal };
  for await (const event of connection.kube.watch<Source>(resource, options)) {
    if (event.type === 'BOOKMARK') continue;
    if (event.object.status?.['lastHandledReconcileAt'] === token) return;
  }
}
