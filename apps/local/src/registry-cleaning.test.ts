import { silentLog } from '@sluice/runtime';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startRegistryCleaning } from './registry-cleaning.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const minuteMs = 60_000;

test('the registry is cleaned some minutes after the start and then every six hours, also after a failure', async () => {
  let calls = 0;
  const collectGarbage = () => {
    calls++;
    if (calls === 1) return Promise.reject(new Error('disk gone'));
    return Promise.resolve({ manifests: 0, blobs: 1, bytes: 1 });
  };
  const cleaning = startRegistryCleaning({ collectGarbage }, silentLog);
  await vi.advanceTimersByTimeAsync(9 * minuteMs);
  expect(calls).toBe(0);
  await vi.advanceTimersByTimeAsync(minuteMs);
  expect(calls).toBe(1);
  await vi.advanceTimersByTimeAsync(360 * minuteMs);
  expect(calls).toBe(2);
  await cleaning.close();
  await vi.advanceTimersByTimeAsync(720 * minuteMs);
  expect(calls).toBe(2);
});

test('closing waits for the cleaning that is under way', async () => {
  const { promise, resolve } = Promise.withResolvers<{ manifests: number; blobs: number; bytes: number }>();
  const cleaning = startRegistryCleaning({ collectGarbage: () => promise }, silentLog);
  await vi.advanceTimersByTimeAsync(10 * minuteMs);
  let closed = false;
  const closing = cleaning.close().then(() => (closed = true));
  await vi.advanceTimersByTimeAsync(1);
  expect(closed).toBe(false);
  resolve({ manifests: 0, blobs: 0, bytes: 0 });
  await closing;
  expect(closed).toBe(true);
});
