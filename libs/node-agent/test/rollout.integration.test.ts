import { connect } from 'node:net';
import { once } from 'node:events';
import { resources } from '@sluice/model';
import { FakeKube } from '@sluice/reconcile/testing';
import { silentLog } from '@sluice/runtime';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Pod } from '../src/pod/pod-spec.ts';
import { startServiceProxy } from '../src/proxy/service-proxy.ts';
import { makePod, PodDriver } from '../src/testing.ts';

const kube = new FakeKube();
const node = process.execPath;
const driver = new PodDriver(kube, { runtime: 'auto', tools: { pathDirectories: [], readOnlyPaths: [node] } });
const clusterIP = '127.96.88.8';
const port = 18_088;
let proxy: Awaited<ReturnType<typeof startServiceProxy>> | undefined;
beforeAll(async () => {
  await driver.start();
  proxy = await startServiceProxy({ kube, log: silentLog });
});
afterAll(async () => {
  await proxy?.close();
  await driver.dispose();
});

const server = `
const server = require('http').createServer((request, response) => response.end(process.env.VERSION));
server.listen(8080, process.env.POD_IP);
process.on('SIGTERM', () => server.close(() => process.exit(0)));`;

function replica(name: string, version: string) {
  const container = {
    command: [node, '-e', server],
    env: [
      { name: 'VERSION', value: version },
      { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
    ],
    readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 },
  };
  return makePod(name).sh('', container).labels({ app: 'web' }).spec({ restartPolicy: 'Always' });
}

/** What the EndpointSlice controller does. */
function publish(pods: readonly Pod[]): void {
  const isReady = (pod: Pod) => pod.status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
  const endpoints = pods.map((pod) => ({ addresses: [pod.status?.podIP ?? ''], conditions: { ready: isReady(pod) } }));
  const labels = { 'kubernetes.io/service-name': 'web' };
  const metadata = { name: 'web-1', namespace: 'default', labels };
  kube.put(resources.endpointSlices, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata,
    ports: [{ name: '', port: 8080 }],
    endpoints,
  } as never);
}

async function request(): Promise<string> {
  const socket = connect(port, clusterIP);
  socket.end('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  let text = '';
  socket.on('data', (chunk) => (text += String(chunk)));
  await once(socket, 'close');
  return text.split('\r\n\r\n')[1]?.replace(/\W/g, '').replace(/^2|0$/g, '') ?? '';
}

test('a rollout behind a Service loses no request', async () => {
  const spec = { clusterIP, selector: { app: 'web' }, ports: [{ port, targetPort: 8080 }] };
  const metadata = { name: 'web', namespace: 'default' };
  kube.put(resources.services, { apiVersion: 'v1', kind: 'Service', metadata, spec } as never);
  const stop = new AbortController();
  const watching = (async () => {
    for await (const _ of kube.watch(resources.pods, { sendInitialEvents: true, signal: stop.signal })) {
      publish(kube.objects<Pod>(resources.pods));
    }
  })();
  const isReady = ({ conditions }: NonNullable<Pod['status']>) =>
    conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
  const old = driver.create(replica('old', 'v1'));
  await driver.until(old, isReady);
  await expect.poll(() => request().catch(() => '')).toContain('v1');

  const answers: string[] = [];
  let loading = true;
  const load = (async () => {
    while (loading) answers.push(await request().catch((error: Error) => error.message));
  })();
  const fresh = driver.create(replica('fresh', 'v2'));
  await driver.until(fresh, isReady);
  driver.delete(old);
  await driver.gone(old);
  await expect.poll(() => answers.at(-1)).toContain('v2');
  loading = false;
  await load;
  expect(answers.filter((answer) => !answer.includes('v1') && !answer.includes('v2'))).toEqual([]);
  expect(answers.length).toBeGreaterThan(10);
  stop.abort();
  await watching;
  driver.delete(fresh);
  await driver.gone(fresh);
});
