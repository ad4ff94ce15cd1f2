import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Workqueue } from './workqueue.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('a key added many times is handed out once', async () => {
  const queue = new Workqueue();
  for (let i = 0; i < 5; i++) queue.add('a');
  queue.add('b');
  expect([await queue.next(), await queue.next()]).toEqual(['a', 'b']);
  expect(queue.depth).toBe(0);
});

test('a key is never handed out while it is being worked on, and again afterwards', async () => {
  const queue = new Workqueue();
  queue.add('a');
  await queue.next();
  queue.add('a');
  queue.add('a');
  expect(queue.depth).toBe(0);
  queue.done('a');
  expect(queue.depth).toBe(1);
  expect(await queue.next()).toBe('a');
  queue.done('a');
  expect(queue.depth).toBe(0);
});

test('backoff doubles from 5 ms to its cap and starts anew after forget', async () => {
  const queue = new Workqueue({ maxDelayMs: 40 });
  const waited: number[] = [];
  for (let i = 0; i < 6; i++) {
    const before = performance.now();
    queue.addRateLimited('a');
    const next = queue.next();
    await vi.runAllTimersAsync();
    await next;
    queue.done('a');
    waited.push(Math.round(performance.now() - before));
    if (i === 4) queue.forget('a');
  }
  expect(waited).toEqual([5, 10, 20, 40, 40, 5]);
});

test('of several delays for a key the soonest counts', async () => {
  const queue = new Workqueue();
  queue.addAfter('a', 1_000);
  queue.addAfter('a', 100);
  queue.addAfter('a', 500);
  await vi.advanceTimersByTimeAsync(99);
  expect(queue.depth).toBe(0);
  await vi.advanceTimersByTimeAsync(1);
  expect(queue.depth).toBe(1);
  expect(queue.delayed).toBe(0);
});

test('a delay beyond what a timer takes is cut, not run at once', async () => {
  const queue = new Workqueue();
  queue.addAfter('a', 400 * 86_400_000);
  await vi.advanceTimersByTimeAsync(86_400_000);
  expect(queue.depth).toBe(0);
});

test('low keys wait for normal ones but are never starved', async () => {
  const queue = new Workqueue();
  queue.add('low', 'low');
  const order: (string | undefined)[] = [];
  for (let i = 0; i < 12; i++) {
    queue.add(`n${i}`);
    const key = await queue.next();
    order.push(key);
    queue.done(key ?? '');
  }
  expect(order.indexOf('low')).toBe(9);
});

test('a low key that is added again as normal moves up', async () => {
  const queue = new Workqueue();
  queue.add('a', 'low');
  queue.add('b', 'low');
  queue.add('b');
  expect(await queue.next()).toBe('b');
});

test('close hands out nothing more and drain waits for what is being worked on', async () => {
  const queue = new Workqueue();
  queue.add('a');
  queue.add('b');
  await queue.next();
  const waiting = queue.next();
  queue.done((await waiting) ?? '');
  const blocked = queue.next();
  queue.close();
  expect(await blocked).toBeUndefined();
  let drained = false;
  const drain = queue.drain().then(() => (drained = true));
  await Promise.resolve();
  expect(drained).toBe(false);
  queue.done('a');
  await drain;
  queue.add('c');
  expect(queue.depth).toBe(0);
});
