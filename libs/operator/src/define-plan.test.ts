import { findCondition, type JsonObject, type KubeObject, resources } from '@sluice/model';
import { FakeKube } from '@sluice/reconcile/testing';
import type { Running } from '@sluice/runtime';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { definePlan, type Plan, runPlan, skipDeletePlan } from './define-plan.ts';
import { field } from './field.ts';
import { defineKind, type ObjectOf } from './kind.ts';
import { defineOperator } from './operator.ts';
import { planStatus } from './plan-status.ts';
import { runOnFake } from './testing/run-on-fake.ts';

const { workflows } = resources;
const databases = defineKind({
  group: 'example.com',
  version: 'v1',
  kind: 'Database',
  description: 'A database.',
  spec: { version: field.text('Version.'), replicas: field.integer('Replicas.', { default: 1 }) },
  status: planStatus,
});
type Database = ObjectOf<typeof databases>;
type Workflow = KubeObject<JsonObject, { phase?: string }>;

const phase = (name: string) => ({
  name,
  workflow: ({ spec }: Database): JsonObject => ({
    arguments: { parameters: [{ name: 'version', value: spec.version }] },
  }),
});
const plans: Record<string, Plan<Database>> & { install: Plan<Database> } = {
  install: { phases: [phase('provision'), phase('seed')] },
  upgrade: { phases: [phase('migrate')] },
  resize: { on: ['replicas'], phases: [phase('scale')] },
  backup: { every: '1m', phases: [phase('dump')] },
  delete: { phases: [phase('export')] },
};
const operator = defineOperator({
  name: 'databases',
  kinds: [databases],
  controllers: [definePlan<Database>({ name: 'databases', kind: databases, plans })],
});

const key = { namespace: 'default', name: 'db' };
let kube: FakeKube;
let running: Running | undefined;
let finished: string[];
let unlessFailing: Set<string>;
let stop: () => void;

const start = async () => {
  running = await runOnFake(operator, kube);
  await settle();
};
const restart = async () => {
  await running?.close();
  await start();
};
const settle = (ms = 200) => vi.advanceTimersByTimeAsync(ms);
const database = () => kube.object<Database>(databases, key);
const patch = (spec: object) => kube.patch(databases, key, { type: 'merge', body: { spec } });
const annotate = (annotations: Record<string, string>) =>
  kube.patch(databases, key, { type: 'merge', body: { metadata: { annotations } } });
const ready = () => findCondition(database().status?.conditions, 'Ready');
/** Phases in the order in which their Workflows ended. */
const phasesOf = () => finished.map((name) => name.replace(/^db-\d+-(.*)-[0-9a-f]{8}$/, '$1'));

/** What the workflow controller does, in short. */
function finishWorkflows(): void {
  for (const { metadata, status, spec } of kube.objects<Workflow>(workflows)) {
    if (status?.phase) continue;
    const name = metadata.labels?.['sluice.dev/plan-phase'] ?? '';
    if (spec?.['shutdown'] === undefined && unlessFailing.has(`hold ${name}`)) continue;
    const failed = unlessFailing.has(name) || spec?.['shutdown'] !== undefined;
    finished.push(metadata.name);
    const { namespace = '' } = metadata;
    const body = { status: { phase: failed ? 'Failed' : 'Succeeded' } };
    void kube.patch(workflows, { namespace, name: metadata.name }, { type: 'merge', body });
  }
}

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') });
  kube = new FakeKube();
  finished = [];
  unlessFailing = new Set();
  const timer = setInterval(finishWorkflows, 7);
  stop = () => clearInterval(timer);
  kube.put(databases, {
    apiVersion: 'example.com/v1',
    kind: 'Database',
    metadata: { ...key, uid: 'db-uid' },
    spec: { version: '1', replicas: 1 },
  });
});
afterEach(async () => {
  stop();
  await running?.close();
  vi.useRealTimers();
});

test('the phases of install run one after the other, with the values of the object', async () => {
  await start();
  expect(phasesOf()).toEqual(['provision', 'seed']);
  expect(ready()).toMatchObject({ status: 'True', reason: 'PlanSucceeded' });
  const [first] = kube.objects<Workflow>(workflows);
  expect(first?.spec).toEqual({ arguments: { parameters: [{ name: 'version', value: '1' }] } });
  expect(first?.metadata.ownerReferences?.[0]?.uid).toBe('db-uid');
});

test('a change of the spec runs the plan for it once, whatever is restarted', async () => {
  await start();
  await patch({ version: '2' });
  await settle(3);
  await restart();
  await restart();
  expect(phasesOf()).toEqual(['provision', 'seed', 'migrate']);
  await patch({ replicas: 3 });
  await settle();
  expect(phasesOf().slice(3)).toEqual(['scale']);
});

test('the status tells of each plan', async () => {
  await start();
  unlessFailing.add('migrate');
  await patch({ version: '2' });
  await settle();
  expect(database().status?.plans).toMatchObject({
    install: { state: 'Succeeded', number: 1, phase: 'seed', startedAt: '2026-01-01T00:00:00Z' },
    upgrade: { state: 'Failed', number: 2, phase: 'migrate' },
  });
  expect(ready()).toMatchObject({ status: 'False', reason: 'PlanFailed' });
  expect(ready()?.message).toContain('phase migrate failed');
  unlessFailing.clear();
  await annotate({ [runPlan]: 'upgrade' });
  await settle();
  expect(ready()).toMatchObject({ status: 'True' });
});

test('a plan runs by the clock, and while it runs or when it has failed the object stays Ready', async () => {
  await start();
  unlessFailing.add('dump');
  await settle(60_000);
  expect(phasesOf().slice(2)).toEqual(['dump']);
  expect(ready()).toMatchObject({ status: 'True' });
  expect(database().status?.plans?.['backup']).toMatchObject({ state: 'Failed', scheduledFor: '2026-01-01T00:01:00Z' });
  await settle(60_000);
  expect(phasesOf().slice(2)).toEqual(['dump', 'dump']);
});

test('an object goes only after its delete plan, whose Workflow outlives it', async () => {
  await start();
  await kube.delete(databases, key);
  await settle();
  expect(phasesOf().slice(2)).toEqual(['export']);
  expect(kube.objects(databases)).toEqual([]);
  const last = kube.objects<Workflow>(workflows).find(({ metadata }) => metadata.name === finished.at(-1));
  expect(last?.metadata.ownerReferences).toBeUndefined();
  expect(last?.spec).toMatchObject({ ttlStrategy: { secondsAfterCompletion: 3_600 } });
});

test('a delete plan that fails keeps the object and says so, until it is skipped', async () => {
  await start();
  unlessFailing.add('export');
  await kube.delete(databases, key);
  await settle();
  expect(ready()).toMatchObject({ status: 'False', reason: 'PlanFailed' });
  await annotate({ [skipDeletePlan]: 'true' });
  await settle();
  expect(kube.objects(databases)).toEqual([]);
});

test('a run under way is broken off when the object is deleted', async () => {
  unlessFailing.add('hold provision');
  await start();
  await kube.delete(databases, key);
  await settle();
  expect(kube.objects<Workflow>(workflows)[0]?.spec).toMatchObject({ shutdown: 'Terminate' });
  expect(phasesOf()).toEqual(['provision', 'export']);
  expect(kube.objects(databases)).toEqual([]);
});

/** Each create and each apply that the story takes fails once: no phase runs twice and none is left out. */
test.for(Array.from({ length: 24 }, (_, nth) => nth + 1))(
  'write number %i fails and the story is the same',
  async (nth) => {
    const error = new Error('connection lost');
    for (const verb of ['create', 'apply'] as const) kube.fail({ verb, nth, error });
    await start();
    await patch({ version: '2' });
    await settle(5_000);
    await patch({ version: '1' });
    await settle(5_000);
    await kube.delete(databases, key);
    await settle(5_000);
    expect(phasesOf()).toEqual(['provision', 'seed', 'migrate', 'migrate', 'export']);
    expect(kube.objects(databases)).toEqual([]);
  },
);

test('a cache that is behind leads to no second run', async () => {
  await start();
  const release = kube.holdWatches(databases);
  await annotate({ [runPlan]: 'backup' });
  release();
  await settle();
  const hold = kube.holdWatches(databases);
  await kube.patch(
    workflows,
    { namespace: 'default', name: finished[0] ?? '' },
    { type: 'merge', body: { metadata: { labels: { touched: 'yes' } } } },
  );
  await settle(1_000);
  hold();
  await settle(1_000);
  expect(phasesOf()).toEqual(['provision', 'seed', 'dump']);
});

test.for<[object, RegExp]>([
  [{ name: 'No Label' }, /"No Label" must be a DNS label/],
  [{ plans: { install: { phases: [phase('a'), phase('a')] } } }, /plan install has two phases of one name/],
  [{ plans: { install: { phases: [phase('far-too-long-a-name')] } } }, /at most 18 characters/],
  [{ plans: { install: { phases: [], every: '1h' } } }, /install has its own moment/],
])('a definition that cannot work is refused: %o', ([change, message]) => {
  expect(() => definePlan<Database>({ name: 'x', kind: databases, plans, ...change })).toThrow(message);
});
