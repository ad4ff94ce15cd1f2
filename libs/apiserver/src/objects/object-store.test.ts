import { expect, test } from 'vitest';
import type { KubeObject } from '@sluice/model';
import { memoryStore, StoreFullError } from '@sluice/store';
import type { Change } from './entry.ts';
import { type Decide, ObjectStore } from './object-store.ts';

const make = (name: string, spec: unknown = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Thing',
  metadata: { name },
  spec,
});
const put =
  (object: KubeObject): Decide =>
  () => ({ type: 'put', object });

test('a change is visible only once it is committed', async () => {
  const objects = ObjectStore.load(memoryStore());
  const before = objects.version;
  const written = objects.write('things', 'a', put(make('a')));
  expect([objects.collection('things').get('a'), objects.version]).toEqual([undefined, before]);
  const { entry, change } = await written;
  expect(change).toBe('ADDED');
  expect(objects.collection('things').get('a')).toBe(entry);
  expect(objects.version).toBe(entry.version);
  expect(entry.object.metadata.resourceVersion).toBe(String(entry.version));
  expect(JSON.parse(entry.text)).toEqual(entry.object);
});

test('changes appear in the order of their versions, over all resources', async () => {
  const objects = ObjectStore.load(memoryStore());
  const seen: number[] = [];
  for (const id of ['things', 'others']) objects.collection(id).listen(({ entry }: Change) => seen.push(entry.version));
  await Promise.all(
    Array.from({ length: 200 }, (_, index) =>
      objects.write(index % 3 ? 'things' : 'others', `k${index % 20}`, put(make(`k${index % 20}`, index))),
    ),
  );
  expect(seen).toHaveLength(200);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
});

test('a write that fails changes nothing and the next one goes through', async () => {
  const store = memoryStore();
  const objects = ObjectStore.load(store);
  await objects.write('things', 'a', put(make('a', 1)));
  store.fillUp(true);
  await expect(objects.write('things', 'a', put(make('a', 2)))).rejects.toThrow(StoreFullError);
  expect(objects.collection('things').get('a')?.object.spec).toBe(1);
  store.fillUp(false);
  const { entry } = await objects.write('things', 'a', put(make('a', 3)));
  expect(
    objects
      .collection('things')
      .since(entry.version - 1)
      ?.map((change) => change.previous?.object.spec),
  ).toEqual([1]);
});

test('writers of one object take turns and decide on what the one before committed', async () => {
  const objects = ObjectStore.load(memoryStore());
  const increment: Decide = (current) => ({ type: 'put', object: make('n', Number(current?.object.spec ?? 0) + 1) });
  await Promise.all(Array.from({ length: 50 }, () => objects.write('things', 'n', increment)));
  expect(objects.collection('things').get('n')?.object.spec).toBe(50);
});

test('a refusal leaves the lock free', async () => {
  const objects = ObjectStore.load(memoryStore());
  const refuse: Decide = () => {
    throw new Error('no');
  };
  await expect(objects.write('things', 'a', refuse)).rejects.toThrow('no');
  await expect(objects.write('things', 'a', put(make('a')))).resolves.toMatchObject({ change: 'ADDED' });
});

test('an unchanged object is not written, whatever the order of its fields or the times of its managers', async () => {
  const store = memoryStore();
  const objects = ObjectStore.load(store);
  const managed = (time: string, spec: unknown): KubeObject => ({
    ...make('a', spec),
    metadata: { name: 'a', managedFields: [{ manager: 'm', time }] },
  });
  const first = await objects.write('things', 'a', put(managed('1', { x: 1, y: [1, { z: 2 }] })));
  const again = await objects.write('things', 'a', put(managed('2', { y: [1, { z: 2 }], x: 1 })));
  expect([again.change, again.entry]).toEqual(['NONE', first.entry]);
  expect(store.commits).toBe(1);
  expect((await objects.write('things', 'a', put(managed('2', { y: [{ z: 2 }, 1], x: 1 })))).change).toBe('MODIFIED');
});

test('stored objects cannot be changed through a reference', async () => {
  const objects = ObjectStore.load(memoryStore());
  const { entry } = await objects.write('things', 'a', put(make('a', { list: [{ x: 1 }] })));
  expect(() => Object.assign((entry.object.spec as { list: object[] }).list[0] ?? {}, { x: 2 })).toThrow(TypeError);
});

test('loading brings back objects and goes on counting after the last deletion', async () => {
  const store = memoryStore();
  const first = ObjectStore.load(store);
  await first.write('things', 'ns/a', put(make('a')));
  await first.write('others.example.com', 'b', put(make('b')));
  const deleted = await first.write('things', 'ns/a', (current) => ({
    type: 'remove',
    object: current?.object ?? make('a'),
  }));
  const second = ObjectStore.load(store);
  expect(second.version).toBe(deleted.entry.version);
  expect(second.collection('things').list('')).toEqual([]);
  expect(second.collection('others.example.com').get('b')?.object).toEqual(
    first.collection('others.example.com').get('b')?.object,
  );
  const next = await second.write('things', 'ns/c', put(make('c')));
  expect(next.entry.version).toBe(deleted.entry.version + 1);
  expect(second.collection('things').since(deleted.entry.version - 1)).toHaveLength(2);
  expect(second.collection('things').since(deleted.entry.version)).toHaveLength(1);
});

test('a dry run decides and commits nothing', async () => {
  const store = memoryStore();
  const objects = ObjectStore.load(store);
  const { entry, change } = await objects.write('things', 'a', put(make('a')), true);
  expect([change, entry.object.metadata.name, store.commits, objects.collection('things').size]).toEqual([
    'ADDED',
    'a',
    0,
    0,
  ]);
});
