import { findCondition, type KubeObject, resources, TerminalError } from '@sluice/model';
import { FakeKube } from '@sluice/reconcile/testing';
import type { Running } from '@sluice/runtime';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { defineController, type DefineControllerOptions } from './define-controller.ts';
import { field } from './field.ts';
import { defineKind, type ObjectOf } from './kind.ts';
import { defineOperator } from './operator.ts';
import { runOnFake } from './testing/run-on-fake.ts';

const { configMaps, secrets } = resources;
const sites = defineKind({
  group: 'example.com',
  version: 'v1',
  kind: 'Site',
  description: 'A site.',
  spec: { text: field.text('Text.') },
  status: { seen: field.text('Text.') },
});
type Site = ObjectOf<typeof sites>;
type Options = DefineControllerOptions<Site, { seen: string }>;

const key = { namespace: 'default', name: 's' };
const map = (text: string): KubeObject & { data: object } => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 's' },
  data: { text },
});
let kube: FakeKube;
let running: Running | undefined;

async function run(options: Partial<Options>): Promise<void> {
  const controller = defineController<Site, { seen: string }>({
    name: 'sites',
    kind: sites,
    owns: [configMaps],
    reconcile: async () => undefined,
    ...options,
  });
  running = await runOnFake(defineOperator({ name: 'sites', kinds: [sites], controllers: [controller] }), kube);
  await settle();
}

const settle = (ms = 50) => vi.advanceTimersByTimeAsync(ms);
const ready = () => findCondition(kube.object<Site>(sites, key).status?.conditions, 'Ready');

beforeEach(() => {
  vi.useFakeTimers();
  kube = new FakeKube();
  const metadata = { ...key, uid: 'site-uid', generation: 1 };
  kube.put(sites, { apiVersion: 'example.com/v1', kind: 'Site', metadata, spec: { text: 'hello' } });
});
afterEach(async () => {
  await running?.close();
  vi.useRealTimers();
});

test('what the reconciler answers becomes the status, and nothing is written again while it answers the same', async () => {
  await run({
    reconcile: async (site, { apply }) => {
      await apply(map(site.spec.text));
      return { status: { seen: site.spec.text } };
    },
    resyncMs: 1_000,
  });
  expect(kube.object<Site>(sites, key).status).toMatchObject({ seen: 'hello', observedGeneration: 1 });
  expect(ready()).toMatchObject({ status: 'True', reason: 'Reconciled' });
  const before = kube.writes();
  await settle(10_000);
  expect(kube.writes()).toBe(before);
});

test('a failure is told in the condition, keeps the rest of the status, and is tried again', async () => {
  let calls = 0;
  await run({
    reconcile: async () => {
      calls += 1;
      if (calls > 1 && calls < 8) throw new Error('the registry does not answer');
      return { status: { seen: calls === 1 ? 'first' : 'later' }, ...(calls === 1 && { requeueAfterMs: 10 }) };
    },
  });
  expect(ready()).toMatchObject({
    status: 'False',
    reason: 'ReconcileFailed',
    message: 'the registry does not answer',
  });
  expect(kube.object<Site>(sites, key).status?.seen).toBe('first');
  await settle(5_000);
  expect(ready()).toMatchObject({ status: 'True' });
});

test('a terminal error is told under its reason and not tried again', async () => {
  let calls = 0;
  const reconcile: Options['reconcile'] = async () => {
    calls += 1;
    throw new TerminalError('NoSuchTheme', 'there is no theme of that name');
  };
  await run({ reconcile });
  await settle(60_000);
  expect(ready()).toMatchObject({ status: 'False', reason: 'NoSuchTheme' });
  // Once more after its own write of the status.
  expect(calls).toBeLessThanOrEqual(2);
});

test('an object of somebody else is not overwritten', async () => {
  kube.put(configMaps, { ...map('theirs'), metadata: key });
  await run({ reconcile: async (_, { apply }) => apply(map('ours')) });
  expect(kube.object(configMaps, key)).toMatchObject({ data: { text: 'theirs' } });
  expect(ready()).toMatchObject({ status: 'False', reason: 'ChildExists' });
});

test('finalize is called until it answers nothing, and only then the object goes', async () => {
  let calls = 0;
  await run({
    finalize: async () => {
      calls += 1;
      return calls < 3 ? { requeueAfterMs: 1_000 } : undefined;
    },
  });
  expect(kube.object(sites, key).metadata.finalizers).toEqual(['example.com/sites']);
  await kube.delete(sites, key);
  await settle();
  expect(kube.objects(sites)).toHaveLength(1);
  await settle(5_000);
  expect(kube.objects(sites)).toEqual([]);
  expect(calls).toBe(3);
});

test('a change of an object that it reads leads back to the objects that it concerns', async () => {
  const seen: number[] = [];
  await run({
    watches: [{ resource: secrets, concerns: (site, secret) => secret.metadata.name === site.metadata.name }],
    reconcile: async (_, { cache }) => void seen.push(cache(secrets).list().length),
  });
  await kube.create(secrets, { apiVersion: 'v1', kind: 'Secret', metadata: { namespace: 'default', name: 'other' } });
  await settle();
  const before = seen.length;
  await kube.create(secrets, { apiVersion: 'v1', kind: 'Secret', metadata: key });
  await settle();
  expect(seen.length).toBe(before + 1);
  expect(seen.at(-1)).toBe(2);
});

test('a request that is not declared is refused in a unit test, as the cluster would', async () => {
  await run({ reconcile: async (_, context) => void (await context.kube.get(secrets, key)) });
  expect(ready()?.message).toMatch(/secrets "s" is forbidden.*declare it in the controller/);
});

test('a cache that is not declared is a mistake that says what to do', async () => {
  await run({ reconcile: async (_, { cache }) => void cache(secrets) });
  expect(ready()?.message).toBe('controller sites: Secret is not watched; declare it in owns or watches');
});
