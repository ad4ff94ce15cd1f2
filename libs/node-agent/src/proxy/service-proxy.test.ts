import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { resources } from '@sluice/model';
import { FakeKube } from '@sluice/reconcile/testing';
import { silentLog } from '@sluice/runtime';
import type { Running } from '@sluice/runtime';
import { afterEach, expect, test } from 'vitest';
import { inTurn, listensOf, targetsOf } from './endpoint-table.ts';
import { startServiceProxy } from './service-proxy.ts';

const metadata = { name: 'web', namespace: 'default' };
const clusterIP = '127.96.77.7';
const open: { close: () => unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** A server that greets with its name and then echoes. */
async function backend(ip: string, port = 0): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.write(`${ip}\n`);
    socket.pipe(socket);
  });
  server.listen(port, ip);
  await once(server, 'listening');
  open.push(server);
  return { server, port: (server.address() as { port: number }).port };
}

function service(port: number, clusterIp = clusterIP) {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: { clusterIP: clusterIp, ports: [{ name: 'http', port }] },
  };
}

type Condition = { ready?: boolean; serving?: boolean; terminating?: boolean };
function slice(port: number, endpoints: readonly (readonly [string, Condition])[]) {
  const labels = { 'kubernetes.io/service-name': 'web' };
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...metadata, name: 'web-1', labels },
    ports: [{ name: 'http', port }],
    endpoints: endpoints.map(([ip, conditions]) => ({ addresses: [ip], conditions })),
  };
}

async function start(kube: FakeKube): Promise<Running> {
  const proxy = await startServiceProxy({ kube, log: silentLog, retryMs: 50 });
  open.push(proxy);
  return proxy;
}

async function dial(port: number): Promise<Socket> {
  const socket = connect(port, clusterIP);
  socket.on('error', () => {});
  open.push({ close: () => socket.destroy() });
  await once(socket, 'connect');
  return socket;
}

async function greeting(port: number): Promise<string> {
  const socket = await dial(port);
  const [chunk] = (await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => ['closed'])])) as [
    unknown,
  ];
  socket.destroy();
  return String(chunk).trim();
}

const ready = { ready: true };

test('new connections go round the ready endpoints, and a refused one is passed over', async () => {
  const first = await backend('127.64.77.1');
  await backend('127.64.77.2', first.port);
  const kube = new FakeKube();
  const port = first.port + 1;
  kube.put(resources.services, service(port));
  kube.put(
    resources.endpointSlices,
    slice(first.port, [
      ['127.64.77.1', ready],
      ['127.64.77.2', ready],
      ['127.64.77.3', ready],
    ]),
  );
  await start(kube);
  await expect.poll(() => greeting(port).catch(() => '')).toMatch(/127/);
  const seen = new Map<string, number>();
  for (let i = 0; i < 12; i++) {
    const ip = await greeting(port);
    seen.set(ip, (seen.get(ip) ?? 0) + 1);
  }
  expect([...seen.keys()].sort()).toEqual(['127.64.77.1', '127.64.77.2']);
});

test('an open connection lives on while its endpoint goes, new ones go elsewhere', async () => {
  const first = await backend('127.64.77.1');
  await backend('127.64.77.2', first.port);
  const kube = new FakeKube();
  const port = first.port + 1;
  kube.put(resources.services, service(port));
  kube.put(resources.endpointSlices, slice(first.port, [['127.64.77.1', ready]]));
  await start(kube);
  await expect.poll(() => greeting(port).catch(() => '')).toBe('127.64.77.1');
  const old = await dial(port);
  await once(old, 'data');
  const ending = { ready: false, serving: true, terminating: true };
  kube.put(
    resources.endpointSlices,
    slice(first.port, [
      ['127.64.77.1', ending],
      ['127.64.77.2', ready],
    ]),
  );
  await expect.poll(() => greeting(port)).toBe('127.64.77.2');
  old.write('still there\n');
  expect(String((await once(old, 'data'))[0])).toBe('still there\n');
});

test('without endpoints a connection is closed at once', async () => {
  const kube = new FakeKube();
  const { port, server } = await backend(clusterIP);
  server.close();
  await once(server, 'close');
  kube.put(resources.services, service(port));
  await start(kube);
  await expect
    .poll(() => greeting(port).catch((error: NodeJS.ErrnoException) => error.code))
    .toMatch(/^(closed|ECONNRESET)$/);
});

test('a service that goes is no longer listened for', async () => {
  const one = await backend('127.64.77.1');
  const kube = new FakeKube();
  const port = one.port + 1;
  kube.put(resources.services, service(port));
  kube.put(resources.endpointSlices, slice(one.port, [['127.64.77.1', ready]]));
  await start(kube);
  await expect.poll(() => greeting(port).catch(() => '')).toBe('127.64.77.1');
  await kube.delete(resources.services, metadata);
  await expect.poll(() => greeting(port).catch((error: NodeJS.ErrnoException) => error.code)).toBe('ECONNREFUSED');
});

test('a port that is taken is tried again and told in an event', async () => {
  const kube = new FakeKube();
  const taken = await backend(clusterIP);
  kube.put(resources.services, service(taken.port));
  await start(kube);
  await expect.poll(() => kube.objects(resources.events).length).toBeGreaterThan(0);
  const target = await backend('127.64.77.1');
  kube.put(resources.endpointSlices, slice(target.port, [['127.64.77.1', ready]]));
  taken.server.close();
  await expect.poll(() => greeting(taken.port).catch(() => '')).toBe('127.64.77.1');
});

test('only loopback cluster IPs and TCP ports are listened on', () => {
  const ports = [
    { name: 'a', port: 80, nodePort: 30_080 },
    { name: 'b', port: 53, protocol: 'UDP' },
  ];
  const spec = (clusterIp: string) => ({ ...service(80), spec: { clusterIP: clusterIp, ports } });
  expect(listensOf(spec(clusterIP))).toEqual([
    { ip: clusterIP, port: 80, portName: 'a' },
    { ip: '127.0.0.1', port: 30_080, portName: 'a' },
  ]);
  expect(listensOf(spec('None'))).toEqual([]);
  expect(listensOf(spec('10.0.0.1'))).toEqual([]);
});

test('endpoints that end are used only when no other is ready', () => {
  const ending = { ready: false, serving: true, terminating: true };
  expect(
    targetsOf(
      [
        slice(80, [
          ['127.64.0.1', ending],
          ['127.64.0.2', ready],
        ]),
      ],
      'http',
    ),
  ).toEqual([{ ip: '127.64.0.2', port: 80 }]);
  expect(
    targetsOf(
      [
        slice(80, [
          ['127.64.0.1', ending],
          ['127.64.0.2', { ready: false }],
        ]),
      ],
      'http',
    ),
  ).toEqual([{ ip: '127.64.0.1', port: 80 }]);
  expect(targetsOf([slice(80, [['127.64.0.1', {}]])], 'other')).toEqual([]);
  expect(inTurn([1, 2, 3], 4)).toEqual([2, 3, 1]);
});
