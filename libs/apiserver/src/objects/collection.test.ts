import { expect, test } from 'vitest';
import { Collection } from './collection.ts';
import { type Change, type Entry, toEntry } from './entry.ts';

const entry = (key: string, version: number, text = ''): Entry =>
  toEntry(key, { apiVersion: 'v1', kind: 'T', metadata: { name: key }, spec: text }, version);
const keys = (entries: readonly Entry[] | undefined): string[] | undefined => entries?.map(({ key }) => key);

function fill(limits = { changes: 1_000, characters: 1_000_000 }): Collection {
  const collection = new Collection(10, limits);
  for (const [index, key] of ['b/2', 'a/1', 'a-b/1'].entries()) collection.load(entry(key, index + 1));
  return collection;
}
const add = (collection: Collection, key: string, version: number): void => {
  const previous = collection.get(key);
  collection.apply({ type: previous ? 'MODIFIED' : 'ADDED', entry: entry(key, version), previous });
};
const remove = (collection: Collection, key: string, version: number): void =>
  collection.apply({ type: 'DELETED', entry: entry(key, version), previous: collection.get(key) });

test('lists in key order, whatever the order of arrival', () => {
  const collection = fill();
  expect(keys(collection.list(''))).toEqual(['a-b/1', 'a/1', 'b/2']);
  add(collection, 'a/0', 11);
  expect(keys(collection.list(''))).toEqual(['a-b/1', 'a/0', 'a/1', 'b/2']);
});

test('a prefix takes its own namespace only', () => {
  expect(keys(fill().list('a/'))).toEqual(['a/1']);
});

test('shows an earlier version by taking back what came later', () => {
  const collection = fill();
  add(collection, 'a/2', 11);
  remove(collection, 'a/1', 12);
  add(collection, 'a/2', 13);
  remove(collection, 'a/2', 14);
  add(collection, 'a/1', 15);
  expect(keys(collection.listAt('a/', 10))).toEqual(['a/1']);
  expect(keys(collection.listAt('a/', 11))).toEqual(['a/1', 'a/2']);
  expect(keys(collection.listAt('a/', 12))).toEqual(['a/2']);
  expect(collection.listAt('a/', 12)?.[0]?.version).toBe(11);
  expect(keys(collection.listAt('a/', 14))).toEqual([]);
  expect(collection.listAt('a/', 15)?.[0]?.version).toBe(15);
  expect(keys(collection.listAt('', 13))).toEqual(['a-b/1', 'a/2', 'b/2']);
});

test('knows nothing of the time before it was loaded', () => {
  const collection = fill();
  expect(collection.since(9)).toBeUndefined();
  expect(collection.since(10)).toEqual([]);
  expect(collection.listAt('', 9)).toBeUndefined();
});

test.for([
  { name: 'changes', limits: { changes: 8, characters: 1_000_000 } },
  { name: 'characters', limits: { changes: 1_000, characters: 800 } },
])('forgets the oldest beyond its limit of $name, and says so', ({ limits }) => {
  const collection = fill(limits);
  for (let version = 11; version < 60; version++) add(collection, 'a/x', version);
  expect(collection.since(11)).toBeUndefined();
  const last = collection.since(58);
  expect(last?.map((change) => change.entry.version)).toEqual([59]);
  expect(keys(collection.list('a/'))).toEqual(['a/1', 'a/x']);
});

test('tells listeners of a change after it is visible, until they stop', () => {
  const collection = fill();
  const seen: string[] = [];
  const stop = collection.listen(({ type, entry: { key } }: Change) =>
    seen.push(`${type} ${key} ${collection.get(key) !== undefined}`),
  );
  add(collection, 'a/9', 11);
  remove(collection, 'a/9', 12);
  stop();
  add(collection, 'a/9', 13);
  expect(seen).toEqual(['ADDED a/9 true', 'DELETED a/9 false']);
});
