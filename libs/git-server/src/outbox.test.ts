import { silentLog } from '@sluice/runtime';
import { memoryStore } from '@sluice/store/testing';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createForgeState, type ForgeState } from './forge-state.ts';
import { createOutbox, DeliveryRefused, type Outbox, retryDelayMs, type WebhookDelivery } from './outbox.ts';
import type { RepoRecord } from './records.ts';

const repo: RepoRecord = {
  id: 1,
  name: 'hello',
  defaultBranch: 'main',
  createdAt: '2026-01-01T00:00:00Z',
  webhook: { url: 'http://receiver/hooks/x', secret: 's3cret' },
};
let state: ForgeState;
let outbox: Outbox;
let taken: string[];
let answers: (Error | undefined)[];

beforeEach(async () => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) });
  state = createForgeState(memoryStore());
  taken = [];
  answers = [];
  const deliver = async ({ body }: WebhookDelivery): Promise<void> => {
    const answer = answers.shift();
    if (answer) throw answer;
    taken.push(body);
  };
  outbox = createOutbox({ state, deliver, log: silentLog, now: Date.now });
  await state.commit([state.putRepo(repo)]);
});
afterEach(async () => {
  await outbox.close();
  vi.useRealTimers();
});

async function put(...bodies: readonly string[]): Promise<void> {
  for (const body of bodies) {
    const sequence = state.counter('s') + 1;
    const createdAt = new Date().toISOString();
    const delivery = { sequence, repoId: 1, event: 'push', delivery: `d${sequence}`, body, createdAt, attempts: 0 };
    await state.commit([state.putCounter('s', sequence), state.putDelivery(delivery)]);
  }
  outbox.wake(repo);
}

test('what waits is sent in order, also what comes while sending, and is then forgotten', async () => {
  await put('a', 'b');
  await put('c');
  await outbox.idle();
  expect(taken).toEqual(['a', 'b', 'c']);
  expect(state.deliveries(1, 10)).toEqual([]);
});

test('a receiver that is away holds the order up but loses nothing', async () => {
  answers = Array.from({ length: 30 }, () => new Error('connect refused'));
  await put('a', 'b');
  await vi.advanceTimersByTimeAsync(60 * 60_000);
  await outbox.idle();
  expect(taken).toEqual(['a', 'b']);
});

test('a delivery that is refused again and again is given up, kept, and the next one sent', async () => {
  answers = Array.from({ length: 8 }, () => new DeliveryRefused('answered 404'));
  await put('a', 'b');
  await vi.advanceTimersByTimeAsync(10 * 60_000);
  await outbox.idle();
  expect(taken).toEqual(['b']);
  expect(state.deadDeliveries(1, 10)).toMatchObject([{ body: 'a', attempts: 8, givenUp: 'answered 404' }]);
});

test('a delivery older than three days is given up', async () => {
  answers = Array.from({ length: 20_000 }, () => new Error('away'));
  await put('a');
  await vi.advanceTimersByTimeAsync(3 * 24 * 3_600_000 + 60_000);
  await outbox.idle();
  expect(state.deadDeliveries(1, 10)).toMatchObject([{ givenUp: 'away' }]);
});

test('closing stops waiting; what was not taken is still there', async () => {
  answers = [new Error('away')];
  await put('a');
  await vi.advanceTimersByTimeAsync(10);
  await outbox.close();
  expect(state.deliveries(1, 10)).toMatchObject([{ body: 'a' }]);
});

test('the waits grow to half a minute', () => {
  expect([1, 2, 3, 8, 9, 500].map(retryDelayMs)).toEqual([200, 400, 800, 25_600, 30_000, 30_000]);
});
