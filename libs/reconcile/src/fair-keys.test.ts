import { expect, test } from 'vitest';
import { FairKeys } from './fair-keys.ts';
import { TokenBucket } from './token-bucket.ts';

function drain(keys: FairKeys): string[] {
  const order: string[] = [];
  for (let next = keys.take(); next; next = keys.take()) order.push(next.key);
  return order;
}

test('namespaces take turns, however many keys one has', () => {
  const keys = new FairKeys();
  for (const key of ['big/1', 'big/2', 'big/3', 'small/1', 'cluster-wide', 'big/4']) keys.add(key, 0);
  expect(drain(keys)).toEqual(['big/1', 'small/1', 'cluster-wide', 'big/2', 'big/3', 'big/4']);
  expect(keys.size).toBe(0);
});

test('a key waits once and remembers since when', () => {
  const keys = new FairKeys();
  expect([keys.add('a/1', 5), keys.add('a/1', 9)]).toEqual([true, false]);
  expect(keys.since('a/1')).toBe(5);
  expect([keys.delete('a/1'), keys.delete('a/1')]).toEqual([true, false]);
});

test('a bucket lets a burst through, then so many a second', () => {
  let nowMs = 0;
  const bucket = new TokenBucket({ perSecond: 10, burst: 2, now: () => nowMs });
  expect([bucket.reserve(), bucket.reserve(), bucket.reserve(), bucket.reserve()]).toEqual([0, 0, 100, 200]);
  nowMs = 1_000;
  expect([bucket.reserve(), bucket.reserve(), bucket.reserve()]).toEqual([0, 0, 100]);
});
