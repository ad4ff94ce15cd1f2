import { type KubeObject, type Resource, resources } from '@sluice/model';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createInformer, type InformerOptions } from './informer.ts';
import { type KubeApi, KubeApiError, type WatchEvent, type WatchOptions } from './kube-api.ts';
import { fenceWrites } from './leadership.ts';
import { type CacheEvent, labelIndex } from './object-cache.ts';
import { FakeKube } from './testing.ts';

const pods = resources.pods;

function pod(name: string, labels: Record<string, string> = {}, namespace = 'default'): KubeObject {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, labels } };
}

function summary(event: CacheEvent): string {
  return `${event.type} ${event.object.metadata.name}${event.type === 'deleted' && event.lastKnown ? ' (inferred)' : ''}`;
}

function follow(kube: FakeKube, options: Partial<InformerOptions> = {}) {
  const informer = createInformer(kube, { resource: pods, ...options });
  const events: string[] = [];
  informer.subscribe((event) => events.push(summary(event)));
  informer.start();
  return { informer, events };
}

const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe.for(['list', 'stream'] as const)('filled by %s', (initial) => {
  test('shows what is there, then every change once', async () => {
    const kube = new FakeKube();
    kube.put(pods, pod('a'), pod('b'));
    const { informer, events } = follow(kube, { initial });
    expect(informer.hasSynced()).toBe(false);
    await informer.synced();
    await settle();
    await kube.create(pods, pod('c'));
    await kube.patch(
      pods,
      { namespace: 'default', name: 'a' },
      { type: 'merge', body: { metadata: { labels: { x: '1' } } } },
    );
    await kube.delete(pods, { namespace: 'default', name: 'b' });
    await settle();
    expect(events).toEqual(['added a', 'added b', 'added c', 'updated a', 'deleted b']);
    expect(informer.list().map((object) => object.metadata.name)).toEqual(['a', 'c']);
    await informer.close();
    expect(kube.openWatches(pods)).toBe(0);
  });

  test('survives a lost connection without a new list and without losing what happened meanwhile', async () => {
    const kube = new FakeKube();
    kube.put(pods, pod('a'));
    const { informer, events } = follow(kube, { initial });
    await informer.synced();
    await settle();
    const lists = kube.count('list');
    kube.dropWatches(new Error('socket hang up'));
    kube.put(pods, pod('b'));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(events).toEqual(['added a', 'added b']);
    expect(kube.count('list')).toBe(lists);
    await informer.close();
  });
});

test('falls back to a list where the server refuses initial events', async () => {
  const kube = new FakeKube();
  kube.put(pods, pod('a'));
  kube.fail({ verb: 'watch', error: new KubeApiError(422, 'Invalid', 'sendInitialEvents is forbidden') });
  const { informer, events } = follow(kube, { initial: 'stream' });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(informer.hasSynced()).toBe(true);
  expect(events).toEqual(['added a']);
  await informer.close();
});

test('lists again after 410 and infers what was deleted', async () => {
  const kube = new FakeKube();
  kube.put(pods, pod('a'), pod('b'));
  const { informer, events } = follow(kube);
  await informer.synced();
  await settle();
  kube.dropWatches();
  await kube.delete(pods, { namespace: 'default', name: 'a' });
  kube.put(pods, pod('c'));
  kube.expireHistory();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(events).toEqual(['added a', 'added b', 'added c', 'deleted a (inferred)']);
  expect(kube.count('list')).toBe(2);
  await informer.close();
});

test('an object made anew under its old name is a deletion and an addition', async () => {
  const kube = new FakeKube();
  kube.put(pods, pod('a'));
  const { informer, events } = follow(kube);
  await informer.synced();
  await settle();
  kube.dropWatches();
  await kube.delete(pods, { namespace: 'default', name: 'a' });
  kube.put(pods, pod('a'));
  kube.expireHistory();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(events).toEqual(['added a', 'deleted a (inferred)', 'added a']);
  await informer.close();
});

test('goes on for ever with growing waits while the server fails, then recovers', async () => {
  const kube = new FakeKube();
  kube.put(pods, pod('a'));
  kube.fail({ verb: 'list', times: 8, error: new Error('connect ECONNREFUSED') });
  const errors: unknown[] = [];
  const { informer } = follow(kube, { onError: (error) => errors.push(error), maxBackoffMs: 5_000 });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(informer.hasSynced()).toBe(true);
  expect(errors).toHaveLength(8);
  await informer.close();
});

test('obeys Retry-After', async () => {
  const kube = new FakeKube();
  kube.fail({ verb: 'list', error: new KubeApiError(429, 'TooManyRequests', 'later', undefined, 7_000) });
  const { informer } = follow(kube);
  await vi.advanceTimersByTimeAsync(6_900);
  expect(informer.hasSynced()).toBe(false);
  await vi.advanceTimersByTimeAsync(200);
  expect(informer.hasSynced()).toBe(true);
  await informer.close();
});

test('reads big collections in pages', async () => {
  const kube = new FakeKube();
  kube.put(pods, ...Array.from({ length: 25 }, (_, i) => pod(`p${i}`)));
  const { informer } = follow(kube, { pageSize: 10 });
  await informer.synced();
  expect(informer.list()).toHaveLength(25);
  expect(kube.count('list')).toBe(3);
  await informer.close();
});

test('a list that the server forgets between two pages is asked for in one piece', async () => {
  const kube = new FakeKube();
  kube.put(pods, ...Array.from({ length: 25 }, (_, i) => pod(`p${i}`)));
  kube.fail({ verb: 'list', nth: 2, error: new KubeApiError(410, 'Expired', 'the continue token is too old') });
  const { informer } = follow(kube, { pageSize: 10 });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(informer.list()).toHaveLength(25);
  expect(kube.count('list')).toBe(3);
  await informer.close();
});

test('versions are handed back as they came, whatever they look like', async () => {
  const kube = new FakeKube();
  const asked: (string | undefined)[] = [];
  const shuffled = (object: KubeObject, resourceVersion: string): KubeObject => ({
    ...object,
    metadata: { ...object.metadata, uid: 'u', resourceVersion },
  });
  const opaque: KubeApi = {
    ...fenceWrites(kube, () => new AbortController().signal),
    list: async <T extends KubeObject>() => ({ items: [shuffled(pod('a'), 'zz') as T], resourceVersion: 'zz' }),
    async *watch<T extends KubeObject>(_: Resource, { resourceVersion }: WatchOptions): AsyncGenerator<WatchEvent<T>> {
      asked.push(resourceVersion);
      if (asked.length > 2) await new Promise(() => {});
      // A later version that sorts before the earlier one.
      yield { type: 'MODIFIED', object: shuffled(pod('a', { seen: 'yes' }), '0b') as T };
    },
  };
  const informer = createInformer(opaque, { resource: pods });
  informer.start();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked.slice(0, 2)).toEqual(['zz', '0b']);
  expect(informer.get({ namespace: 'default', name: 'a' })?.metadata.labels).toEqual({ seen: 'yes' });
});

test('finds objects by namespace, owner, label and own indexes', async () => {
  const kube = new FakeKube();
  const ownerReferences = [{ apiVersion: 'v1', kind: 'Job', name: 'j', uid: 'u1' }];
  kube.put(pods, pod('a', { app: 'x' }), {
    ...pod('b', {}, 'other'),
    metadata: { name: 'b', namespace: 'other', ownerReferences },
  });
  const { informer } = follow(kube, { indexes: { app: labelIndex('app') } });
  await informer.synced();
  informer.addIndexes({ initial: (object) => [object.metadata.name.slice(0, 1)] });
  const names = (objects: readonly KubeObject[]) => objects.map((object) => object.metadata.name);
  expect(names(informer.list('other'))).toEqual(['b']);
  expect(names(informer.byIndex('owner', 'u1'))).toEqual(['b']);
  expect(names(informer.byIndex('app', 'x'))).toEqual(['a']);
  expect(names(informer.byIndex('initial', 'b'))).toEqual(['b']);
  expect(() => informer.byIndex('nosuch', '')).toThrow('no index "nosuch"');
  await settle();
  await kube.patch(
    pods,
    { namespace: 'default', name: 'a' },
    { type: 'merge', body: { metadata: { labels: { app: 'y' } } } },
  );
  await settle();
  expect(names(informer.byIndex('app', 'x'))).toEqual([]);
  expect(names(informer.byIndex('app', 'y'))).toEqual(['a']);
  await informer.close();
});

test('cached objects are frozen and carry no managedFields', async () => {
  const kube = new FakeKube();
  kube.put(pods, { ...pod('a'), metadata: { name: 'a', namespace: 'default', managedFields: [{ manager: 'm' }] } });
  const { informer } = follow(kube);
  await informer.synced();
  const object = informer.get({ namespace: 'default', name: 'a' });
  expect(object?.metadata.managedFields).toBeUndefined();
  expect(Object.isFrozen(object?.metadata)).toBe(true);
  await informer.close();
});

test('a listener that throws harms neither the others nor the informer', async () => {
  const kube = new FakeKube();
  kube.put(pods, pod('a'));
  const errors: unknown[] = [];
  const informer = createInformer(kube, { resource: pods, onError: (error) => errors.push(error) });
  const heard: string[] = [];
  informer.subscribe(() => {
    throw new Error('listener');
  });
  informer.subscribe((event) => heard.push(summary(event)));
  informer.start();
  await informer.synced();
  expect(heard).toEqual(['added a']);
  expect(errors).toHaveLength(1);
  await informer.close();
});

test('a connection that falls silent after bookmarks is given up and made anew', async () => {
  const kube = new FakeKube();
  const { informer } = follow(kube, { initial: 'stream' });
  await informer.synced();
  await settle();
  const before = kube.count('watch');
  await vi.advanceTimersByTimeAsync(11 * 60_000);
  expect(kube.count('watch')).toBeGreaterThan(before);
  await informer.close();
});

test('waiting for the first list ends with the signal', async () => {
  const kube = new FakeKube();
  const informer = createInformer(kube, { resource: pods });
  const cancel = new AbortController();
  const waiting = informer.synced(cancel.signal);
  cancel.abort(new Error('shutting down'));
  await expect(waiting).rejects.toThrow('shutting down');
  await informer.close();
});
