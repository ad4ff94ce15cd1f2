import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HelmRelease } from '@sluice/model';
import type { KubeApi } from '@sluice/reconcile';
import { expect, test } from 'vitest';
import type { ReleasePorts } from './release-context.ts';
import { TargetClusters } from './target-cluster.ts';

const metadata = { name: 'demo', namespace: 'apps' };
const release: HelmRelease = { apiVersion: 'helm.toolkit.fluxcd.io/v2', kind: 'HelmRelease', metadata };
const { signal } = new AbortController();

test('a kubeconfig lies in a file of its own, readable by us alone, until nobody asks for it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'kubeconfigs-'));
  const text = 'clusters: [{name: a, cluster: {server: "https://127.0.0.1:1"}}]';
  const secret = { data: { value: Buffer.from(text).toString('base64') } };
  const kube = { get: () => Promise.resolve(secret) } as unknown as KubeApi;
  const asked: (string | undefined)[] = [];
  const remote = (path: string, user?: string): Promise<KubeApi> => {
    asked.push(path, user);
    return Promise.resolve(kube);
  };
  const targets = new TargetClusters({ directory, impersonated: () => kube, remote });
  const own = { kube, now: Date.now } as unknown as ReleasePorts;
  const plan = { kubeConfig: { name: 'a' }, serviceAccount: 'b' };
  for (let time = 0; time < 2; time++) await targets.portsFor(own, release, plan, signal);
  const [file = '', ...more] = await readdir(directory);
  expect(more).toEqual([]);
  expect(asked).toEqual([join(directory, file), 'system:serviceaccount:apps:b']);
  expect((await stat(join(directory, file))).mode & 0o777).toBe(0o600);
  await targets.removeUnused(Date.now(), 60_000);
  expect(await readdir(directory)).toHaveLength(1);
  await targets.removeUnused(Date.now() + 120_000, 60_000);
  expect(await readdir(directory)).toEqual([]);
  await rm(directory, { recursive: true });
});
