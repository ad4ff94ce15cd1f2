import { readFile } from 'node:fs/promises';
import { findCondition, resources, type KubeObject, type Resource } from '@sluice/model';
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
  waitForCondition,
  type Cluster,
} from './cluster.ts';

const rbac = (plural: string, kind: string): Resource => ({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  plural,
  kind,
  namespaced: true,
});

describe.skipIf(!helmBinary)('other users and other clusters, with a real helm (needs linux x64, or helm 4)', () => {
  let cluster: Cluster;
  let operator: Running;

  beforeEach(async () => {
    cluster = await startCluster();
    operator = await cluster.startOperator();
    await applySource(cluster.kube, await cluster.push(configMapChart, '1.0.0'));
  });

  afterEach(async () => {
    await operator.close();
    await cluster.close();
  });

  const create = (resource: Resource, name: string, more: object): Promise<KubeObject> => {
    const apiVersion = resource.group ? `${resource.group}/${resource.version}` : resource.version;
    const object = { apiVersion, kind: resource.kind, metadata: { namespace: 'apps', name }, ...more };
    return cluster.kube.create(resource, object);
  };
  const allow = async (apiGroups: string[], what: string[]): Promise<void> => {
    const name = 'deployer';
    await create(rbac('roles', 'Role'), name, { rules: [{ apiGroups, resources: what, verbs: ['*'] }] });
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name };
    const subjects = [{ kind: 'ServiceAccount', name: 'limited', namespace: 'apps' }];
    await create(rbac('rolebindings', 'RoleBinding'), name, { roleRef, subjects });
  };
  const messageOf = async (): Promise<string> =>
    findCondition((await getRelease(cluster.kube)).status?.conditions, 'Ready')?.message ?? '';
  const deleteRelease = async (): Promise<void> => {
    await cluster.kube.delete(resources.helmReleases, demoKey);
    await eventually(async () => ((await cluster.kube.get(resources.helmReleases, demoKey)) ? undefined : true));
  };

  test('a release is made with the permissions of its service account, and with no others', async () => {
    await applyRelease(cluster.kube, { serviceAccountName: 'limited', driftDetection: { mode: 'enabled' } });
    await waitForCondition(cluster.kube, 'Ready', 'False', 'RESTClientError');
    expect(await messageOf()).toContain('ServiceAccount apps/limited (spec.serviceAccountName) does not exist');
    await create(resources.serviceAccounts, 'limited', {});
    const again = { metadata: { annotations: { 'reconcile.fluxcd.io/requestedAt': 'a' } } };
    await cluster.kube.patch(resources.helmReleases, demoKey, { type: 'merge', body: again });
    await eventually(async () => ((await messageOf()).includes('cannot list resource "secrets"') ? true : undefined));
    await allow([''], ['secrets', 'configmaps']);
    const more = { metadata: { annotations: { 'reconcile.fluxcd.io/requestedAt': 'b' } } };
    await cluster.kube.patch(resources.helmReleases, demoKey, { type: 'merge', body: more });
    await waitForCondition(cluster.kube, 'Ready', 'True', 'InstallSucceeded');
    await deleteRelease();
    expect(await revisionsOf(cluster.kube)).toEqual([]);
  });

  test('a release whose service account is gone is let go, and says that nothing was uninstalled', async () => {
    await create(resources.serviceAccounts, 'limited', {});
    await allow([''], ['secrets', 'configmaps']);
    await applyRelease(cluster.kube, { serviceAccountName: 'limited' });
    await waitForCondition(cluster.kube, 'Ready', 'True');
    await cluster.kube.delete(resources.serviceAccounts, { namespace: 'apps', name: 'limited' });
    await deleteRelease();
    expect(await revisionsOf(cluster.kube)).toEqual(['v1 deployed']);
  });

  test('a release goes to the cluster of its kubeconfig, and leaves nothing here', async () => {
    const other = await startCluster();
    try {
      const value = Buffer.from(await readFile(other.kubeconfig, 'utf8')).toString('base64');
      await create(resources.secrets, 'other', { data: { value } });
      await applyRelease(cluster.kube, { kubeConfig: { secretRef: { name: 'other' } } });
      await waitForCondition(cluster.kube, 'Ready', 'True', 'InstallSucceeded');
      expect([await revisionsOf(cluster.kube), await revisionsOf(other.kube)]).toEqual([[], ['v1 deployed']]);
      await deleteRelease();
      expect(await revisionsOf(other.kube)).toEqual([]);
    } finally {
      await other.close();
    }
  });

  test('a spec that has become unreadable is still uninstalled where it was installed, and nowhere else', async () => {
    const other = await startCluster();
    try {
      const value = Buffer.from(await readFile(other.kubeconfig, 'utf8')).toString('base64');
      await create(resources.secrets, 'other', { data: { value } });
      const spec = { kubeConfig: { secretRef: { name: 'other' } } };
      await applyRelease(cluster.kube, spec);
      await waitForCondition(cluster.kube, 'Ready', 'True', 'InstallSucceeded');
      await applyRelease(cluster.kube, { ...spec, storageNamespace: 'elsewhere' });
      await waitForCondition(cluster.kube, 'Stalled', 'True', 'InvalidSpec');
      await deleteRelease();
      expect(await revisionsOf(other.kube)).toEqual([]);
    } finally {
      await other.close();
    }
  });

  test('a kubeconfig that would run a command here is refused', async () => {
    const config =
      'clusters: [{name: a, cluster: {server: "https://127.0.0.1:1"}}]\nusers: [{name: a, user: {exec: {command: sh}}}]\n';
    await create(resources.secrets, 'other', { data: { value: Buffer.from(config).toString('base64') } });
    await applyRelease(cluster.kube, { kubeConfig: { secretRef: { name: 'other' } } });
    await waitForCondition(cluster.kube, 'Ready', 'False', 'RESTClientError');
    expect(await messageOf()).toContain('"exec" is not allowed here');
  });
});
