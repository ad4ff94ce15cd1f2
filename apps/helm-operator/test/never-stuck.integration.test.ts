import { withStatus, type StoredSecret } from '@sluice/helm';
import { findCondition, resources, type KubeObject } from '@sluice/model';
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

const configKey = { namespace: 'apps', name: 'demo-config' };

describe.skipIf(!helmBinary)('no release stays stuck, with a real helm (needs linux x64, or helm 4 on PATH)', () => {
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

  const readyMessage = async (): Promise<string> =>
    findCondition((await getRelease(cluster.kube)).status?.conditions, 'Ready')?.message ?? '';
  const setRecord = async (status: string, version: number): Promise<void> => {
    const key = { namespace: 'apps', name: `sh.helm.release.v1.demo.v${version}` };
    const secret = await eventually(() => cluster.kube.get<StoredSecret>(resources.secrets, key));
    await cluster.kube.replace(resources.secrets, withStatus(secret, status, 'Preparing', 1_700_000_000));
  };
  const gone = (timeoutMs?: number) =>
    eventually(async () => ((await cluster.kube.get(resources.helmReleases, demoKey)) ? undefined : true), timeoutMs);

  test('an uninstall that a killed helm left half done is taken up: upgraded while the object is there', async () => {
    await applySource(cluster.kube, await cluster.push(configMapChart, '1.0.0'));
    await applyRelease(cluster.kube, {});
    await waitForCondition(cluster.kube, 'Ready', 'True');
    await setRecord('uninstalling', 1);
    await cluster.kube.delete(resources.configMaps, configKey);
    await applyRelease(cluster.kube, { values: { color: 'blue' } });
    await waitForCondition(cluster.kube, 'Ready', 'True', 'UpgradeSucceeded');
    expect((await cluster.kube.get<Data>(resources.configMaps, configKey))?.data).toEqual({ color: 'blue' });
    expect(await revisionsOf(cluster.kube)).toEqual(['v1 superseded', 'v2 deployed']);
  });

  test('the same is finished when the object is deleted', async () => {
    await applySource(cluster.kube, await cluster.push(configMapChart, '1.0.0'));
    await applyRelease(cluster.kube, {});
    await waitForCondition(cluster.kube, 'Ready', 'True');
    await setRecord('uninstalling', 1);
    await cluster.kube.delete(resources.helmReleases, demoKey);
    await gone();
    expect(await revisionsOf(cluster.kube)).toEqual([]);
    expect(await cluster.kube.get(resources.configMaps, configKey)).toBeUndefined();
  });

  test('a deletion that cannot go on says which object holds it, and goes on when that is gone', async () => {
    const held = {
      'templates/held.yaml':
        'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: held, finalizers: [example.com/hold] }\n',
    };
    await applySource(cluster.kube, await cluster.push(held, '1.0.0'));
    await applyRelease(cluster.kube, { uninstall: { timeout: '1s' } });
    await waitForCondition(cluster.kube, 'Ready', 'True');
    await cluster.kube.delete(resources.helmReleases, demoKey);
    await eventually(async () => ((await readyMessage()).includes('held') ? true : undefined));
    expect(await readyMessage()).toBe(
      'Helm release apps/demo is uninstalled, but ConfigMap/apps/held is held by its finalizers example.com/hold; whoever set them must let it go',
    );
    const body = { metadata: { finalizers: null } };
    await cluster.kube.patch(resources.configMaps, { namespace: 'apps', name: 'held' }, { type: 'merge', body });
    await gone(30_000);
    expect(await revisionsOf(cluster.kube)).toEqual([]);
  }, 60_000);

  test('a change of a Secret that values come from is seen at once, and ends the wait of a hopeless upgrade', async () => {
    const secretKey = { namespace: 'apps', name: 'settings' };
    const data = (text: string) => ({ data: { 'values.yaml': Buffer.from(text).toString('base64') } });
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: secretKey, ...data('stuck: false\n') };
    await cluster.kube.create(resources.secrets, secret as KubeObject);
    const app = `{{ if .Values.stuck }}\n${stuckChart['templates/app.yaml']}{{ end }}\n`;
    await applySource(cluster.kube, await cluster.push({ ...configMapChart, 'templates/app.yaml': app }, '1.0.0'));
    await applyRelease(cluster.kube, { timeout: '10m', valuesFrom: [{ kind: 'Secret', name: 'settings' }] });
    await waitForCondition(cluster.kube, 'Ready', 'True');
    const write = (text: string) =>
      cluster.kube.patch(resources.secrets, secretKey, { type: 'merge', body: data(text) });
    await write('stuck: true\n');
    await eventually(async () => ((await revisionsOf(cluster.kube)).includes('v2 pending-upgrade') ? true : undefined));
    await write('color: green\n');
    await eventually(async () => ((await revisionsOf(cluster.kube)).includes('v3 deployed') ? true : undefined));
    expect((await cluster.kube.get<Data>(resources.configMaps, configKey))?.data).toEqual({ color: 'green' });
    expect((await waitForCondition(cluster.kube, 'Ready', 'True')).status?.failures ?? 0).toBe(0);
  });

  test('operations on one release never overlap, however often it is changed', async () => {
    await applySource(cluster.kube, await cluster.push(configMapChart, '1.0.0'));
    const colors = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (const color of colors) await applyRelease(cluster.kube, { values: { color } });
    await eventually(async () => {
      const config = await cluster.kube.get<Data>(resources.configMaps, configKey);
      return config?.data?.['color'] === 'f' ? true : undefined;
    });
    await waitForCondition(cluster.kube, 'Ready', 'True');
    const revisions = await revisionsOf(cluster.kube);
    expect(revisions.filter((revision) => revision.includes('pending'))).toEqual([]);
    expect(revisions.at(-1)).toMatch(/deployed$/);
  });
});
