import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FakeKube } from '@sluice/reconcile/testing';
import { resources } from '@sluice/model';
import { silentLog } from '@sluice/runtime';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { newPodState } from '../pod/pod-state.ts';
import { makePod } from '../testing/pod-builder.ts';
import { writeAtomically } from '../volume/atomic-directory.ts';
import { PodAddresses } from './addresses.ts';
import { createNodeEvents } from './event-recorder.ts';
import { hostsText } from './hosts-files.ts';
import { buildNode, ensureNode, nodes } from './node-object.ts';
import { readState, writeState } from './state-file.ts';
import { TurnQueue } from './turn-queue.ts';

test('addresses are unique while taken and given back late', () => {
  const addresses = new PodAddresses('127.64');
  const first = addresses.take();
  const second = addresses.take();
  expect([first, second]).toEqual(['127.64.0.1', '127.64.0.2']);
  addresses.release(first);
  expect(addresses.take()).toBe('127.64.0.3');
  expect(addresses.take(first)).toBe(first);
  expect(addresses.take(first)).not.toBe(first);
  expect(addresses.take('10.0.0.1')).toMatch(/^127\.64\./);
});

test('all addresses can be taken, and no more', () => {
  const addresses = new PodAddresses('127.64');
  const seen = new Set(Array.from({ length: 256 * 254 }, () => addresses.take()));
  expect(seen.size).toBe(256 * 254);
  expect(() => addresses.take()).toThrow(/all 65024 pod addresses are in use/);
});

test('a state is read as it was written; a torn one is none', async () => {
  const directory = temporaryDirectory();
  expect(readState(directory)).toBeUndefined();
  const state = { ...newPodState, ip: '127.64.0.1', startedAt: 5 };
  writeState(directory, newPodState);
  writeState(directory, state);
  expect(readState(directory)).toEqual(state);
  const { writeFileSync } = await import('node:fs');
  writeFileSync(join(directory, 'state.json'), '{"version":1,"state":{"ip"');
  expect(readState(directory)).toBeUndefined();
});

test('a thousand pods do not mean a thousand events', async () => {
  const kube = new FakeKube();
  const events = createNodeEvents(kube, silentLog, () => 0);
  for (let i = 0; i < 1_000; i++) events.record(makePod(`p${i}`).build(), 'Normal', 'Started', 'Started');
  await events.close();
  expect(kube.objects(resources.events).length).toBe(30);
});

test('one caller is let through a turn of the loop', async () => {
  const queue = new TurnQueue();
  let turn = 0;
  const tick = (): void => {
    turn++;
    ticker = setImmediate(tick);
  };
  let ticker = setImmediate(tick);
  const turns = await Promise.all([1, 2, 3].map(() => queue.take().then(() => turn)));
  clearImmediate(ticker);
  expect(turns[0]).toBe(0);
  expect(new Set(turns).size).toBe(3);
});

test('hosts name the own Services shortly and all of them in full', () => {
  const service = (name: string, namespace: string, clusterIP: string) => {
    return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec: { clusterIP } };
  };
  const services = [service('web', 'a', '127.96.0.2'), service('db', 'b', '127.96.0.3'), service('head', 'a', 'None')];
  expect(hostsText({ services, slices: [] }, 'a').split('\n').slice(2)).toEqual([
    '127.96.0.2\tweb.a.svc.cluster.local\tweb.a.svc\tweb.a\tweb',
    '127.96.0.3\tdb.b.svc.cluster.local\tdb.b.svc\tdb.b',
    '',
  ]);
});

test('hosts name the ready pods of a headless Service, together and one by one', () => {
  const endpoint = (ip: string, hostname: string, ready: boolean) => {
    return { addresses: [ip], hostname, conditions: { ready } };
  };
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'db-x', namespace: 'a', labels: { 'kubernetes.io/service-name': 'db' } },
    endpoints: [endpoint('127.64.0.1', 'db-0', true), endpoint('127.64.0.2', 'db-1', false)],
  };
  const lines = (namespace: string) =>
    hostsText({ services: [], slices: [slice] }, namespace)
      .split('\n')
      .slice(2, -1);
  expect(lines('a')).toEqual([
    '127.64.0.1\tdb-0.db.a.svc.cluster.local\tdb-0.db.a.svc\tdb-0.db.a\tdb-0.db\tdb.a.svc.cluster.local\tdb.a.svc\tdb.a\tdb',
  ]);
  expect(lines('b')).toEqual([
    '127.64.0.1\tdb-0.db.a.svc.cluster.local\tdb-0.db.a.svc\tdb-0.db.a\tdb.a.svc.cluster.local\tdb.a.svc\tdb.a',
  ]);
});

test('the Node is created once and updated after that', async () => {
  const kube = new FakeKube();
  const describe = (runtime: 'sandbox' | 'process') =>
    buildNode({ name: 'local', runtime, reason: 'asked for', limits: 'kept', hostIp: '127.0.0.1', now: 0 });
  await ensureNode(kube, describe('sandbox'));
  await ensureNode(kube, describe('process'));
  const node = kube.object(nodes, { name: 'local' });
  expect(node.metadata.labels?.['sluice.dev/runtime']).toBe('process');
  expect(JSON.stringify(node.status)).toContain('WITHOUT isolation');
  expect(kube.count('create', nodes)).toBe(1);
});

test('content of a volume is replaced as a whole, and names that are gone vanish', async () => {
  const directory = temporaryDirectory();
  const file = (text: string) => ({ bytes: Buffer.from(text), mode: 0o444 });
  await writeAtomically(
    directory,
    new Map([
      ['a', file('1')],
      ['sub/b', file('2')],
    ]),
    'v1',
  );
  expect(readFileSync(join(directory, 'sub/b'), 'utf8')).toBe('2');
  await writeAtomically(directory, new Map([['a', file('3')]]), 'v2');
  expect(readFileSync(join(directory, 'a'), 'utf8')).toBe('3');
  expect(readdirSync(directory).sort()).toEqual(['..data', '..v2', 'a']);
});
