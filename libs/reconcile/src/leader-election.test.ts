import { type KubeObject, type Resource, resources } from '@sluice/model';
import { silentLog } from '@sluice/runtime';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createLeaderElection, type LeaderElectionOptions } from './leader-election.ts';
import type { KubeApi } from './kube-api.ts';
import { fenceWrites, NotLeaderError } from './leadership.ts';
import type { Lease } from './lease-record.ts';
import { createShardedElection, shardOf } from './sharding.ts';
import { FakeKube } from './testing.ts';

const lease = { namespace: 'default', name: 'op' };
const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'default' } };

function stand(kube: KubeApi, identity: string, more: Partial<LeaderElectionOptions> = {}) {
  const lost: string[] = [];
  const election = createLeaderElection({
    kube,
    lease,
    identity,
    log: silentLog,
    random: () => 0.5,
    onLost: (reason) => lost.push(reason),
    ...more,
  });
  election.start();
  return { election, lost };
}

const holder = (kube: FakeKube) => kube.object<Lease>(resources.leases, lease).spec?.holderIdentity;
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('one of two candidates leads, and the other takes over when the lease is given back', async () => {
  const kube = new FakeKube();
  const a = stand(kube, 'a');
  await pass(10);
  const b = stand(kube, 'b');
  await pass(30_000);
  expect([a.election.leading(), b.election.leading()]).toEqual([true, false]);
  await a.election.close();
  expect(holder(kube)).toBe('');
  await pass(4_400);
  expect([a.election.leading(), b.election.leading()]).toEqual([false, true]);
  expect(kube.object<Lease>(resources.leases, lease).spec?.leaseTransitions).toBe(1);
  expect(a.lost).toEqual([]);
  await b.election.close();
});

test('a silent holder is waited for a whole lease, counted from when the candidate saw it last renew', async () => {
  const kube = new FakeKube();
  // The clock of the machine that wrote this is an hour ahead: it must not matter.
  const renewTime = new Date(Date.now() + 3_600_000).toISOString();
  const spec = { holderIdentity: 'gone', leaseDurationSeconds: 15, renewTime };
  kube.put(resources.leases, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: lease, spec });
  const { election } = stand(kube, 'b');
  await pass(14_900);
  expect(election.leading()).toBe(false);
  await pass(3_500);
  expect(election.leading()).toBe(true);
  await election.close();
});

test('a holder that cannot renew stops after its deadline, before anyone else may begin', async () => {
  const kube = new FakeKube();
  const a = stand(kube, 'a');
  await pass(10);
  const term = a.election.term('any');
  kube.fail({ verb: 'get', resource: resources.leases, times: 1_000, error: new Error('no route to host') });
  await pass(9_000);
  expect(a.election.leading()).toBe(true);
  await pass(1_100);
  expect(a.election.leading()).toBe(false);
  expect(term?.aborted).toBe(true);
  expect(a.lost).toEqual(['RenewDeadlinePassed']);
  await a.election.close();
});

test('after a pause without timers the right to write has already ended', async () => {
  const kube = new FakeKube();
  let nowMs = 0;
  const clock = { now: () => nowMs, timer: () => () => {} };
  const { election } = stand(kube, 'a', { clock });
  await pass(0);
  const fenced = election.fence(kube);
  nowMs = 9_999;
  await fenced.create(resources.pods, pod);
  nowMs = 10_000;
  await expect(fenced.delete(resources.pods, lease)).rejects.toThrow(NotLeaderError);
  expect(kube.count('delete')).toBe(0);
  expect(await fenced.get(resources.pods, { namespace: 'default', name: 'p' })).toBeDefined();
  void election.close();
});

test('a holder whose machine slept, with its monotonic clock standing still, stops', async () => {
  const kube = new FakeKube();
  let wallMs = 0;
  const { election, lost } = stand(kube, 'a', { clock: { now: () => 0, timer: () => () => {} }, now: () => wallMs });
  await pass(0);
  expect(election.leading()).toBe(true);
  wallMs = -3_600_000;
  expect(election.leading()).toBe(true);
  wallMs = 10_000;
  await expect(election.fence(kube).create(resources.pods, pod)).rejects.toThrow(NotLeaderError);
  expect(lost).toEqual(['RenewDeadlinePassed']);
  void election.close();
});

test('the right to write is asked again before each attempt of one write', async () => {
  const kube = new FakeKube();
  let nowMs = 0;
  const { election } = stand(kube, 'a', { clock: { now: () => nowMs, timer: () => () => {} } });
  await pass(0);
  const patient: KubeApi = {
    ...clientOf(kube),
    async delete(resource, key, options) {
      options?.fence?.();
      // The server asked for patience, and meanwhile the process was paused.
      nowMs = 60_000;
      await kube.delete(resource, key, options);
    },
  };
  await expect(election.fence(patient).delete(resources.pods, lease)).rejects.toThrow(NotLeaderError);
  expect(kube.count('delete')).toBe(0);
  void election.close();
});

test('an answer to a renewal that comes after the deadline does not count', async () => {
  const kube = new FakeKube();
  let nowMs = 0;
  const create = async <T extends KubeObject>(_: Resource, object: T): Promise<T> => {
    nowMs += 11_000;
    return object;
  };
  const slow = { ...clientOf(kube), create };
  const { election } = stand(slow, 'a', { clock: { now: () => nowMs, timer: () => () => {} } });
  await pass(0);
  expect(election.leading()).toBe(false);
  void election.close();
});

test('a lease that somebody else wrote over is lost at once', async () => {
  const kube = new FakeKube();
  const a = stand(kube, 'a');
  await pass(10);
  await kube.patch(resources.leases, lease, { type: 'merge', body: { spec: { holderIdentity: 'b' } } });
  await pass(2_100);
  expect(a.lost).toEqual(['HeldByAnother']);
  await a.election.close();
  expect(holder(kube)).toBe('b');
});

test('a lease shorter than its renew deadline is refused', () => {
  const options = { kube: new FakeKube(), lease, identity: 'a', log: silentLog, leaseDurationMs: 5_000 };
  expect(() => createLeaderElection(options)).toThrow('must outlast');
});

/** A client of its own, so that a test can replace one of its methods. */
function clientOf(kube: FakeKube): KubeApi {
  return fenceWrites(kube, () => new AbortController().signal);
}

describe('shards', () => {
  test('the shard of a key never changes', () => {
    expect(['default/a', 'default/b', 'kube-system/x'].map((key) => shardOf(key, 8))).toEqual([6, 3, 1]);
    // The published value of FNV-1a.
    expect(shardOf('a', 2 ** 32)).toBe(0xe40c292c);
  });

  test('two replicas share the shards, and one takes all when the other goes', async () => {
    const kube = new FakeKube();
    const replica = (at: number) =>
      createShardedElection({ kube, lease, identity: `r${at}`, log: silentLog, shards: 4, replica: at, replicas: 2 });
    const [first, second] = [replica(0), replica(1)];
    first.start();
    second.start();
    await pass(10_000);
    expect([first.shards(), second.shards()]).toEqual([
      [0, 2],
      [1, 3],
    ]);
    const keys = Array.from({ length: 50 }, (_, at) => `default/k${at}`);
    expect(keys.every((key) => first.owns(key) !== second.owns(key))).toBe(true);
    await first.close();
    await pass(40_000);
    expect(second.shards()).toEqual([0, 1, 2, 3]);
    await second.close();
  });

  test('writes are fenced by the key that is worked on', async () => {
    const kube = new FakeKube();
    const election = createShardedElection({ kube, lease, identity: 'a', log: silentLog, shards: 2 });
    const fenced = election.fence(kube, { namespace: 'default', name: 'x' });
    await expect(fenced.create(resources.pods, pod)).rejects.toThrow(NotLeaderError);
    election.start();
    await pass(10);
    await expect(fenced.create(resources.pods, pod)).resolves.toBeDefined();
    await expect(election.fence(kube).create(resources.pods, pod)).rejects.toThrow('give it');
    await election.close();
  });
});
