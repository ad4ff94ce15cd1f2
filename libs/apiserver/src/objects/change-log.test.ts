import type { KubeObject } from '@sluice/model';
import { memoryStore } from '@sluice/store/testing';
import { expect, test } from 'vitest';
import { ChangeLog } from './change-log.ts';
import { FieldSets, toEntry } from './entry.ts';
import { ObjectStore } from './object-store.ts';

const map = (name: string, value: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  spec: { value },
});

async function put(objects: ObjectStore, name: string, value: string): Promise<number> {
  const { entry } = await objects.write('configmaps', `default/${name}`, () => ({
    type: 'put',
    object: map(name, value),
  }));
  return entry.version;
}

async function remove(objects: ObjectStore, name: string): Promise<number> {
  const { entry } = await objects.write('configmaps', `default/${name}`, (current) => ({
    type: 'remove',
    object: current?.object ?? map(name, ''),
  }));
  return entry.version;
}

function shown(objects: ObjectStore, from: number): readonly string[] | undefined {
  return objects
    .collection('configmaps')
    .since(from)
    ?.map(
      ({ type, entry, previous }) =>
        `${type} ${entry.key} ${entry.version} ${JSON.stringify(previous?.object.spec)} ${JSON.stringify(entry.object.spec)}`,
    );
}

test('a store opened again knows the changes from before, as they were', async () => {
  const store = memoryStore();
  const before = ObjectStore.load(store);
  const start = before.version;
  await put(before, 'a', '1');
  await put(before, 'b', '1');
  const middle = await put(before, 'a', '2');
  await remove(before, 'a');
  await put(before, 'a', '3');
  await put(before, 'b', '2');
  const after = ObjectStore.load(store);
  for (const from of [start, middle]) expect(shown(after, from)).toEqual(shown(before, from));
  expect(shown(after, start)).toHaveLength(6);
  expect(after.collection('configmaps').listAt('', middle)).toEqual(before.collection('configmaps').listAt('', middle));
});

test('a collection without changes is known as far back as the log', async () => {
  const store = memoryStore();
  const before = ObjectStore.load(store);
  const start = before.version;
  await put(before, 'a', '1');
  expect(ObjectStore.load(store).collection('secrets').since(start)).toEqual([]);
  expect(
    ObjectStore.load(store)
      .collection('secrets')
      .since(start - 1),
  ).toBeUndefined();
});

test('the log forgets the oldest changes beyond its limits, and what is older is unknown', async () => {
  const store = memoryStore();
  const log = new ChangeLog({ changes: 3, characters: 100_000 });
  const sets = new FieldSets();
  for (let version = 2; version <= 9; version++) {
    const entry = toEntry('default/a', map('a', String(version)), version, sets);
    const record = log.add('configmaps', { type: 'ADDED', entry, previous: undefined });
    await store.commit(record.operations);
    record.committed();
  }
  expect([...store.range({ gte: 'c/', lt: 'c0' })].map(([key]) => key)).toEqual([
    'c/0000000000000007',
    'c/0000000000000008',
    'c/0000000000000009',
  ]);
});

test('a commit that fails leaves the log as it was', async () => {
  const store = memoryStore();
  const objects = ObjectStore.load(store);
  const start = objects.version;
  await put(objects, 'a', '1');
  store.fillUp(true);
  await expect(put(objects, 'a', '2')).rejects.toThrow('full');
  store.fillUp(false);
  await put(objects, 'a', '3');
  expect(shown(ObjectStore.load(store), start)).toEqual(shown(objects, start));
});

test('changes that another program made without a log make the log worthless', async () => {
  const store = memoryStore();
  const objects = ObjectStore.load(store);
  const start = objects.version;
  const version = await put(objects, 'a', '1');
  const foreign = toEntry('default/b', map('b', '1'), version + 1);
  await store.commit([{ type: 'put', key: 'o/configmaps/default/b', value: Buffer.from(foreign.text) }]);
  const after = ObjectStore.load(store);
  expect(after.collection('configmaps').since(start)).toBeUndefined();
  expect(after.collection('configmaps').since(version + 1)).toEqual([]);
  await put(after, 'a', '2');
  const later = ObjectStore.load(store);
  expect(later.collection('configmaps').since(start)).toBeUndefined();
  expect(shown(later, version + 1)).toEqual(shown(after, version + 1));
});
