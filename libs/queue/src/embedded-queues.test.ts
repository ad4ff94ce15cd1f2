import type { Result } from '@sluice/model';
import { describe, expect, test, vi } from 'vitest';
import { createEmbeddedQueues } from './embedded-queues.ts';
import { rememberDoneMs } from './queue.ts';
import { fakeKeyValueStore, queueContract } from './testing.ts';

const parse = (data: unknown): Result<{ n: number }> => ({ ok: true, value: data as { n: number } });

describe('the contract', () => {
  test.for(queueContract)('$name', async ({ run }) => {
    const store = fakeKeyValueStore();
    await expect(run({ open: async () => createEmbeddedQueues({ store }) })).resolves.toBeUndefined();
  });
});

test('an add that the store refuses fails, and the id is free again', async () => {
  const store = fakeKeyValueStore();
  const queue = createEmbeddedQueues({ store }).queue('jobs', parse);
  store.failCommits(1, new Error('no space'));
  await expect(queue.add({ n: 1 }, { id: 'a' })).rejects.toThrow('no space');
  expect(await queue.get('a')).toBeUndefined();
  expect(await queue.add({ n: 1 }, { id: 'a' })).toBe('added');
});

test('the end of a job is stored once the store takes it again, and the job does not run twice', async () => {
  vi.useFakeTimers();
  try {
    const store = fakeKeyValueStore();
    const errors: unknown[] = [];
    const queues = createEmbeddedQueues({ store, onError: (error) => errors.push(error) });
    const queue = queues.queue('jobs', parse);
    await queue.add({ n: 1 }, { id: 'a' });
    store.failCommits(3);
    let runs = 0;
    queue.work(async () => void runs++, { concurrency: 1 });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await queue.get('a')).toEqual({ id: 'a', state: 'done', attempts: 1 });
    expect({ runs, errors: errors.length }).toEqual({ runs: 1, errors: 3 });
    await queues.close();
  } finally {
    vi.useRealTimers();
  }
});

test('ids of finished jobs are forgotten after four days, and nothing is left of them', async () => {
  vi.useFakeTimers();
  try {
    const store = fakeKeyValueStore();
    const queues = createEmbeddedQueues({ store });
    const queue = queues.queue('jobs', parse);
    queue.work(async () => {}, { concurrency: 1 });
    await queue.add({ n: 1 }, { id: 'a' });
    await vi.advanceTimersByTimeAsync(rememberDoneMs - 3_600_000);
    expect(await queue.add({ n: 1 }, { id: 'a' })).toBe('duplicate');
    await vi.advanceTimersByTimeAsync(2 * 3_600_000);
    expect(store.size).toBe(0);
    expect(await queue.add({ n: 1 }, { id: 'a' })).toBe('added');
    await queues.close();
  } finally {
    vi.useRealTimers();
  }
});

test('a job costs two commits', async () => {
  const store = fakeKeyValueStore();
  const queue = createEmbeddedQueues({ store }).queue('jobs', parse);
  await queue.add({ n: 1 }, { id: 'a' });
  const done = Promise.withResolvers<void>();
  const worker = queue.work(async () => done.resolve(), { concurrency: 1 });
  await done.promise;
  await worker.close();
  expect(store.commits).toBe(2);
});
