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
  revisionsOf,
  startCluster,
  waitForCondition,
  type Cluster,
  type Data,
} from './cluster.ts';

const configKey = { namespace: 'apps', name: 'demo-config' };
const hook = `apiVersion: v1
kind: ConfigMap
metadata:
  name: demo-hook
  annotations: { helm.sh/hook: post-install }
data: { color: none }
`;

describe.skipIf(!helmBinary)('what is delivered, with a real helm (needs linux x64, or helm 4 on PATH)', () => {
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

  const install = async (spec: JsonObject, files: Readonly<Record<string, string>> = configMapChart): Promise<void> => {
    await applySource(cluster.kube, await cluster.push(files, '1.0.0'));
    await applyRelease(cluster.kube, spec);
    await waitForCondition(cluster.kube, 'Ready', 'True', 'InstallSucceeded');
  };
  const config = (name = 'demo-config') => cluster.kube.get<Data>(resources.configMaps, { ...configKey, name });
  const setColor = (color: string) =>
    cluster.kube.patch(resources.configMaps, configKey, { type: 'merge', body: { data: { color } } });
  let asked = 0;
  const lookAgain = async (): Promise<void> => {
    const value = String(++asked);
    const body = { metadata: { annotations: { 'reconcile.fluxcd.io/requestedAt': value } } };
    await cluster.kube.patch(resources.helmReleases, demoKey, { type: 'merge', body });
    await eventually(async () =>
      (await getRelease(cluster.kube)).status?.lastHandledReconcileAt === value ? true : undefined,
    );
  };
  type Event = KubeObject & { readonly reason: string; readonly message: string };
  const event = (reason: string): Promise<Event> =>
    eventually(async () => {
      const { items } = await cluster.kube.list<Event>(resources.events, { namespace: 'apps' });
      return items.find((item) => item.reason === reason);
    });

  test('drift is corrected, field by field and object by object, without a new revision', async () => {
    await install({ driftDetection: { mode: 'enabled' } });
    await setColor('hacked');
    await lookAgain();
    await waitForCondition(cluster.kube, 'Drifted', 'False', 'DriftCorrected');
    expect((await config())?.data).toEqual({ color: 'red' });
    expect((await event('DriftDetected')).message).toBe('ConfigMap/apps/demo-config differs: replace /data/color');
    await cluster.kube.delete(resources.configMaps, configKey);
    await lookAgain();
    expect((await config())?.data).toEqual({ color: 'red' });
    expect(await revisionsOf(cluster.kube)).toEqual(['v1 deployed']);
    await lookAgain();
    await waitForCondition(cluster.kube, 'Ready', 'True');
  });

  test('drift is only told with mode warn, and an ignored path is none', async () => {
    await install({ driftDetection: { mode: 'warn' } });
    await setColor('hacked');
    await lookAgain();
    await waitForCondition(cluster.kube, 'Drifted', 'True', 'DriftDetected');
    expect((await config())?.data).toEqual({ color: 'hacked' });
    const ignore = [{ paths: ['/data/color'], target: { kind: 'ConfigMap' } }];
    await applyRelease(cluster.kube, { driftDetection: { mode: 'warn', ignore } });
    await waitForCondition(cluster.kube, 'Drifted', 'False', 'NoDriftDetected');
  });

  test('what an overridden field manager added is drift, and what others added is not', async () => {
    await operator.close();
    operator = await cluster.startOperator({ overrideManagers: ['kubectl-edit'] });
    await install({ driftDetection: { mode: 'enabled' } });
    for (const [fieldManager, key] of [
      ['kubectl-edit', 'added'],
      ['autoscaler', 'kept'],
    ] as const) {
      const patch = { type: 'merge', body: { data: { [key]: 'by hand' } } } as const;
      await cluster.kube.patch(resources.configMaps, configKey, patch, { fieldManager });
    }
    await lookAgain();
    await waitForCondition(cluster.kube, 'Drifted', 'False', 'DriftCorrected');
    expect((await config())?.data).toEqual({ color: 'red', kept: 'by hand' });
    expect((await event('DriftDetected')).message).toBe('ConfigMap/apps/demo-config differs: remove /data/added');
  });

  test('post-renderers, common metadata and origin labels reach every object, hooks too', async () => {
    const patch = '- {op: add, path: /data/patched, value: "yes"}';
    const kustomize = { patches: [{ patch, target: { kind: 'ConfigMap', name: 'demo-config' } }] };
    await install(
      { postRenderers: [{ kustomize }], commonMetadata: { labels: { team: 'a' }, annotations: { 'x/y': 'z' } } },
      { ...configMapChart, 'templates/hook.yaml': hook },
    );
    const labels = {
      team: 'a',
      'helm.toolkit.fluxcd.io/name': 'demo',
      'helm.toolkit.fluxcd.io/namespace': 'apps',
    };
    const made = await config();
    expect(made?.data).toEqual({ color: 'red', patched: 'yes' });
    expect(made?.metadata.labels).toMatchObject(labels);
    expect(made?.metadata.annotations).toMatchObject({ 'x/y': 'z' });
    expect((await config('demo-hook'))?.metadata.labels).toMatchObject(labels);
    const digests = (await getRelease(cluster.kube)).status;
    expect(digests?.observedPostRenderersDigest).toMatch(/^sha256:/);
    await applyRelease(cluster.kube, { postRenderers: [{ kustomize }], commonMetadata: { labels: { team: 'b' } } });
    await waitForCondition(cluster.kube, 'Ready', 'True', 'UpgradeSucceeded');
    expect((await config())?.metadata.labels?.['team']).toBe('b');
    expect(await revisionsOf(cluster.kube)).toEqual(['v1 superseded', 'v2 deployed']);
  });

  test('images are replaced, and hooks are left out with nohooks', async () => {
    const pod = `apiVersion: apps/v1
kind: Deployment
metadata: { name: app }
spec:
  replicas: 0
  selector: { matchLabels: { app: a } }
  template:
    metadata: { labels: { app: a } }
    spec: { containers: [{ name: app, image: "nginx:1" }] }
`;
    const files = { ...configMapChart, 'templates/app.yaml': pod, 'templates/hook.yaml': hook };
    const kustomize = { images: [{ name: 'nginx', newName: 'mirror.local/nginx', newTag: '2' }] };
    await install(
      { postRenderers: [{ kustomize }], postRenderStrategy: 'nohooks', install: { disableWait: true } },
      files,
    );
    type App = KubeObject<{
      readonly template: { readonly spec: { readonly containers: readonly { image: string }[] } };
    }>;
    const app = await cluster.kube.get<App>(resources.deployments, { namespace: 'apps', name: 'app' });
    expect(app?.spec?.template.spec.containers[0]?.image).toBe('mirror.local/nginx:2');
    expect((await config('demo-hook'))?.metadata.labels?.['helm.toolkit.fluxcd.io/name']).toBeUndefined();
  });

  test('a patch that does not fit says why, and nothing is installed', async () => {
    const kustomize = {
      patches: [{ patch: '- {op: replace, path: /nothing/there, value: 1}', target: { kind: 'ConfigMap' } }],
    };
    await applySource(cluster.kube, await cluster.push(configMapChart, '1.0.0'));
    await applyRelease(cluster.kube, { postRenderers: [{ kustomize }] });
    const failed = await waitForCondition(cluster.kube, 'Ready', 'False', 'InstallFailed');
    const message = failed.status?.conditions?.find(({ type }) => type === 'Ready')?.message;
    expect(message).toContain('post-rendering failed');
    expect(message).toContain('/nothing/there');
    expect(await config()).toBeUndefined();
  });

  test('the inventory lists what was made, and events carry revision and token and what an upgrade changed', async () => {
    await install({});
    const { status } = await getRelease(cluster.kube);
    expect(status?.inventory).toEqual({ entries: [{ id: 'apps_demo-config__ConfigMap', v: 'v1' }] });
    await applyRelease(cluster.kube, { values: { color: 'blue' } });
    await waitForCondition(cluster.kube, 'Ready', 'True', 'UpgradeSucceeded');
    expect((await event('ReleaseDiff')).message).toBe(
      'revision 1 → 2:\n~ ConfigMap/demo-config data.color: red → blue',
    );
    const { status: after } = await getRelease(cluster.kube);
    expect((await event('UpgradeSucceeded')).metadata.annotations).toEqual({
      'helm.toolkit.fluxcd.io/revision': after?.lastAttemptedRevision,
      'helm.toolkit.fluxcd.io/token': after?.lastAttemptedConfigDigest,
      'helm.toolkit.fluxcd.io/oci-digest': after?.lastAttemptedRevisionDigest,
    });
    expect(after?.lastAttemptedReleaseActionDuration).toMatch(/^\d+s$/);
  });

  test('a release is healthy once its expressions say so, and failed when they say that', async () => {
    const check = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      current: "data.color == 'green'",
      failed: "data.color == 'black'",
    };
    await applySource(cluster.kube, await cluster.push(configMapChart, '1.0.0'));
    await applyRelease(cluster.kube, { timeout: '60s', healthCheckExprs: [check] });
    await eventually(async () => ((await config()) ? true : undefined));
    await eventually(async () => ((await revisionsOf(cluster.kube)).includes('v1 deployed') ? true : undefined));
    expect((await getRelease(cluster.kube)).status?.conditions?.find(({ type }) => type === 'Ready')?.status).not.toBe(
      'True',
    );
    await setColor('green');
    await waitForCondition(cluster.kube, 'Ready', 'True', 'InstallSucceeded');
    await applyRelease(cluster.kube, {
      timeout: '60s',
      healthCheckExprs: [check],
      values: { color: 'black' },
      upgrade: { remediation: { remediateLastFailure: true } },
    });
    const failed = await waitForCondition(cluster.kube, 'Ready', 'False', 'RollbackSucceeded');
    const message = failed.status?.conditions?.find(({ type }) => type === 'Ready')?.message;
    expect(message).toContain("ConfigMap/demo-config has failed: data.color == 'black'");
    expect(await revisionsOf(cluster.kube)).toEqual(['v1 superseded', 'v2 failed', 'v3 deployed']);
  });

  test('readyExpr decides whether a dependency is ready', async () => {
    await applySource(cluster.kube, await cluster.push(configMapChart, '1.0.0'));
    const spec: JsonObject = { interval: '1h', suspend: true, chartRef: { kind: 'OCIRepository', name: 'demo' } };
    const base = { namespace: 'apps', name: 'base' };
    const object = { apiVersion: 'helm.toolkit.fluxcd.io/v2', kind: 'HelmRelease', metadata: base, spec };
    await cluster.kube.create(resources.helmReleases, object as KubeObject);
    const readyExpr = "has(dep.metadata.labels) && dep.metadata.labels['stage'] == 'done'";
    await applyRelease(cluster.kube, { dependsOn: [{ name: 'base', readyExpr }] });
    const waiting = await waitForCondition(cluster.kube, 'Ready', 'False', 'DependencyNotReady');
    expect(waiting.status?.conditions?.find(({ type }) => type === 'Ready')?.message).toContain('does not fulfil');
    const body = { metadata: { labels: { stage: 'done' } } };
    await cluster.kube.patch(resources.helmReleases, base, { type: 'merge', body });
    await waitForCondition(cluster.kube, 'Ready', 'True');
  });
});
