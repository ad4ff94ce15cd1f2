import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  findCondition,
  resources,
  type ChartKind,
  type JsonObject,
  type KubeObject,
  type Resource,
} from '@sluice/model';
import type { ChartResource } from '@sluice/release';
import type { Running } from '@sluice/runtime';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { applySource, eventually, helmBinary, startCluster, type Cluster, type Data } from './cluster.ts';

const example = join(import.meta.dirname, '../../../examples/chart-kinds/jenkins');
const jenkinses: Resource = {
  group: 'ci.example.com',
  version: 'v1',
  plural: 'jenkinses',
  kind: 'Jenkins',
  namespaced: true,
};
const key = { namespace: 'apps', name: 'team-a' };

describe.skipIf(!helmBinary)('charts as kinds, with a real helm (needs linux x64, or helm 4 on PATH)', () => {
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

  const chartFiles = async (): Promise<Record<string, string>> => {
    const names = ['Chart.yaml', 'values.yaml', 'values.schema.json', 'templates/app.yaml'];
    return Object.fromEntries(
      await Promise.all(names.map(async (name) => [name, await readFile(join(example, 'chart', name), 'utf8')])),
    ) as Record<string, string>;
  };
  const applyKind = async (change: JsonObject = {}, name = 'jenkins'): Promise<void> => {
    const shipped = parse(await readFile(join(example, 'chart-kind.yaml'), 'utf8')) as KubeObject<JsonObject>;
    const chartRef = { kind: 'OCIRepository', name: 'demo', namespace: 'apps' };
    const object = { ...shipped, metadata: { name }, spec: { ...shipped.spec, chartRef, ...change } };
    await cluster.kube.apply(resources.chartKinds, object, { fieldManager: 'test' });
  };
  const kind = (status: string, reason: string, name = 'jenkins'): Promise<ChartKind> =>
    eventually(async () => {
      const found = await cluster.kube.get<ChartKind>(resources.chartKinds, { name });
      const ready = findCondition(found?.status?.conditions, 'Ready');
      return ready?.status === status && ready.reason === reason ? found : undefined;
    });
  const applyJenkins = async (spec: JsonObject): Promise<void> => {
    const object = { apiVersion: 'ci.example.com/v1', kind: 'Jenkins', metadata: key, spec };
    await cluster.kube.apply(jenkinses, object, { fieldManager: 'test' });
  };
  const jenkins = (status: string, revision?: number): Promise<ChartResource> =>
    eventually(async () => {
      const found = await cluster.kube.get<ChartResource>(jenkinses, key);
      const ready = findCondition(found?.status?.conditions, 'Ready');
      const fits = ready?.status === status && ready.observedGeneration === found?.metadata.generation;
      return fits && (revision === undefined || found?.status?.revision === revision) ? found : undefined;
    });
  const config = () => cluster.kube.get<Data>(resources.configMaps, { namespace: 'apps', name: 'jenkins-team-a' });
  const gone = (resource: Resource, name: string, namespace?: string) =>
    eventually(async () =>
      (await cluster.kube.get(resource, namespace ? { namespace, name } : { name })) ? undefined : true,
    );

  test('a Jenkins object becomes an app, follows changes, and takes the app with it when it is deleted', async () => {
    await applySource(cluster.kube, await cluster.push(await chartFiles(), '1.0.0'));
    await applyKind();
    expect((await kind('True', 'Established')).status).toMatchObject({
      definition: 'jenkinses.ci.example.com',
      schemaSource: 'values.schema.json',
    });
    await applyJenkins({ executors: 3 });
    const made = await jenkins('True', 1);
    expect(made.status).toMatchObject({ release: 'jenkins-team-a', revision: 1 });
    expect(made.status?.chart).toMatch(/^jenkins@1\.0\.0\+/);
    expect((await config())?.data).toMatchObject({ executors: '3', adminEmail: 'ops@example.com' });
    await applyJenkins({ executors: 5, adminEmail: 'a@example.com' });
    await jenkins('True', 2);
    // What the ChartKind overrides wins.
    expect((await config())?.data).toMatchObject({ executors: '5', adminEmail: 'ops@example.com' });
    await cluster.kube.delete(jenkinses, key);
    await gone(jenkinses, 'team-a', 'apps');
    expect(await config()).toBeUndefined();
    expect(await cluster.kube.get(resources.helmReleases, { ...key, name: 'jenkins-team-a' })).toBeUndefined();
  });

  test('values that break the schema are refused when they are written', async () => {
    await applySource(cluster.kube, await cluster.push(await chartFiles(), '1.0.0'));
    await applyKind();
    await kind('True', 'Established');
    await expect(applyJenkins({ executors: 'many' })).rejects.toThrow(/executors/);
  });

  test('a new chart version brings its schema and upgrades the apps', async () => {
    const files = await chartFiles();
    await applySource(cluster.kube, await cluster.push(files, '1.0.0'));
    await applyKind();
    await kind('True', 'Established');
    await applyJenkins({ executors: 1 });
    await jenkins('True', 1);
    const schema = JSON.parse(files['values.schema.json'] ?? '') as { properties: Record<string, unknown> };
    schema.properties['theme'] = { type: 'string', enum: ['dark', 'light'] };
    const next = {
      ...files,
      'values.schema.json': JSON.stringify(schema),
      'Chart.yaml': (files['Chart.yaml'] ?? '').replace('1.0.0', '1.1.0'),
    };
    await applySource(cluster.kube, await cluster.push(next, '1.1.0'));
    const upgraded = await jenkins('True', 2);
    expect(upgraded.status?.chart).toMatch(/^jenkins@1\.1\.0\+/);
    await eventually(async () =>
      applyJenkins({ theme: 'pink' }).then(
        () => undefined,
        (error: Error) => error.message.includes('theme') || undefined,
      ),
    );
  });

  test('a name that somebody else has is left alone, and the condition says whose it is', async () => {
    await applySource(cluster.kube, await cluster.push(await chartFiles(), '1.0.0'));
    await applyKind();
    await kind('True', 'Established');
    await applyKind({}, 'other');
    const refused = await kind('False', 'NameCollision', 'other');
    expect(findCondition(refused.status?.conditions, 'Ready')?.message).toContain('ChartKind jenkins has made');
    const taken = { namespace: 'apps', name: 'jenkins-team-a' };
    const spec = { interval: '1h', suspend: true, chartRef: { kind: 'OCIRepository', name: 'demo' } };
    const release = { apiVersion: 'helm.toolkit.fluxcd.io/v2', kind: 'HelmRelease', metadata: taken, spec };
    await cluster.kube.create(resources.helmReleases, release as KubeObject);
    await applyJenkins({});
    const object = await jenkins('False');
    expect(findCondition(object.status?.conditions, 'Ready')?.reason).toBe('NameTaken');
  });

  test('a kind in use is not removed, and says by whom; the last object gone, it goes', async () => {
    await applySource(cluster.kube, await cluster.push(await chartFiles(), '1.0.0'));
    await applyKind();
    await kind('True', 'Established');
    await applyJenkins({});
    await jenkins('True');
    await cluster.kube.delete(resources.chartKinds, { name: 'jenkins' });
    const held = await kind('False', 'InUse');
    expect(findCondition(held.status?.conditions, 'Ready')?.message).toContain('apps/team-a');
    await cluster.kube.delete(jenkinses, key);
    await gone(jenkinses, 'team-a', 'apps');
    await gone(resources.chartKinds, 'jenkins');
    await gone(resources.customResourceDefinitions, 'jenkinses.ci.example.com');
  });

  test('the objects of a kind are worked on after a restart', async () => {
    await applySource(cluster.kube, await cluster.push(await chartFiles(), '1.0.0'));
    await applyKind();
    await kind('True', 'Established');
    await applyJenkins({ executors: 1 });
    await jenkins('True', 1);
    await operator.close();
    operator = await cluster.startOperator();
    await applyJenkins({ executors: 2 });
    expect((await jenkins('True', 2)).spec).toEqual({ executors: 2 });
  });
});
