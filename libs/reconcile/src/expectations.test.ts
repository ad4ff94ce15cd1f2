import { type KubeObject, resources } from '@sluice/model';
import { expect, test } from 'vitest';
import { Expectations } from './expectations.ts';
import type { CacheEvent } from './object-cache.ts';

const pod = (uid: string): KubeObject => ({
  apiVersion: 'v1',
  kind: resources.pods.kind,
  metadata: { name: uid, uid },
});

function source() {
  let listener: (event: CacheEvent) => void = () => {};
  return {
    subscribe: (wanted: (event: CacheEvent) => void) => ((listener = wanted), () => {}),
    emit: (event: CacheEvent) => listener(event),
  };
}

test('a created child is waited for until the cache shows it', () => {
  const informer = source();
  const expectations = new Expectations(informer);
  expectations.created('o', pod('1'));
  expectations.created('o', pod('2'));
  informer.emit({ type: 'added', object: pod('1'), initial: false });
  expect(expectations.satisfied('o')).toBe(false);
  informer.emit({ type: 'added', object: pod('2'), initial: false });
  expect(expectations.satisfied('o')).toBe(true);
});

test('an echo that came before the answer is not waited for', () => {
  const informer = source();
  const expectations = new Expectations(informer);
  informer.emit({ type: 'added', object: pod('1'), initial: false });
  informer.emit({ type: 'deleted', object: pod('1'), lastKnown: false });
  expectations.created('o', pod('1'));
  expectations.deleted('o', pod('1'));
  expect(expectations.satisfied('o')).toBe(true);
});

test('a deletion counts as shown once the child is being deleted', () => {
  const informer = source();
  const expectations = new Expectations(informer);
  expectations.deleted('o', pod('1'));
  expect(expectations.satisfied('o')).toBe(false);
  const deleting = { ...pod('1'), metadata: { ...pod('1').metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
  informer.emit({ type: 'updated', object: deleting, previous: pod('1') });
  expect(expectations.satisfied('o')).toBe(true);
});

test('what never shows is dropped after its time', () => {
  let now = 0;
  const expectations = new Expectations(source(), { timeoutMs: 1_000, now: () => now });
  expectations.created('o', pod('1'));
  now = 999;
  expect(expectations.satisfied('o')).toBe(false);
  now = 1_000;
  expect(expectations.satisfied('o')).toBe(true);
});
