import { readReleases, releaseSelector, type ReleaseRecord, type StoredSecret } from '@sluice/helm';
import { type HelmRelease, resources } from '@sluice/model';
import { isKubeError, type KubeApi } from '@sluice/reconcile';
import { parseDuration, releaseNameOf, releaseNamespaceOf, standingOf, type ReleaseStanding } from '@sluice/release';
import { createHash } from 'node:crypto';
import type { Connection } from './connect.ts';
import { CommandError, type ExitCode, exitCodes } from './exit-code.ts';
import type { Io } from './io.ts';

/** The HelmRelease of this name; throws a CommandError that says what there is instead. */
export async function findRelease({ kube, namespace }: Connection, name: string): Promise<HelmRelease> {
  const release = await kube.get<HelmRelease>(resources.helmReleases, { namespace, name });
  if (release) return release;
  const { items } = await kube.list<HelmRelease>(resources.helmReleases, { namespace });
  const names = items.map(({ metadata }) => metadata.name);
  const known = names.length > 0 ? `there is ${names.slice(0, 10).join(', ')}` : 'there are none';
  throw new CommandError(
    exitCodes.notFound,
    `there is no release ${JSON.stringify(name)} in namespace ${namespace}; ${known}`,
  );
}

/** What helm has recorded of a release, newest first. */
export async function recordsOf({ kube }: Connection, release: HelmRelease): Promise<readonly ReleaseRecord[]> {
  if (release.spec?.['kubeConfig']) {
    throw new CommandError(
      exitCodes.usage,
      `release ${release.metadata.name} is in another cluster (spec.kubeConfig), and so are its records; ask there`,
    );
  }
  const { name, namespace } = helmNameOf(release);
  const options = { namespace, labelSelector: releaseSelector(name), limit: 500 };
  return readReleases((await kube.list<StoredSecret>(resources.secrets, options)).items);
}

/** Name and namespace under which helm knows a release. */
export function helmNameOf(release: HelmRelease): { readonly name: string; readonly namespace: string } {
  const [newest] = release.status?.history ?? [];
  if (newest) return { name: newest.name, namespace: newest.namespace };
  return {
    name: releaseNameOf(release, (text) => createHash('sha256').update(text).digest('hex')),
    namespace: releaseNamespaceOf(release),
  };
}

export type WaitOptions = { readonly wait?: boolean; readonly timeout?: string };

/** How long a command waits; throws a usage error for what is no duration. */
export function timeoutMs({ timeout = '10m' }: WaitOptions): number {
  const ms = parseDuration(timeout);
  if (ms === undefined)
    throw new CommandError(exitCodes.usage, `--timeout ${timeout}: is no duration such as 90s or 10m`);
  return ms;
}

const settled = new Set<ReleaseStanding['phase']>(['Ready', 'Failed', 'Stalled', 'Suspended']);

/**
 * Tell how a release stands until it has come to an end for its present generation and `isSeen` holds. The exit code is that of the
 * standing.
 */
export async function awaitRelease(
  { kube, namespace }: Pick<Connection, 'kube' | 'namespace'>,
  name: string,
  {
    io,
    limitMs,
    isSeen,
  }: { readonly io: Io; readonly limitMs: number; readonly isSeen: (release: HelmRelease) => boolean },
): Promise<ExitCode> {
  const signal = AbortSignal.any([io.signal, AbortSignal.timeout(limitMs)]);
  let told = '';
  let last = 'nobody has looked at it yet';
  for await (const release of watchRelease(kube, { namespace, name }, signal)) {
    const standing = standingOf(release);
    last = describeStanding(standing);
    const done = isSeen(release) && settled.has(standing.phase);
    if (last !== told) io.err(`${name} ${last}`);
    told = last;
    if (done) return standing.phase === 'Ready' || standing.phase === 'Suspended' ? exitCodes.ok : exitCodes.failed;
  }
  if (io.signal.aborted) return exitCodes.interrupted;
  throw new CommandError(exitCodes.timeout, `release ${name} did not come to an end in time: ${last}`);
}

/** `Failed (UpgradeFailed): …` */
export function describeStanding({ phase, reason, message }: ReleaseStanding): string {
  return `${phase}${reason ? ` (${reason})` : ''}${message ? `: ${message}` : ''}`;
}

type Key = { readonly namespace: string; readonly name: string };

/** A release and each later state of it until the signal fires; lost connections are made again. */
async function* watchRelease(kube: KubeApi, key: Key, signal: AbortSignal): AsyncGenerator<HelmRelease> {
  for (let attempt = 0; attempt < 100 && !signal.aborted; attempt++) {
    try {
      const current = await kube.get<HelmRelease>(resources.helmReleases, key, signal);
      if (!current) throw new CommandError(exitCodes.notFound, `release ${key.name} was deleted`);
      yield current;
      const resourceVersion = current.metadata.resourceVersion ?? '';
      const options = { namespace: key.namespace, fieldSelector: `metadata.name=${key.name}`, signal, resourceVersion };
      for await (const event of kube.watch<HelmRelease>(resources.helmReleases, options)) {
        if (event.type === 'BOOKMARK') continue;
        if (event.type === 'DELETED') throw new CommandError(exitCodes.notFound, `release ${key.name} was deleted`);
        yield event.object;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!isKubeError(error, 'Expired', 'Gone')) throw error;
    }
  }
}
