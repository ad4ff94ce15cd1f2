import { execFile } from 'node:child_process';
import { mkdtemp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { resources, type JsonObject, type KubeObject } from '@sluice/model';
import type { Running } from '@sluice/runtime';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  applyRelease,
  applySource,
  configMapChart,
  demoKey,
  eventually,
  getRelease,
  helmBinary,
  makeReady,
  revisionsOf,
  startCluster,
  stuckChart,
  waitForCondition,
  type Cluster,
} from './cluster.ts';

const run = promisify(execFile);

describe.skipIf(!helmBinary)('features of releases with a real helm (needs linux x64, or helm 4 on PATH)', () => {
  let cluster: Cluster;
  let operator: Running;

  beforeEach(async () => {
    cluster = await startCluster();
    operator = await cluster.startOperator();
  });

  afterEach(async () => {
    await operator.close();
    await cluster.close();
  });

  const annotate = (annotations: Record<string, string>) =>
    cluster.kube.patch(resources.helmReleases, demoKey, { type: 'merge', body: { metadata: { annotations } } });
  const gone = () =>
    eventually(async () => ((await cluster.kube.get(resources.helmReleases, demoKey)) ? undefined : true));

  test('a failed install is undone and tried again as often as the spec says, then stalls, and resetAt starts anew', async () => {
    await applySource(cluster.kube, await cluster.push(stuckChart, '1.0.0'));
    await applyRelease(cluster.kube, { timeout: '1s', install: { remediation: { retries: 1 } } });
    const stalled = await waitForCondition(cluster.kube, 'Stalled', 'True', 'RetriesExceeded');
    expect(stalled.status).toMatchObject({ installFailures: 2, failures: 2, observedGeneration: 1 });
    expect(await revisionsOf(cluster.kube)).toEqual(['v1 failed']);
    await annotate({ 'reconcile.fluxcd.io/requestedAt': 'now', 'reconcile.fluxcd.io/resetAt': 'now' });
    await eventually(async () =>
      (await getRelease(cluster.kube)).status?.lastHandledResetAt === 'now' ? true : undefined,
    );
    await makeReady(cluster.kube);
    await waitForCondition(cluster.kube, 'Ready', 'True');
  });

  test('RetryOnFailure upgrades again after its interval until it works', async () => {
    await applySource(cluster.kube, await cluster.push(stuckChart, '1.0.0'));
    const strategy = { name: 'RetryOnFailure', retryInterval: '1s' };
    await applyRelease(cluster.kube, { timeout: '1s', install: { strategy }, upgrade: { strategy } });
    await eventually(async () => ((await revisionsOf(cluster.kube)).includes('v2 failed') ? true : undefined));
    await makeReady(cluster.kube);
    const healed = await waitForCondition(cluster.kube, 'Ready', 'True', 'UpgradeSucceeded');
    expect(healed.status?.history?.[0]?.status).toBe('deployed');
    await eventually(async () => ((await getRelease(cluster.kube)).status?.failures === 0 ? true : undefined));
  });

  test('forceAt upgrades a release that is in sync, once', async () => {
    await applySource(cluster.kube, await cluster.push(configMapChart, '1.0.0'));
    await applyRelease(cluster.kube, {});
    await waitForCondition(cluster.kube, 'Ready', 'True');
    await annotate({ 'reconcile.fluxcd.io/requestedAt': 'a', 'reconcile.fluxcd.io/forceAt': 'a' });
    const handled = await eventually(async () => {
      const release = await getRelease(cluster.kube);
      return release.status?.lastHandledReconcileAt === 'a' ? release : undefined;
    });
    expect(handled.status?.lastHandledForceAt).toBe('a');
    await annotate({ 'reconcile.fluxcd.io/requestedAt': 'b' });
    await eventually(async () =>
      (await getRelease(cluster.kube)).status?.lastHandledReconcileAt === 'b' ? true : undefined,
    );
    expect(await revisionsOf(cluster.kube)).toEqual(['v1 superseded', 'v2 deployed']);
  });

  test('a release waits for the ones that it depends on', async () => {
    await applySource(cluster.kube, await cluster.push(configMapChart, '1.0.0'));
    await applyRelease(cluster.kube, { dependsOn: [{ name: 'base' }] });
    const waiting = await waitForCondition(cluster.kube, 'Ready', 'False', 'DependencyNotReady');
    expect(waiting.status?.conditions?.find(({ type }) => type === 'Ready')?.message).toBe(
      'HelmRelease apps/base (spec.dependsOn) does not exist',
    );
    const spec: JsonObject = { interval: '1h', chartRef: { kind: 'OCIRepository', name: 'demo' } };
    const metadata = { namespace: 'apps', name: 'base' };
    const base = { apiVersion: 'helm.toolkit.fluxcd.io/v2', kind: 'HelmRelease', metadata, spec } as KubeObject;
    const started = performance.now();
    await cluster.kube.create(resources.helmReleases, base);
    await waitForCondition(cluster.kube, 'Ready', 'True');
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test('a release moves to its new name, and a suspended one is left where it is', async () => {
    await applySource(cluster.kube, await cluster.push(configMapChart, '1.0.0'));
    await applyRelease(cluster.kube, {});
    await waitForCondition(cluster.kube, 'Ready', 'True');
    await applyRelease(cluster.kube, { releaseName: 'other' });
    const moved = await waitForCondition(cluster.kube, 'Ready', 'True');
    expect(moved.status?.history?.map(({ name, version }) => `${name} ${version}`)).toEqual(['other 1']);
    expect([await revisionsOf(cluster.kube), await revisionsOf(cluster.kube, 'other')]).toEqual([[], ['v1 deployed']]);
    await applyRelease(cluster.kube, { releaseName: 'other', suspend: true });
    await cluster.kube.delete(resources.helmReleases, demoKey);
    await gone();
    expect(await revisionsOf(cluster.kube, 'other')).toEqual(['v1 deployed']);
  });

  test('a namespace is made when asked for, and helm finds the release there', async () => {
    await applySource(cluster.kube, await cluster.push(configMapChart, '1.0.0'));
    await applyRelease(cluster.kube, { targetNamespace: 'fresh', install: { createNamespace: true } });
    await waitForCondition(cluster.kube, 'Ready', 'True');
    const env = { KUBECONFIG: cluster.kubeconfig, HOME: cluster.scratch, PATH: '/usr/bin:/bin' };
    const { stdout } = await run(helmBinary ?? '', ['list', '--namespace', 'fresh', '--output', 'json'], { env });
    expect(JSON.parse(stdout)).toMatchObject([{ name: 'demo', namespace: 'fresh', revision: '1', status: 'deployed' }]);
    await cluster.kube.delete(resources.helmReleases, demoKey);
    await gone();
  });

  test('a source that cannot be fetched is said on the source and on the release, and both recover', async () => {
    const chart = await cluster.push(configMapChart, '1.0.0');
    await applySource(cluster.kube, { ...chart, digest: `sha256:${'0'.repeat(64)}` });
    await applyRelease(cluster.kube, {});
    const waiting = await eventually(async () => {
      const release = await getRelease(cluster.kube);
      const ready = release.status?.conditions?.find(({ type }) => type === 'Ready');
      return ready?.message.includes('not in the registry') ? ready : undefined;
    });
    expect(waiting.reason).toBe('SourceNotReady');
    await applySource(cluster.kube, chart);
    await waitForCondition(cluster.kube, 'Ready', 'True');
  });

  test('a release whose tests fail is rolled back, and the tests are in its history', async () => {
    const pod =
      'apiVersion: v1\nkind: Pod\nmetadata:\n  name: demo-test\n  annotations: { helm.sh/hook: test }\nspec: { restartPolicy: Never, containers: [{ name: t, image: none }] }\n';
    const tested = { ...configMapChart, 'templates/test.yaml': pod };
    const endPod = async (phase: string): Promise<void> => {
      const key = { namespace: 'apps', name: 'demo-test' };
      await eventually(async () => {
        const found = await cluster.kube.get<KubeObject<unknown, { phase?: string }>>(resources.pods, key);
        return found && found.status?.phase !== 'Succeeded' ? found : undefined;
      });
      await cluster.kube.patch(
        resources.pods,
        key,
        { type: 'merge', body: { status: { phase } } },
        { subresource: 'status' },
      );
    };
    const spec = { test: { enable: true, timeout: '20s' }, upgrade: { remediation: { remediateLastFailure: true } } };
    await applySource(cluster.kube, await cluster.push(tested, '1.0.0'));
    await applyRelease(cluster.kube, spec);
    await endPod('Succeeded');
    const good = await waitForCondition(cluster.kube, 'TestSuccess', 'True', 'TestSucceeded');
    expect(good.status?.history?.[0]?.testHooks).toMatchObject({ 'demo-test': { phase: 'Succeeded' } });
    await waitForCondition(cluster.kube, 'Ready', 'True');
    await applySource(cluster.kube, await cluster.push(tested, '2.0.0'));
    await endPod('Failed');
    const failed = await waitForCondition(cluster.kube, 'Stalled', 'True', 'RetriesExceeded');
    expect(failed.status?.history?.map(({ version, action, status }) => `v${version} ${action} ${status}`)).toEqual([
      'v3 rollback deployed',
      'v2 upgrade superseded',
      'v1 install superseded',
    ]);
    const message = failed.status?.conditions?.find(({ type }) => type === 'Ready')?.message ?? '';
    expect(message).toMatch(/now serves chart demo@1\.0\.0.*What failed: Helm test failed/s);
  });

  test('helm itself pushes to the registry and pulls from it what we pushed', async () => {
    const { url } = await cluster.push(configMapChart, '1.0.0');
    const out = await mkdtemp(join(cluster.scratch, 'pull-'));
    const env = { HOME: cluster.scratch, PATH: '/usr/bin:/bin' };
    await run(helmBinary ?? '', ['pull', url, '--version', '1.0.0', '--plain-http', '--destination', out], { env });
    expect(await readdir(out)).toEqual(['demo-1.0.0.tgz']);
    const target = `oci://${cluster.registry}/other`;
    const pushed = await run(helmBinary ?? '', ['push', join(out, 'demo-1.0.0.tgz'), target, '--plain-http'], { env });
    expect(pushed.stderr).toMatch(/Digest: sha256:[0-9a-f]{64}/);
    await run(
      helmBinary ?? '',
      ['pull', `${target}/demo`, '--plain-http', '--destination', await mkdtemp(join(out, 'x-'))],
      { env },
    );
  });
});
