import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Closers, Log, Metrics, Running, Setting, SettingValues } from '@sluice/runtime';
import { textSetting } from '@sluice/runtime';
import type { KubeApi } from './kube-api.ts';
import { createLeaderElection } from './leader-election.ts';

const leaseSetting: Setting<{ readonly namespace: string; readonly name: string } | undefined> = {
  env: 'SLUICE_LEASE',
  placeholder: 'NAMESPACE/NAME',
  help: 'run several replicas, of which the holder of this Lease works',
  read(text) {
    if (text === undefined) return { value: undefined };
    const [, namespace, name] = /^([a-z0-9-]+)\/([a-z0-9.-]+)$/.exec(text) ?? [];
    if (namespace && name) return { value: { namespace, name } };
    return { wrong: `"${text}" is not a namespace and a name, like sluice/workflow-controller` };
  },
};

/** How replicas of a program share its work: one works, the others stand by. */
export const electionSettings = {
  lease: leaseSetting,
  replica: textSetting({
    env: 'POD_NAME',
    placeholder: 'NAME',
    help: 'how this replica is called in the lease (default: the name of the host)',
  }),
};

export type ElectedParts = {
  readonly kube: KubeApi;
  readonly log: Log;
  readonly closers: Closers;
  readonly metrics?: Metrics;
  /** Starts the work. Writes of the `kube` that it gets are refused once the lease is lost. */
  readonly start: (kube: KubeApi) => Promise<Running>;
  /** Told when the lease was lost, or the work could not start: the process should end and stand by anew. */
  readonly fail: (why: Error) => void;
};

/**
 * Start the work at once, or, with a lease, when this process holds it; resolves before that. When closed, the work ends
 * before the lease is given back, so that the next replica begins on what this one left.
 */
export async function startElected(
  settings: SettingValues<typeof electionSettings>,
  parts: ElectedParts,
): Promise<void> {
  const { kube, log, closers, metrics, start, fail } = parts;
  const { lease, replica = hostname() } = settings;
  if (!lease) {
    const running = await start(kube);
    return closers.add(() => running.close());
  }
  const election = createLeaderElection({
    kube,
    lease,
    identity: `${replica}_${randomUUID()}`,
    log,
    ...(metrics && { metrics }),
    onLost: (reason) => fail(new Error(`the lease ${lease.namespace}/${lease.name} was lost: ${reason}`)),
  });
  closers.add(() => election.close());
  const standing = new AbortController();
  const working = election.elected(standing.signal).then(() => start(election.fence(kube)));
  working.catch((error: unknown) => {
    if (!standing.signal.aborted) fail(error instanceof Error ? error : new Error(String(error)));
  });
  closers.add(async () => {
    standing.abort(new Error('closing'));
    const running = await working.catch(() => undefined);
    await running?.close();
  });
  election.start();
}
