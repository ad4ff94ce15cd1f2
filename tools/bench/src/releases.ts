import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import { createHash } from 'node:crypto';
import { createHelm, decodeRelease, type StoredSecret } from '@sluice/helm';
import { clusterAccess, start } from '@sluice/helm-operator';
import { loadKubeconfig } from '@sluice/kube';
import { findCondition, resources, type HelmRelease, type KubeObject } from '@sluice/model';
import { createOciClient } from '@sluice/oci';
import { takeSnapshot } from '@sluice/release';
import { silentLog, type Running } from '@sluice/runtime';
import { releaseOf, sourceOf, startReleaseCluster, type ReleaseCluster } from './release-cluster.ts';

type Report = (line: string) => void;

const parallel = 4;
const namespace = 'default';

/** `releases`: installs of a chart of ten objects by the operator, beside the same helm commands run by a shell loop. */
export async function benchReleases({
  count,
  report,
}: {
  readonly count: number;
  readonly report: Report;
}): Promise<void> {
  const rounds: { readonly operator: number; readonly shell: number }[] = [];
  for (let round = 0; round < 2; round++)
    rounds.push({ shell: await shellInstalls(count), operator: await operatorInstalls(count) });
  const operator = Math.min(...rounds.map((round) => round.operator));
  const shell = Math.min(...rounds.map((round) => round.shell));
  report(
    `${count} installs of ten objects, ${parallel} at a time: ${text(operator)} s by the operator, ${text(shell)} s by a shell loop`,
  );
  report(`  ${(operator / shell).toFixed(2)} × the floor (budget 1.15 ×)`);
}

async function shellInstalls(count: number): Promise<number> {
  const cluster = await startReleaseCluster();
  try {
    const { helm, kubeconfig, chartDirectory, directory } = cluster;
    const env = { PATH: process.env['PATH'] ?? '', HOME: directory, KUBECONFIG: kubeconfig };
    const flags =
      '--skip-crds --wait=watcher --wait-for-jobs --timeout 300s --server-side=true --force-conflicts --take-ownership';
    const command = `seq ${count} | xargs -P ${parallel} -I{} '${helm}' install r{} '${chartDirectory}' ${flags} > /dev/null`;
    const started = performance.now();
    await promisify(execFile)('bash', ['-c', command], { env });
    return (performance.now() - started) / 1_000;
  } finally {
    await cluster.close();
  }
}

async function operatorInstalls(count: number): Promise<number> {
  const cluster = await startReleaseCluster();
  const operator = await startOperator(cluster);
  try {
    await cluster.kube.create(resources.ociRepositories, sourceOf(cluster));
    const started = performance.now();
    for (let index = 0; index < count; index++)
      await cluster.kube.create(resources.helmReleases, releaseOf(`r${index}`));
    await until(async () => (await readyReleases(cluster)) === count);
    return (performance.now() - started) / 1_000;
  } finally {
    await operator.close();
    await cluster.close();
  }
}

/** `B6`: a look at releases that have not changed. Nothing is written, rendered or loaded; what it costs is told. */
export async function benchSweep({
  count,
  report,
}: {
  readonly count: number;
  readonly report: Report;
}): Promise<void> {
  const cluster = await startReleaseCluster();
  let operator: Running | undefined;
  try {
    operator = await startOperator(cluster);
    await cluster.kube.create(resources.ociRepositories, sourceOf(cluster));
    await cluster.kube.create(resources.helmReleases, releaseOf('r0'));
    await until(async () => (await readyReleases(cluster)) === 1);
    await operator.close();
    await cloneReleases(cluster, count);
    operator = await startOperator(cluster);
    await quiet(cluster);
    const before = new Map(cluster.requests);
    const cpu = process.cpuUsage();
    const started = performance.now();
    await touchSource(cluster);
    await looked(cluster, count);
    const used = process.cpuUsage(cpu);
    const wallMs = performance.now() - started;
    await quiet(cluster);
    const requests = [...cluster.requests].map(([method, all]) => [method, all - (before.get(method) ?? 0)] as const);
    const floor = await floorOf(cluster, count);
    const cpuMs = (used.user + used.system) / 1_000;
    const writes = requests.filter(([method]) => method !== 'GET').reduce((sum, [, all]) => sum + all, 0);
    report(`sweep of ${count} unchanged releases: ${writes - 1} API writes, ${text(wallMs / 1_000)} s`);
    report(
      `  requests: ${requests.map(([method, all]) => `${method} ${all}`).join(', ')} (one PATCH is the bench's own)`,
    );
    report(
      `  CPU each ${(cpuMs / count).toFixed(3)} ms with the API server in the same process, ${((cpuMs - floor) / count).toFixed(3)} ms without`,
    );
    report(`  (budget 0.2 ms; the same requests alone cost ${(floor / count).toFixed(3)} ms)`);
  } finally {
    await operator?.close();
    await cluster.close();
  }
}

/** CPU milliseconds of the requests that a look at each release takes, nothing done with the answers. */
async function floorOf({ kube }: ReleaseCluster, count: number): Promise<number> {
  const cpu = process.cpuUsage();
  const look = async (index: number): Promise<void> => {
    await kube.get(resources.helmReleases, { namespace, name: `r${index}` });
    await kube.get(resources.ociRepositories, { namespace, name: 'ten' });
    await kube.list(resources.secrets, { namespace, labelSelector: `owner=helm,name=r${index}`, limit: 500 });
  };
  for (let from = 0; from < count; from += 8)
    await Promise.all(Array.from({ length: Math.min(8, count - from) }, (_, at) => look(from + at)));
  const { user, system } = process.cpuUsage(cpu);
  return (user + system) / 1_000;
}

async function startOperator({ kube, helm, kubeconfig, directory }: ReleaseCluster): Promise<Running> {
  const runner = await createHelm({
    binary: helm,
    kubeconfig,
    workDirectory: join(directory, 'helm'),
    concurrency: parallel,
    log: silentLog,
  });
  const config = { concurrency: 8, shutdownMs: 10_000 };
  const access = await loadKubeconfig({ path: kubeconfig, env: {} });
  return start(config, {
    kube,
    helm: runner,
    oci: createOciClient,
    clusters: clusterAccess(access, join(directory, 'kubeconfigs')),
    artifactDirectory: join(directory, 'artifacts'),
    log: silentLog,
    now: Date.now,
  });
}

/** The first release once more under other names, as if each had been installed: record, spec and status. */
async function cloneReleases({ kube }: ReleaseCluster, count: number): Promise<void> {
  const first = await kube.get<HelmRelease>(resources.helmReleases, { namespace, name: 'r0' });
  const stored = await kube.get<StoredSecret>(resources.secrets, { namespace, name: 'sh.helm.release.v1.r0.v1' });
  const [snapshot] = first?.status?.history ?? [];
  if (!first || !stored || !snapshot) throw new Error('the first release is not there');
  const text = gunzipSync(
    Buffer.from(Buffer.from(stored.data?.['release'] ?? '', 'base64').toString(), 'base64'),
  ).toString();
  let next = 1;
  const clone = async (index: number): Promise<void> => {
    const name = `r${index}`;
    const record = gzipSync(text.replaceAll('"r0"', `"${name}"`).replaceAll('r0-', `${name}-`));
    const release = Buffer.from(record.toString('base64')).toString('base64');
    const metadata = { name: `sh.helm.release.v1.${name}.v1`, namespace, labels: { ...stored.metadata.labels, name } };
    const secret: StoredSecret = { ...stored, metadata, data: { release } };
    await kube.create(resources.secrets, secret);
    const { action = 'install', configDigest, ociDigest } = snapshot;
    const facts = { action, configDigest, ...(ociDigest ? { ociDigest } : {}) };
    const history = [
      takeSnapshot(decodeRelease(secret), facts, (value) => createHash('sha256').update(value).digest('hex')),
    ];
    const { finalizers = [] } = first.metadata;
    const object: KubeObject = { ...releaseOf(name), metadata: { name, namespace, finalizers } };
    await kube.create(resources.helmReleases, object);
    const body = { status: { ...first.status, history } };
    await kube.patch(resources.helmReleases, { namespace, name }, { type: 'merge', body }, { subresource: 'status' });
  };
  const worker = async (): Promise<void> => {
    while (next < count) await clone(next++);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

async function readyReleases({ kube }: ReleaseCluster): Promise<number> {
  const { items } = await kube.list<HelmRelease>(resources.helmReleases, { namespace });
  return items.filter(({ status }) => findCondition(status?.conditions, 'Ready')?.status === 'True').length;
}

/** Every release depends on its source, so one change there has all of them looked at. */
async function touchSource({ kube }: ReleaseCluster): Promise<void> {
  const body = { metadata: { labels: { touched: String(Date.now()) } } };
  await kube.patch(resources.ociRepositories, { namespace, name: 'ten' }, { type: 'merge', body });
}

/** Until the records of that many releases have been read. */
async function looked(cluster: ReleaseCluster, count: number): Promise<void> {
  const seen = new Set<string>();
  const { promise, resolve } = Promise.withResolvers<void>();
  cluster.watch((path) => {
    const name = /owner%3Dhelm%2Cname%3D([^&]+)/.exec(path)?.[1];
    if (name && seen.add(name).size === count) resolve();
  });
  await promise;
}

/** Until nothing is asked any more. */
async function quiet({ requests }: ReleaseCluster): Promise<void> {
  const total = (): number => [...requests.values()].reduce((sum, all) => sum + all, 0);
  for (let last = -1; last !== total(); await delay(500)) last = total();
}

async function until(check: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 600_000;
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error('it did not come to an end within 10 minutes');
    await delay(100);
  }
}

function text(seconds: number): string {
  return seconds.toFixed(2);
}
