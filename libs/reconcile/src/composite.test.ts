import { type Condition, type KubeObject, resources } from '@sluice/model';
import { type Running, silentLog } from '@sluice/runtime';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { composite, type CompositeDecision } from './composite.ts';
import { startOperator } from './start-operator.ts';
import { FakeKube } from './testing.ts';

const { jobs, configMaps } = resources;
type Parent = KubeObject<{ readonly names: readonly string[]; readonly value?: string }>;
type Map = KubeObject & { readonly data?: Readonly<Record<string, string>> };
const key = { namespace: 'default', name: 'p' };

function parent(...names: string[]): Parent {
  return { apiVersion: 'batch/v1', kind: 'Job', metadata: { ...key, uid: 'parent-uid' }, spec: { names } };
}

function decide({ spec }: Parent): CompositeDecision<{ count: number }> {
  const child = (name: string): Map => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name },
    data: { value: spec?.value ?? '1' },
  });
  return { children: (spec?.names ?? []).map(child), status: { count: spec?.names.length ?? 0 } };
}

let running: Running | undefined;

async function run(kube: FakeKube): Promise<void> {
  const controllers = [composite({ name: 'maps', parent: jobs, children: [configMaps], decide })];
  running = await startOperator({ name: 'maps', kube, log: silentLog, controllers });
  await settle();
}

const settle = () => vi.advanceTimersByTimeAsync(50);
const names = (kube: FakeKube) => kube.objects(configMaps).map(({ metadata }) => metadata.name);
const ready = (kube: FakeKube) =>
  kube.object<KubeObject<unknown, { conditions: Condition[] }>>(jobs, key).status?.conditions[0];

beforeEach(() => void vi.useFakeTimers());
afterEach(async () => {
  await running?.close();
  vi.useRealTimers();
});

test('children are made, changed and removed as the function says', async () => {
  const kube = new FakeKube();
  kube.put(jobs, parent('a', 'b'));
  await run(kube);
  expect(names(kube)).toEqual(['a', 'b']);
  expect(kube.objects(configMaps)[0]?.metadata.ownerReferences?.[0]?.uid).toBe('parent-uid');
  await kube.patch(jobs, key, { type: 'merge', body: { spec: { names: ['b', 'c'], value: '2' } } });
  await settle();
  expect(names(kube).sort()).toEqual(['b', 'c']);
  expect(kube.object<Map>(configMaps, { namespace: 'default', name: 'b' }).data).toEqual({ value: '2' });
  expect(ready(kube)).toMatchObject({ status: 'True', reason: 'Applied' });
});

test('nothing is written while nothing has changed', async () => {
  const kube = new FakeKube();
  kube.put(jobs, parent('a'));
  await run(kube);
  const before = kube.writes();
  await kube.patch(jobs, key, { type: 'merge', body: { metadata: { labels: { unrelated: 'x' } } } });
  await settle();
  expect(kube.writes()).toBe(before + 1);
});

test('what somebody changed or removed comes back', async () => {
  const kube = new FakeKube();
  kube.put(jobs, parent('a', 'b'));
  await run(kube);
  const a = { namespace: 'default', name: 'a' };
  await kube.patch(configMaps, a, { type: 'merge', body: { data: { value: 'changed' } } });
  await kube.delete(configMaps, { namespace: 'default', name: 'b' });
  await settle();
  expect(kube.object<Map>(configMaps, a).data).toEqual({ value: '1' });
  expect(names(kube).sort()).toEqual(['a', 'b']);
});

test("an object that belongs to somebody else is left alone and named in the parent's condition", async () => {
  const kube = new FakeKube();
  kube.put(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'default' } });
  kube.put(jobs, parent('a'));
  await run(kube);
  expect(kube.object<Map>(configMaps, { namespace: 'default', name: 'a' }).data).toBeUndefined();
  expect(ready(kube)).toMatchObject({ status: 'False', reason: 'ChildExists' });
});
