import { resources, type HelmRelease, type KubeObject } from '@sluice/model';
import { withStatus, type StoredSecret } from '@sluice/helm';
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
  revisionsOf,
  startCluster,
  stuckChart,
  waitForCondition,
  type Cluster,
  type Data,
} from './cluster.ts';

describe.skipIf(!helmBinary)('with a real helm (needs linux x64, or helm 4 on PATH)', () => {
  let cluster: Cluster;
  let operator: Running | undefined;

  beforeEach(async () => {
    cluster = await startCluster();
    operator = await cluster.startOperator();
  });

  afterEach(async () => {
    await operator?.close();
    await cluster.close();
  });

  const color = async (): Promise<string | undefined> => {
    const config = await cluster.kube.get<Data>(resources.configMaps, { namespace: 'apps', name: 'demo-config' });
    return config?.data?.['color'];
  };
  const statuses = (): Promise<readonly string[]> => revisionsOf(cluster.kube);
  const readyMessage = (release: HelmRelease): string =>
    release.status?.conditions?.find(({ type }) => type === 'Ready')?.message ?? '';

  test('a release is installed, upgraded when values change, and uninstalled with its object', async () => {
    await applySource(cluster.kube, await cluster.push(configMapChart, '1.0.0'));
    await applyRelease(cluster.kube, {});
    const installed = await waitForCondition(cluster.kube, 'Ready', 'True', 'InstallSucceeded');
    expect(await color()).toBe('red');
    expect(installed.status).toMatchObject({
      observedGeneration: 1,
      storageNamespace: 'apps',
      lastAttemptedReleaseAction: 'install',
      history: [{ version: 1, status: 'deployed', chartName: 'demo', action: 'install' }],
    });
    await applyRelease(cluster.kube, { values: { color: 'blue' } });
    await waitForCondition(cluster.kube, 'Ready', 'True', 'UpgradeSucceeded');
    expect(await color()).toBe('blue');
    expect(await statuses()).toEqual(['v1 superseded', 'v2 deployed']);
    await cluster.kube.delete(resources.helmReleases, demoKey);
    await eventually(async () => ((await cluster.kube.get(resources.helmReleases, demoKey)) ? undefined : true));
    expect([await color(), await statuses()]).toEqual([undefined, []]);
  });

  test('nothing is written while nothing changes', async () => {
    await applySource(cluster.kube, await cluster.push(configMapChart, '1.0.0'));
    await applyRelease(cluster.kube, {});
    await waitForCondition(cluster.kube, 'Ready', 'True');
    await eventually(async () =>
      (await getRelease(cluster.kube)).status?.observedGeneration === 1 ? true : undefined,
    );
    const before = (await getRelease(cluster.kube)).metadata.resourceVersion;
    await cluster.kube.patch(resources.helmReleases, demoKey, {
      type: 'merge',
      body: { metadata: { labels: { touched: 'yes' } } },
    });
    const touched = (await getRelease(cluster.kube)).metadata.resourceVersion;
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect((await getRelease(cluster.kube)).metadata.resourceVersion).toBe(touched);
    expect(before).not.toBe(touched);
    expect(await statuses()).toEqual(['v1 deployed']);
  });

  test('an upgrade that never becomes ready is rolled back, and the conditions say what failed and what serves now', async () => {
    await applySource(cluster.kube, await cluster.push(configMapChart, '1.0.0'));
    const upgrade = { remediation: { retries: 0, remediateLastFailure: true }, timeout: '2s' };
    await applyRelease(cluster.kube, { upgrade });
    await waitForCondition(cluster.kube, 'Ready', 'True');
    await applySource(cluster.kube, await cluster.push(stuckChart, '2.0.0'));
    const failed = await eventually(async () => {
      const release = await getRelease(cluster.kube);
      return release.status?.conditions?.some(({ type, status }) => type === 'Stalled' && status === 'True')
        ? release
        : undefined;
    });
    expect(failed.status?.history?.map(({ version, status, action }) => `v${version} ${status} ${action}`)).toEqual([
      'v3 deployed rollback',
      'v2 failed upgrade',
      'v1 superseded install',
    ]);
    expect(readyMessage(failed)).toMatch(
      /Helm rollback succeeded: release apps\/demo now serves chart demo@1\.0\.0\+[0-9a-f]{12} as revision 3/,
    );
    expect(readyMessage(failed)).toContain('Deployment/apps/demo-app not ready');
    expect(failed.status).toMatchObject({ upgradeFailures: 1, failures: 1 });
    expect(await cluster.kube.get(resources.deployments, { namespace: 'apps', name: 'demo-app' })).toBeUndefined();
    const ready = failed.status?.conditions?.find(({ type }) => type === 'Ready');
    expect([ready?.status, ready?.reason]).toEqual(['False', 'RollbackSucceeded']);
    await applySource(cluster.kube, await cluster.push(configMapChart, '3.0.0'));
    const healed = await waitForCondition(cluster.kube, 'Ready', 'True', 'UpgradeSucceeded');
    expect(healed.status).toMatchObject({ failures: 0, upgradeFailures: 0 });
    expect(healed.status?.conditions?.some(({ type }) => type === 'Stalled' || type === 'Remediated')).toBe(false);
  });

  test('a newer desired state ends the wait for the older one', async () => {
    await applySource(cluster.kube, await cluster.push(configMapChart, '1.0.0'));
    await applyRelease(cluster.kube, {});
    await waitForCondition(cluster.kube, 'Ready', 'True');
    await applySource(cluster.kube, await cluster.push(stuckChart, '2.0.0'));
    await eventually(async () => ((await statuses()).includes('v2 pending-upgrade') ? true : undefined));
    const started = performance.now();
    await applySource(cluster.kube, await cluster.push(configMapChart, '3.0.0'));
    await eventually(async () => ((await statuses()).includes('v3 deployed') ? true : undefined));
    expect(performance.now() - started).toBeLessThan(15_000);
    const release = await waitForCondition(cluster.kube, 'Ready', 'True', 'UpgradeSucceeded');
    expect(release.status?.failures ?? 0).toBe(0);
  });

  test('values from a ConfigMap and a Secret are composed, and a change of them is an upgrade', async () => {
    const data = { 'values.yaml': 'color: green\n' };
    const config = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace: 'apps', name: 'settings' },
      data,
    } as KubeObject;
    await cluster.kube.create(resources.configMaps, config);
    await applySource(cluster.kube, await cluster.push(configMapChart, '1.0.0'));
    await applyRelease(cluster.kube, {
      valuesFrom: [
        { kind: 'ConfigMap', name: 'settings' },
        { kind: 'Secret', name: 'missing', optional: true },
      ],
    });
    await waitForCondition(cluster.kube, 'Ready', 'True');
    expect(await color()).toBe('green');
    const body = { data: { 'values.yaml': 'color: yellow\n' } };
    await cluster.kube.patch(resources.configMaps, { namespace: 'apps', name: 'settings' }, { type: 'merge', body });
    await eventually(async () => ((await color()) === 'yellow' ? true : undefined));
    await applyRelease(cluster.kube, { valuesFrom: [{ kind: 'Secret', name: 'missing' }] });
    const blocked = await waitForCondition(cluster.kube, 'Ready', 'False', 'ValuesError');
    expect(readyMessage(blocked)).toBe(
      'Secret apps/missing (spec.valuesFrom) does not exist; make it, or set optional: true',
    );
  });

  test('a chart that does not render says where, and nothing is installed', async () => {
    const broken = { 'templates/x.yaml': '{{ fail "the color is missing" }}\n' };
    await applySource(cluster.kube, await cluster.push(broken, '1.0.0'));
    await applyRelease(cluster.kube, {});
    const failed = await waitForCondition(cluster.kube, 'Ready', 'False', 'InstallFailed');
    expect(readyMessage(failed)).toContain('the color is missing');
    expect(await statuses()).toEqual([]);
  });

  test('CRDs of a chart are applied before its objects, by policy', async () => {
    const crd = (note: string): string =>
      JSON.stringify({
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: 'things.demo.example', annotations: { note } },
        spec: {
          group: 'demo.example',
          scope: 'Namespaced',
          names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' },
          versions: [
            {
              name: 'v1',
              served: true,
              storage: true,
              schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
            },
          ],
        },
      });
    const thing = 'apiVersion: demo.example/v1\nkind: Thing\nmetadata: { name: one }\n';
    const note = async (): Promise<string | undefined> =>
      (await cluster.kube.get(resources.customResourceDefinitions, { name: 'things.demo.example' }))?.metadata
        .annotations?.['note'];
    await applySource(
      cluster.kube,
      await cluster.push({ 'crds/thing.yaml': crd('one'), 'templates/thing.yaml': thing }, '1.0.0'),
    );
    await applyRelease(cluster.kube, {});
    await waitForCondition(cluster.kube, 'Ready', 'True', 'InstallSucceeded');
    expect(await note()).toBe('one');
    await applySource(
      cluster.kube,
      await cluster.push({ 'crds/thing.yaml': crd('two'), 'templates/thing.yaml': thing }, '2.0.0'),
    );
    await waitForCondition(cluster.kube, 'Ready', 'True', 'UpgradeSucceeded');
    expect(await note()).toBe('one');
    await applyRelease(cluster.kube, { upgrade: { crds: 'CreateReplace' }, values: { again: true } });
    await eventually(async () => ((await note()) === 'two' ? true : undefined));
  });

  test('fields that are not supported yet are refused by name', async () => {
    await applyRelease(cluster.kube, {
      kubeConfig: { configMapRef: { name: 'other' } },
      storageNamespace: 'elsewhere',
      postRenderers: [{}],
    });
    const refused = await waitForCondition(cluster.kube, 'Stalled', 'True', 'Unsupported');
    expect(readyMessage(refused).split('\n')).toEqual([
      'spec.storageNamespace: must be the same as targetNamespace, where helm keeps its records; leave it out',
      'spec.kubeConfig.configMapRef: is not supported yet; put a kubeconfig into a Secret and name it in secretRef',
      'spec.postRenderers[0].kustomize: is missing; patches and images go there',
    ]);
    await applyRelease(cluster.kube, { dependsOn: [{ name: 'a', readyExpr: 'dep.(' }] });
    await waitForCondition(cluster.kube, 'Stalled', 'True', 'InvalidCELExpression');
  });

  test('a release that somebody else left locked is unlocked and upgraded', async () => {
    const chart = await cluster.push(configMapChart, '1.0.0');
    const directory = `${cluster.scratch}/foreign`;
    const { writeChart } = await import('@sluice/helm/testing');
    await writeChart(directory, configMapChart);
    const foreign = await cluster.helm.install({
      ...demoKey,
      chartDirectory: directory,
      values: '{}',
      timeoutMs: 10_000,
    });
    expect(foreign.ok).toBe(true);
    await setRecord('pending-install', 1);
    await applySource(cluster.kube, chart);
    await applyRelease(cluster.kube, {});
    await waitForCondition(cluster.kube, 'Ready', 'True', 'UpgradeSucceeded');
    expect(await statuses()).toEqual(['v1 superseded', 'v2 deployed']);
  });

  async function setRecord(status: string, version: number): Promise<void> {
    const key = { namespace: 'apps', name: `sh.helm.release.v1.demo.v${version}` };
    const secret = await cluster.kube.get<StoredSecret>(resources.secrets, key);
    if (!secret) throw new Error('no such revision');
    await cluster.kube.replace(resources.secrets, withStatus(secret, status, 'Preparing', 1_700_000_000));
  }
});
