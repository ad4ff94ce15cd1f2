import { readFile, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { findCondition } from '@sluice/model';
import type { Running } from '@sluice/runtime';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  applyRelease,
  applySource,
  configMapChart,
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

describe.skipIf(!helmBinary)('bad input, with a real helm (needs linux x64, or helm 4 on PATH)', () => {
  let cluster: Cluster;
  let operator: Running | undefined;

  beforeEach(async () => {
    cluster = await startCluster();
  });
  afterEach(async () => {
    await operator?.close();
    await cluster.close();
  });

  const readyMessage = async (): Promise<string> =>
    findCondition((await getRelease(cluster.kube)).status?.conditions, 'Ready')?.message ?? '';

  test('values that break the schema of the chart name the value, and nothing is stored until they are mended', async () => {
    operator = await cluster.startOperator();
    const schema = JSON.stringify({ type: 'object', properties: { color: { type: 'string', enum: ['red', 'blue'] } } });
    await applySource(cluster.kube, await cluster.push({ ...configMapChart, 'values.schema.json': schema }, '1.0.0'));
    await applyRelease(cluster.kube, { values: { color: 'green' } });
    await waitForCondition(cluster.kube, 'Ready', 'False', 'InstallFailed');
    expect(await readyMessage()).toMatch(/schema[^]*color/);
    expect(await revisionsOf(cluster.kube)).toEqual([]);
    await applyRelease(cluster.kube, { values: { color: 'blue' } });
    await waitForCondition(cluster.kube, 'Ready', 'True', 'InstallSucceeded');
  });

  test('a CRD that the cluster refuses is said by name, and the release stays what it was', async () => {
    operator = await cluster.startOperator();
    await applySource(cluster.kube, await cluster.push(configMapChart, '1.0.0'));
    await applyRelease(cluster.kube, { upgrade: { crds: 'CreateReplace' } });
    await waitForCondition(cluster.kube, 'Ready', 'True');
    const crd = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'things.demo.example' },
      spec: { group: 'other.example', scope: 'Namespaced', names: { plural: 'things', kind: 'Thing' }, versions: [] },
    };
    const broken = { ...configMapChart, 'crds/thing.yaml': JSON.stringify(crd) };
    await applySource(cluster.kube, await cluster.push(broken, '2.0.0'));
    await eventually(async () => ((await readyMessage()).includes('things.demo.example') ? true : undefined));
    expect(await revisionsOf(cluster.kube)).toEqual(['v1 deployed']);
    await applySource(cluster.kube, await cluster.push(configMapChart, '3.0.0'));
    await waitForCondition(cluster.kube, 'Ready', 'True', 'UpgradeSucceeded');
  });

  test('an API server that helm loses in the middle of an upgrade leaves no stuck release', async () => {
    const link = await startLink(cluster);
    operator = await cluster.startOperator({ kubeconfig: link.kubeconfig });
    try {
      await applySource(cluster.kube, await cluster.push(configMapChart, '1.0.0'));
      await applyRelease(cluster.kube, { timeout: '3s' });
      await waitForCondition(cluster.kube, 'Ready', 'True', 'InstallSucceeded');
      const strategy = { name: 'RetryOnFailure', retryInterval: '1s' };
      await applyRelease(cluster.kube, { timeout: '3s', upgrade: { strategy } });
      await applySource(cluster.kube, await cluster.push(stuckChart, '2.0.0'));
      await eventually(async () =>
        (await revisionsOf(cluster.kube)).includes('v2 pending-upgrade') ? true : undefined,
      );
      link.cut();
      await eventually(async () => (/failed/i.test(await readyMessage()) ? true : undefined), 40_000);
      link.mend();
      await makeReady(cluster.kube);
      await eventually(
        async () => ((await revisionsOf(cluster.kube)).at(-1)?.endsWith('deployed') ? true : undefined),
        40_000,
      );
      await waitForCondition(cluster.kube, 'Ready', 'True');
      expect((await revisionsOf(cluster.kube)).filter((revision) => revision.includes('pending'))).toEqual([]);
    } finally {
      await operator.close();
      operator = undefined;
      link.close();
    }
  }, 120_000);
});

/** A connection to the API server that can be cut, with the kubeconfig that leads through it. */
async function startLink({ kubeconfig, scratch }: Cluster) {
  const text = await readFile(kubeconfig, 'utf8');
  const port = Number(/server: "?https:\/\/127\.0\.0\.1:(\d+)/.exec(text)?.[1]);
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((client) => {
    if (isCut) return void client.destroy();
    const upstream = connect(port, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => sockets.delete(socket));
    }
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const path = join(scratch, 'kubeconfig-link');
  const own = (server.address() as AddressInfo).port;
  await writeFile(path, text.replace(`127.0.0.1:${port}`, `127.0.0.1:${own}`), { mode: 0o600 });
  const drop = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    kubeconfig: path,
    cut: () => {
      isCut = true;
      drop();
    },
    mend: () => void (isCut = false),
    close: () => {
      drop();
      server.close();
    },
  };
}
