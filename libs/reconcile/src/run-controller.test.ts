import { type KubeObject, type ObjectKey, resources, TerminalError } from '@sluice/model';
import { createMetrics, silentLog, type Tracer } from '@sluice/runtime';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Reconcile } from './controller.ts';
import { createInformerSet } from './informer-set.ts';
import { KubeApiError } from './kube-api.ts';
import type { Leadership } from './leadership.ts';
import { ownerKeys, ownerReferenceTo } from './owners.ts';
import { createController, type ControllerOptions, type ReconcileOutcome } from './run-controller.ts';
import { FakeKube } from './testing.ts';

const { jobs, pods } = resources;

function job(name: string): KubeObject {
  return { apiVersion: 'batch/v1', kind: 'Job', metadata: { name, namespace: 'default' } };
}

async function run(kube: FakeKube, reconcile: Reconcile, options: Partial<ControllerOptions> = {}) {
  const outcomes: ReconcileOutcome[] = [];
  const controller = createController({
    name: 'test',
    kube,
    watches: [{ resource: jobs }],
    reconcile,
    log: silentLog,
    onOutcome: (outcome) => outcomes.push(outcome),
    ...options,
  });
  await controller.start();
  await vi.advanceTimersByTimeAsync(0);
  return { controller, outcomes, results: () => outcomes.map(({ result }) => result) };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('looks at every object once the cache has synced, then at what changes', async () => {
  const kube = new FakeKube();
  kube.put(jobs, job('a'), job('b'));
  const seen: string[] = [];
  const { controller } = await run(kube, async ({ name }) => {
    seen.push(name);
    return {};
  });
  expect(seen.toSorted()).toEqual(['a', 'b']);
  await kube.create(jobs, job('c'));
  await vi.advanceTimersByTimeAsync(0);
  expect(seen).toHaveLength(3);
  await controller.close();
});

test('a change of a child leads to its owner', async () => {
  const kube = new FakeKube();
  const parent = kube.put(jobs, job('a'));
  const seen: ObjectKey[] = [];
  const watches = [{ resource: jobs }, { resource: pods, keysOf: ownerKeys('Job', 'batch') }];
  const { controller } = await run(kube, async (key) => (seen.push(key), {}), { watches });
  seen.length = 0;
  const ownerReferences = [ownerReferenceTo(parent)];
  await kube.create(pods, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'default', ownerReferences },
  });
  await kube.create(pods, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'stranger', namespace: 'default' } });
  await vi.advanceTimersByTimeAsync(0);
  expect(seen).toEqual([{ namespace: 'default', name: 'a' }]);
  await controller.close();
});

test('what throws is tried again with backoff until it passes', async () => {
  const kube = new FakeKube();
  kube.put(jobs, job('a'));
  let calls = 0;
  const { controller, results } = await run(kube, async () => {
    if (++calls < 4) throw new Error('not yet');
    return {};
  });
  await vi.advanceTimersByTimeAsync(100);
  expect(results()).toEqual(['error', 'error', 'error', 'done']);
  await controller.close();
});

test('a terminal error is not tried again until the object changes', async () => {
  const kube = new FakeKube();
  kube.put(jobs, job('a'));
  const { controller, results } = await run(kube, async () => {
    throw new TerminalError('BadSpec', 'no');
  });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(results()).toEqual(['terminal']);
  await kube.patch(jobs, { namespace: 'default', name: 'a' }, { type: 'merge', body: { spec: { x: 1 } } });
  await vi.advanceTimersByTimeAsync(0);
  expect(results()).toEqual(['terminal', 'terminal']);
  await controller.close();
});

test('requeueAfterMs brings the key back at its time', async () => {
  const kube = new FakeKube();
  kube.put(jobs, job('a'));
  const { controller, results } = await run(kube, async () => ({ requeueAfterMs: 5_000 }));
  await vi.advanceTimersByTimeAsync(4_999);
  expect(results()).toEqual(['requeue']);
  await vi.advanceTimersByTimeAsync(1);
  expect(results()).toEqual(['requeue', 'requeue']);
  await controller.close();
});

test('a reconcile past its time gets its signal, and its key stays busy until it has ended', async () => {
  const kube = new FakeKube();
  kube.put(jobs, job('a'));
  let running = 0;
  let most = 0;
  const { controller, results } = await run(
    kube,
    async (_key, signal) => {
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => setTimeout(resolve, 1_000)));
      running--;
      throw signal.reason;
    },
    { timeoutMs: 2_000 },
  );
  await vi.advanceTimersByTimeAsync(2_500);
  controller.enqueue({ namespace: 'default', name: 'a' });
  await vi.advanceTimersByTimeAsync(400);
  expect(results()).toEqual([]);
  await vi.advanceTimersByTimeAsync(200);
  expect(results()).toEqual(['timeout']);
  expect(most).toBe(1);
  const closed = controller.close();
  await vi.advanceTimersByTimeAsync(20_000);
  await closed;
});

test('controllers of one set share one watch of a kind', async () => {
  const kube = new FakeKube();
  const informers = createInformerSet(kube);
  const one = await run(kube, async () => ({}), { informers });
  const two = await run(kube, async () => ({}), { informers });
  expect(kube.openWatches(jobs)).toBe(1);
  expect(kube.count('list', jobs)).toBe(1);
  await Promise.all([one.controller.close(), two.controller.close()]);
  expect(kube.openWatches(jobs)).toBe(1);
  await informers.close();
  expect(kube.openWatches(jobs)).toBe(0);
});

test('close waits for the reconcile under way', async () => {
  const kube = new FakeKube();
  kube.put(jobs, job('a'));
  const gate = Promise.withResolvers<void>();
  const { controller, results } = await run(kube, async () => {
    await gate.promise;
    return {};
  });
  let closed = false;
  const closing = controller.close().then(() => (closed = true));
  await vi.advanceTimersByTimeAsync(100);
  expect(closed).toBe(false);
  gate.resolve();
  await closing;
  expect(results()).toEqual(['done']);
});

test('after a refusal that shows a stale cache a key waits for the watch, or half a second', async () => {
  const kube = new FakeKube();
  kube.put(jobs, job('a'));
  let calls = 0;
  const { controller } = await run(kube, async () => {
    if (++calls < 3) throw new KubeApiError(409, 'Conflict', 'changed meanwhile');
    return {};
  });
  expect(calls).toBe(1);
  await vi.advanceTimersByTimeAsync(400);
  expect(calls).toBe(1);
  await kube.patch(
    jobs,
    { namespace: 'default', name: 'a' },
    { type: 'merge', body: { metadata: { labels: { b: 'c' } } } },
  );
  await vi.advanceTimersByTimeAsync(0);
  expect(calls).toBe(2);
  await vi.advanceTimersByTimeAsync(600);
  expect(calls).toBe(3);
  await controller.close();
});

test('a mistake of the program is counted as a panic, and the controller goes on', async () => {
  const kube = new FakeKube();
  kube.put(jobs, job('a'));
  const metrics = await createMetrics();
  let calls = 0;
  const nothing: unknown = undefined;
  const { controller, results } = await run(
    kube,
    async () => (++calls === 1 ? (nothing as { field: object }).field : {}),
    { metrics },
  );
  await vi.advanceTimersByTimeAsync(100);
  expect(results()).toEqual(['error', 'done']);
  const text = await metrics.text();
  expect(text).toContain('controller_runtime_reconcile_panics_total{controller="test"} 1');
  expect(text).toContain('controller_runtime_reconcile_errors_total{controller="test"} 1');
  expect(text).toContain('controller_runtime_reconcile_total{controller="test",result="success"} 1');
  expect(text).toContain('workqueue_retries_total{name="test",controller="test"} 1');
  metrics.close();
  await controller.close();
});

test('works only on the keys it owns, and on all of them when it gains them', async () => {
  const kube = new FakeKube();
  kube.put(jobs, job('a'), job('b'));
  const owned = new Set<string>();
  const end = new AbortController();
  let gained = (): void => {};
  const leadership: Leadership = {
    owns: (key) => owned.has(key),
    term: (key) => (owned.has(key) ? end.signal : undefined),
    onGained: (listener) => ((gained = listener), () => {}),
    fence: (fenced) => fenced,
  };
  const seen: string[] = [];
  const { controller } = await run(kube, async ({ name }) => (seen.push(name), {}), { leadership });
  expect(seen).toEqual([]);
  owned.add('default/b');
  gained();
  await vi.advanceTimersByTimeAsync(0);
  expect(seen).toEqual(['b']);
  await controller.close();
});

test('spans of reconciles and metrics go where the informers report to', async () => {
  const kube = new FakeKube();
  kube.put(jobs, job('a'));
  const spans: string[] = [];
  const tracer: Tracer = {
    span: (name, { controller, key }, work) => (spans.push(`${name} ${controller} ${key}`), work()),
  };
  const informers = createInformerSet(kube, { tracer });
  const { controller } = await run(kube, async () => ({}), { informers });
  expect(spans).toEqual(['reconcile test default/a']);
  await controller.close();
  await informers.close();
});
