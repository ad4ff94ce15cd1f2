import { type Condition, type KubeObject, resources } from '@sluice/model';
import { KubeApiError } from '@sluice/reconcile';
import { FakeKube } from '@sluice/reconcile/testing';
import type { Running } from '@sluice/runtime';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ChildKind } from './child-updates.ts';
import { type CompositeOptions, defineComposite } from './define-composite.ts';
import { field } from './field.ts';
import { defineKind, type ObjectOf } from './kind.ts';
import { defineOperator } from './operator.ts';
import { runOnFake } from './testing/run-on-fake.ts';

const { configMaps, secrets } = resources;
const teams = defineKind({
  group: 'example.com',
  version: 'v1',
  kind: 'Team',
  description: 'A team.',
  spec: {
    names: field.list('Its members.', field.text('One.')),
    value: field.text('What they know.', { default: '1' }),
  },
  status: { count: field.integer('How many.') },
});
type Team = ObjectOf<typeof teams>;
type Map = KubeObject & { readonly data?: Readonly<Record<string, string>> };
type Options = CompositeOptions<Team, { count: number }>;

const key = { namespace: 'default', name: 't' };
const keyOfMap = (name: string) => ({ namespace: 'default', name });
const team = (names: string[], value = '1'): Team => ({
  apiVersion: 'example.com/v1',
  kind: 'Team',
  metadata: { ...key, uid: 'team-uid', generation: 1 },
  spec: { names, value },
});
const map = (name: string, value: string): Map => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data: { value },
});
const decide: Options['decide'] = ({ spec }) => ({
  children: spec.names.map((name) => map(name, spec.value)),
  status: { count: spec.names.length },
});

let running: Running[] = [];
let kube: FakeKube;

async function run(options: Partial<Options> = {}): Promise<void> {
  const composite = defineComposite<Team, { count: number }>({
    name: 'teams',
    kind: teams,
    children: [configMaps],
    decide,
    ...options,
  });
  running.push(await runOnFake(defineOperator({ name: 'teams', kinds: [teams], controllers: [composite] }), kube));
  await settle();
}

const settle = () => vi.advanceTimersByTimeAsync(50);
const names = () =>
  kube
    .objects(configMaps)
    .map(({ metadata }) => metadata.name)
    .toSorted();
const values = () => kube.objects<Map>(configMaps).map(({ metadata, data }) => `${metadata.name}=${data?.['value']}`);
const ready = () =>
  kube
    .object<KubeObject<unknown, { conditions: Condition[] }>>(teams, key)
    .status?.conditions.find(({ type }) => type === 'Ready');
const setValue = (value: string) => kube.patch(teams, key, { type: 'merge', body: { spec: { value } } });

beforeEach(() => {
  vi.useFakeTimers();
  kube = new FakeKube();
});
afterEach(async () => {
  for (const operator of running.splice(0)) await operator.close();
  running = [];
  vi.useRealTimers();
});

test('children are made, changed and removed as the function says', async () => {
  kube.put(teams, team(['a', 'b']));
  await run();
  expect(names()).toEqual(['a', 'b']);
  expect(kube.objects(configMaps)[0]?.metadata.ownerReferences?.[0]?.uid).toBe('team-uid');
  await kube.patch(teams, key, { type: 'merge', body: { spec: { names: ['b', 'c'], value: '2' } } });
  await settle();
  expect(values().toSorted()).toEqual(['b=2', 'c=2']);
  expect(ready()).toMatchObject({ status: 'True', reason: 'Applied' });
  expect(kube.object<Team>(teams, key).status).toMatchObject({ count: 2 });
});

test('nothing is written while nothing has changed', async () => {
  kube.put(teams, team(['a']));
  await run();
  const before = kube.writes();
  await kube.patch(teams, key, { type: 'merge', body: { metadata: { labels: { unrelated: 'x' } } } });
  await settle();
  expect(kube.writes()).toBe(before + 1);
});

test('what somebody changed or removed comes back', async () => {
  kube.put(teams, team(['a', 'b', 'c']));
  await run();
  await kube.patch(configMaps, keyOfMap('a'), { type: 'merge', body: { data: { value: 'changed' } } });
  await kube.delete(configMaps, keyOfMap('b'));
  await kube.patch(configMaps, keyOfMap('c'), { type: 'merge', body: { data: { value: null } } });
  await settle();
  expect(values().toSorted()).toEqual(['a=1', 'b=1', 'c=1']);
});

test('what was changed while the operator was away comes back when it starts', async () => {
  kube.put(teams, team(['a']));
  await run();
  await running.pop()?.close();
  await kube.patch(configMaps, keyOfMap('a'), { type: 'merge', body: { data: { value: 'changed' } } });
  await run();
  expect(values()).toEqual(['a=1']);
});

test("an object of somebody else is left alone and named in the parent's condition, or adopted where that is allowed", async () => {
  kube.put(configMaps, { ...map('a', 'theirs'), metadata: keyOfMap('a') });
  kube.put(teams, team(['a']));
  await run();
  expect(values()).toEqual(['a=theirs']);
  expect(ready()).toMatchObject({ status: 'False', reason: 'ChildExists' });
  expect(ready()?.message).toContain('ConfigMap default/a');
  await running.pop()?.close();
  await run({ children: [{ resource: configMaps, adopt: true }] });
  expect(values()).toEqual(['a=1']);
  expect(ready()).toMatchObject({ status: 'True' });
});

test('an object that another controls is not adopted', async () => {
  const owner = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'other', controller: true };
  kube.put(configMaps, { ...map('a', 'theirs'), metadata: { ...keyOfMap('a'), ownerReferences: [owner] } });
  kube.put(teams, team(['a']));
  await run({ children: [{ resource: configMaps, adopt: true }] });
  expect(values()).toEqual(['a=theirs']);
});

test('a child that the server refuses is told in the condition and tried again', async () => {
  kube.put(teams, team(['a']));
  const error = new KubeApiError(422, 'Invalid', 'ConfigMap "a" is invalid: data: too long');
  kube.fail({ verb: 'apply', resource: configMaps, times: 6, error });
  await run();
  expect(ready()).toMatchObject({ status: 'False', reason: 'ChildInvalid', message: error.message });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(ready()).toMatchObject({ status: 'True' });
});

test('surplus children that are to be orphaned stay, without an owner', async () => {
  kube.put(teams, team(['a', 'b']));
  const children: ChildKind[] = [{ resource: configMaps, surplus: 'orphan' }];
  await run({ children });
  await kube.patch(teams, key, { type: 'merge', body: { spec: { names: ['a'] } } });
  await settle();
  expect(names()).toEqual(['a', 'b']);
  expect(kube.object(configMaps, keyOfMap('b')).metadata.ownerReferences).toEqual([]);
  await kube.delete(teams, key);
  await settle();
  expect(kube.objects(teams)).toEqual([]);
  expect(kube.object(configMaps, keyOfMap('a')).metadata.ownerReferences).toEqual([]);
});

test('a parent with a finalize function goes when that says so, children and all', async () => {
  kube.put(teams, team(['a', 'b']));
  await run({
    finalize: (_, { children }) => ({
      children: (children['ConfigMap'] ?? []).slice(1),
      finalized: children['ConfigMap']?.length === 0,
    }),
  });
  expect(kube.object(teams, key).metadata.finalizers).toEqual(['example.com/teams']);
  await kube.delete(teams, key);
  await settle();
  expect(names()).toEqual([]);
  expect(kube.objects(teams)).toEqual([]);
});

test.for<[ChildKind['update'], string[], string[]]>([
  ['OnDelete', ['a=1', 'b=1'], []],
  ['Recreate', ['a=2', 'b=2'], ['a', 'b']],
  ['RollingInPlace', ['a=2', 'b=2'], []],
  ['RollingRecreate', ['a=2', 'b=2'], ['a', 'b']],
])('children are updated by the strategy %s', async ([update = 'InPlace', want, deleted]) => {
  kube.put(teams, team(['a', 'b']));
  await run({ children: [{ resource: configMaps, update }] });
  await setValue('2');
  await settle();
  expect(values().toSorted()).toEqual(want);
  const deletes = kube.requests
    .filter(({ verb }) => verb === 'delete')
    .map((request) => request.key.replace('default/', ''));
  expect(deletes).toEqual(deleted);
});

test('a start of the operator is no reason to recreate children', async () => {
  kube.put(teams, team(['a', 'b']));
  const children: ChildKind[] = [{ resource: configMaps, update: 'Recreate' }];
  await run({ children });
  await running.pop()?.close();
  await run({ children });
  expect(kube.count('delete')).toBe(0);
});

test('a rolling update waits until the changed child is ready', async () => {
  kube.put(teams, team(['a', 'b']));
  const isReady = (child: KubeObject) => child.metadata.labels?.['ready'] === (child as Map).data?.['value'];
  await run({ children: [{ resource: configMaps, update: 'RollingInPlace', isReady }] });
  const markReady = (name: string, label: string) =>
    kube.patch(configMaps, keyOfMap(name), { type: 'merge', body: { metadata: { labels: { ready: label } } } });
  for (const name of ['a', 'b']) await markReady(name, '1');
  await setValue('2');
  await settle();
  expect(values().toSorted()).toEqual(['a=2', 'b=1']);
  expect(ready()).toMatchObject({ status: 'False', reason: 'Updating' });
  await markReady('a', '2');
  await settle();
  expect(values().toSorted()).toEqual(['a=2', 'b=2']);
});

test('related objects are shown to the function, and a change of one leads to the parents that it concerns', async () => {
  kube.put(teams, team(['a']));
  const concerns = (parent: Team, object: KubeObject) => object.metadata.name === `${parent.metadata.name}-secret`;
  await run({
    related: [{ resource: secrets, concerns }],
    decide: (_, { related }) => ({ children: [map('a', String(related['Secret']?.length))] }),
  });
  expect(values()).toEqual(['a=0']);
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { namespace: 'default', name: 't-secret' } };
  await kube.create(secrets, secret);
  await settle();
  expect(values()).toEqual(['a=1']);
});

test('a child of a kind that was not declared is told in the condition, and nothing is written', async () => {
  kube.put(teams, team(['a']));
  await run({ decide: () => ({ children: [{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' } }] }) });
  expect(kube.objects(secrets)).toEqual([]);
  expect(ready()?.message).toContain('v1 Secret is not among the kinds that it owns (v1/ConfigMap)');
});

test('a function that throws is told in the condition and called again', async () => {
  kube.put(teams, team(['a']));
  let calls = 0;
  await run({
    decide: () => {
      if (calls++ < 6) throw new Error('cannot be decided');
      return { children: [] };
    },
  });
  expect(ready()).toMatchObject({ status: 'False', reason: 'DecideFailed', message: 'cannot be decided' });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(ready()).toMatchObject({ status: 'True' });
});
