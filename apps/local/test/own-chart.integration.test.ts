import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testHelmBinary } from '@sluice/helm/testing';
import { type KubeObject, type Resource, resources } from '@sluice/model';
import { silentLog } from '@sluice/runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Local, startLocal } from '../src/local.ts';

const helm = await testHelmBinary();
const chart = new URL('../testdata/ledger', import.meta.url).pathname;
const namespace = 'books';
const books: Resource = { group: 'ledger.test', version: 'v1', plural: 'books', kind: 'Book', namespaced: true };

type Service = KubeObject<{ readonly clusterIP: string }>;
type Claim = KubeObject<{ readonly volumeName: string }, { readonly phase: string }>;
type Deployment = KubeObject<object, { readonly readyReplicas?: number; readonly updatedReplicas?: number }>;

// One story: what a user of helm does with a release, in the order of its life.
describe.skipIf(!helm)('a chart with Deployment, Service, ConfigMap, Job hook, PVC and CRD', () => {
  const root = mkdtempSync(join(tmpdir(), 'sluice-chart-'));
  let local: Local;
  let volume = '';
  beforeAll(async () => {
    const ports = { api: 0, forge: 0, registry: 0, receiver: 0 };
    const config = {
      directory: join(root, 'data'),
      host: '127.0.0.1',
      ports,
      runtime: 'auto',
      env: process.env,
    } as const;
    local = await startLocal(config, { log: silentLog, now: Date.now });
  });
  afterAll(async () => {
    await local.close();
    rmSync(root, { recursive: true, force: true });
  });

  async function run(...args: string[]): Promise<{ readonly code: number; readonly text: string }> {
    const { promise, resolve } = Promise.withResolvers<{ code: number; text: string }>();
    const env = { PATH: '/usr/bin:/bin', HOME: root, KUBECONFIG: local.context.kubeconfig };
    execFile(helm ?? '', [...args, '--namespace', namespace], { env, timeout: 60_000 }, (error, out, err) => {
      resolve({ code: error ? (typeof error.code === 'number' ? error.code : -1) : 0, text: out + err });
    });
    return promise;
  }
  const good = async (...args: string[]): Promise<void> => {
    const { code, text } = await run(...args);
    expect([code, text]).toEqual([0, text]);
  };
  const get = async <T extends KubeObject>(resource: Resource, name = 'ledger'): Promise<T> => {
    const found = await local.kube.get<T>(resource, { namespace, name });
    if (!found) throw new Error(`${resource.kind} ${name} is not there`);
    return found;
  };
  /** From the host, through the proxy address of the Service. */
  const ask = async (): Promise<{ readonly message: string; readonly starts: number }> => {
    const { clusterIP } = (await get<Service>(resources.services)).spec ?? { clusterIP: '' };
    const response = await fetch(`http://${clusterIP}:8080/`, { headers: { connection: 'close' } });
    return (await response.json()) as { message: string; starts: number };
  };
  const data = (name: string): string =>
    readFileSync(join(local.context.kubeconfig, '..', 'volumes', volume, name), 'utf8');

  test('is installed: ready pods behind the Service, a bound claim, a hook that has run, an object of its own kind', async () => {
    await good('install', 'ledger', chart, '--create-namespace', '--wait', '--timeout', '30s');
    expect(await ask()).toEqual({ message: 'one', starts: 1 });
    const claim = await get<Claim>(resources.persistentVolumeClaims);
    expect(claim.status?.phase).toBe('Bound');
    volume = claim.metadata.uid ?? '';
    expect(data('signed')).toBe('one');
    expect(await get(resources.jobs, 'ledger-sign')).toMatchObject({ status: { succeeded: 1 } });
    expect(await get(books)).toMatchObject({ spec: { title: 'one', pages: 100 } });
  });

  test('is upgraded: new pods with the new configuration over the data of the old ones', async () => {
    await good('upgrade', 'ledger', chart, '--set', 'message=two,replicas=2', '--wait', '--timeout', '30s');
    const { message, starts } = await ask();
    expect([message, starts >= 3]).toEqual(['two', true]);
    expect((await get<Deployment>(resources.deployments)).status).toMatchObject({
      updatedReplicas: 2,
      readyReplicas: 2,
    });
    expect(data('signed')).toBe('two');
    expect(await get(books)).toMatchObject({ spec: { title: 'two' } });
  });

  test('an upgrade whose pods do not become ready fails, and the old ones serve on', async () => {
    const values = ['--set', 'message=three,replicas=2,healthy=false'];
    const { code, text } = await run('upgrade', 'ledger', chart, ...values, '--wait', '--timeout', '4s');
    expect([code, text]).toEqual([1, expect.stringMatching(/not ready|deadline|timed out/i)]);
    for (let again = 0; again < 5; again++) expect(await ask()).toMatchObject({ message: 'two' });
  });

  test('is rolled back to what it was', async () => {
    await good('rollback', 'ledger', '1', '--wait', '--timeout', '30s');
    expect(await ask()).toMatchObject({ message: 'one' });
    expect(await get<Deployment>(resources.deployments)).toMatchObject({ status: { updatedReplicas: 1, replicas: 1 } });
    expect(data('signed')).toBe('one');
    expect((await run('history', 'ledger')).text).toMatch(/Rollback to 1/);
  });

  test('is uninstalled: nothing of it is left but the kind, which helm keeps', async () => {
    await good('uninstall', 'ledger', '--wait', '--timeout', '30s');
    for (const resource of [resources.deployments, resources.replicaSets, resources.services, resources.pods, books]) {
      const { items } = await local.kube.list(resource, { namespace });
      // The hook's Job is helm's to keep.
      expect(items.filter(({ metadata }) => !metadata.name.startsWith('ledger-sign'))).toEqual([]);
    }
    await expect.poll(() => existsSync(join(root, 'data', 'volumes', volume))).toBe(false);
    const { items } = await local.kube.list(resources.persistentVolumes);
    expect(items).toEqual([]);
    expect(await local.kube.get(resources.customResourceDefinitions, { name: 'books.ledger.test' })).toBeDefined();
  });
});
