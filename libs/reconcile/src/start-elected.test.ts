import { type KubeObject, resources } from '@sluice/model';
import { Closers, silentLog } from '@sluice/runtime';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { KubeApi } from './kube-api.ts';
import { NotLeaderError } from './leadership.ts';
import type { Lease } from './lease-record.ts';
import { electionSettings, startElected } from './start-elected.ts';
import { FakeKube } from './testing.ts';

const lease = { namespace: 'sluice', name: 'controller' };
const pod: KubeObject = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'default' } };
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const holder = (kube: FakeKube) => kube.object<Lease>(resources.leases, lease).spec?.holderIdentity ?? '';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A replica that notes what happens to it. */
async function replica(kube: FakeKube, name: string, settings: { lease: typeof lease | undefined } = { lease }) {
  const log: string[] = [];
  const closers = new Closers();
  let work: KubeApi = kube;
  await startElected(
    { ...settings, replica: name },
    {
      kube,
      log: silentLog,
      closers,
      fail: ({ message }) => void log.push(message),
      async start(fenced) {
        work = fenced;
        log.push('works');
        return { close: async () => void log.push(`closes while ${holder(kube).split('_')[0]} holds the lease`) };
      },
    },
  );
  return { log, close: () => closers.close(), write: () => work.create(resources.pods, pod) };
}

test('without a lease the work starts at once', async () => {
  const { log } = await replica(new FakeKube(), 'a', { lease: undefined });
  expect(log).toEqual(['works']);
});

test('one replica works, the other when the first has closed and given the lease back', async () => {
  const kube = new FakeKube();
  const a = await replica(kube, 'a');
  await pass(10);
  const b = await replica(kube, 'b');
  await pass(30_000);
  expect([a.log, b.log]).toEqual([['works'], []]);
  await a.close();
  expect(a.log).toEqual(['works', 'closes while a holds the lease']);
  await pass(5_000);
  expect(b.log).toEqual(['works']);
  await b.close();
});

test('a replica that loses the lease says so and can write no more', async () => {
  const kube = new FakeKube();
  const a = await replica(kube, 'a');
  await pass(10);
  await a.write();
  await kube.patch(resources.leases, lease, { type: 'merge', body: { spec: { holderIdentity: 'b' } } });
  await pass(2_500);
  expect(a.log).toEqual(['works', 'the lease sluice/controller was lost: HeldByAnother']);
  await expect(a.write()).rejects.toThrow(NotLeaderError);
  await a.close();
});

test('one that stands by closes without ever working', async () => {
  const kube = new FakeKube();
  const a = await replica(kube, 'a');
  await pass(10);
  const b = await replica(kube, 'b');
  await b.close();
  await a.close();
  await pass(60_000);
  expect(b.log).toEqual([]);
});

test('a lease must be a namespace and a name', () => {
  expect(electionSettings.lease.read('sluice/controller')).toEqual({ value: lease });
  expect(electionSettings.lease.read('controller')).toMatchObject({ wrong: expect.stringContaining('sluice/') });
});
