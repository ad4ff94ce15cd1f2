import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApiServer } from '@sluice/apiserver';
import { startTestApiServer } from '@sluice/apiserver/testing';
import { packageChart } from '@sluice/helm';
import { testHelmBinary, writeChart } from '@sluice/helm/testing';
import { createKubeApi } from '@sluice/kube';
import { findCondition, type HelmRelease, type JsonObject, type KubeObject, resources } from '@sluice/model';
import { createOciClient, pushChart } from '@sluice/oci';
import type { KubeApi } from '@sluice/reconcile';
import { silentLog } from '@sluice/runtime';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Local, startLocal } from '../src/local.ts';

const helmBinary = await testHelmBinary(process.env);
const namespace = 'default';
const chart = { 'templates/all.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: {{ .Release.Name }} }\n' };

describe.skipIf(!helmBinary)('releases of the whole platform (needs linux x64, or helm 4 on PATH)', () => {
  let root: string;
  let local: Local;
  let other: ApiServer;
  let otherKube: KubeApi;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'sluice-clusters-'));
    other = await startTestApiServer();
    otherKube = createKubeApi({ transport: other.handle });
    const ports = { api: 0, forge: 0, registry: 0, receiver: 0 };
    const config = {
      directory: join(root, 'data'),
      host: '127.0.0.1',
      ports,
      runtime: 'auto',
      env: process.env,
    } as const;
    local = await startLocal(config, { log: silentLog, now: Date.now });
    const chartDirectory = await writeChart(join(root, 'chart'), chart);
    const packaged = await packageChart({ binary: helmBinary ?? '', chartDirectory, mtimeSeconds: 1_700_000_000 });
    if (!packaged.ok) throw new Error(packaged.failure.message);
    const url = `oci://${new URL(local.context.registryUrl).host}/charts/demo`;
    const { archive, metadata } = packaged;
    const { digest } = await pushChart(createOciClient(), url, { archive, metadata });
    await create(resources.ociRepositories, 'demo', { spec: { interval: '1h', url, ref: { digest }, insecure: true } });
  }, 60_000);

  afterAll(async () => {
    await local.close();
    await other.close();
    await rm(root, { recursive: true, force: true });
  });

  function create(
    resource: (typeof resources)[keyof typeof resources],
    name: string,
    more: object,
  ): Promise<KubeObject> {
    const apiVersion = resource.group ? `${resource.group}/${resource.version}` : resource.version;
    return local.kube.create(resource, { apiVersion, kind: resource.kind, metadata: { name, namespace }, ...more });
  }
  const release = (name: string, spec: JsonObject): Promise<KubeObject> =>
    create(resources.helmReleases, name, {
      spec: { interval: '1h', chartRef: { kind: 'OCIRepository', name: 'demo' }, ...spec },
    });
  const readyOf = async (name: string): Promise<string> => {
    const object = await local.kube.get<HelmRelease>(resources.helmReleases, { namespace, name });
    const ready = findCondition(object?.status?.conditions, 'Ready');
    return `${ready?.status} ${ready?.reason}: ${ready?.message}`;
  };
  const becomes = (name: string, want: RegExp): Promise<void> =>
    vi.waitFor(async () => expect(await readyOf(name)).toMatch(want), { timeout: 20_000, interval: 50 });

  test('a release with a kubeconfig lands in that cluster, is uninstalled there, and leaves nothing here', async () => {
    const value = Buffer.from(other.kubeconfig()).toString('base64');
    await create(resources.secrets, 'other', { data: { value } });
    await release('far', { kubeConfig: { secretRef: { name: 'other' } } });
    await becomes('far', /^True InstallSucceeded/);
    const key = { namespace, name: 'far' };
    expect(await otherKube.get(resources.configMaps, key)).toBeDefined();
    expect(await local.kube.get(resources.configMaps, key)).toBeUndefined();
    await local.kube.delete(resources.helmReleases, key);
    await vi.waitFor(async () => expect(await local.kube.get(resources.helmReleases, key)).toBeUndefined(), 20_000);
    expect(await otherKube.get(resources.configMaps, key)).toBeUndefined();
  }, 60_000);

  test('a release with a service account has the permissions of that account only', async () => {
    await create(resources.serviceAccounts, 'powerless', {});
    await release('near', { serviceAccountName: 'powerless' });
    await becomes('near', /^False RESTClientError: .*cannot list resource "secrets"/);
    expect(await local.kube.get(resources.configMaps, { namespace, name: 'near' })).toBeUndefined();
  }, 60_000);
});
