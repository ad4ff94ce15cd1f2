import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { defineKind, findCondition, type KubeObject, resources, runPlan } from '@sluice/operator';
import { eventually, startTestCluster, type TestCluster } from '@sluice/operator/testing';
import { type Database, kind } from '../src/kind.ts';
import { operator } from '../src/operator.ts';

type Workflow = KubeObject<{ readonly arguments: object }, { readonly phase?: string }>;

// A real API server, and the operator under its own rights. Workflows have a stand-in for their controller: each succeeds at once,
// unless its phase is to fail.
let cluster: TestCluster;
let running: { close(): Promise<void> };
let timer: NodeJS.Timeout;
const failing = new Set<string>();
const key = { namespace: 'default', name: 'orders' };

before(async () => {
  cluster = await startTestCluster();
  const { group, version, plural, kind: name } = resources.workflows;
  const workflows = defineKind({ group, version, plural, kind: name, description: 'Stands for Argo.', spec: {} });
  await cluster.install({ ...operator, kinds: [open(workflows)] });
  running = await cluster.start(operator);
  timer = setInterval(() => void finishWorkflows(), 20);
});
after(async () => {
  clearInterval(timer);
  await cluster.close();
});

/** The kind as Argo has it: any spec, and no status subresource. */
function open<K extends { readonly definition: KubeObject }>(workflows: K): K {
  const definition = structuredClone(workflows.definition) as KubeObject & {
    spec: { versions: Record<string, unknown>[] };
  };
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  definition.spec.versions = definition.spec.versions.map((version) => ({ ...version, schema, subresources: {} }));
  return { ...workflows, definition };
}

async function finishWorkflows(): Promise<void> {
  const { items } = await cluster.kube.list<Workflow>(resources.workflows);
  for (const { metadata, status } of items.filter((workflow) => !workflow.status?.phase)) {
    const phase = failing.has(metadata.labels?.['sluice.dev/plan-phase'] ?? '') ? 'Failed' : 'Succeeded';
    const { namespace = '', name } = metadata;
    assert.equal(status?.phase, undefined);
    await cluster.kube.patch(resources.workflows, { namespace, name }, { type: 'merge', body: { status: { phase } } });
  }
}

const phases = async () => {
  const { items } = await cluster.kube.list<Workflow>(resources.workflows);
  const numbered = items.map(({ metadata }) => /^orders-(\d+)-(.*)-[0-9a-f]{8}$/.exec(metadata.name) ?? []);
  return numbered.map(([, number, phase]) => `${number} ${phase}`).toSorted();
};
const change = (spec: object) => cluster.kube.patch(kind, key, { type: 'merge', body: { spec } });
const annotate = (annotations: object) =>
  cluster.kube.patch(kind, key, { type: 'merge', body: { metadata: { annotations } } });
const state = (plan: string, wanted: string) =>
  eventually(`${plan} ${wanted}`, async () => {
    const stored = await cluster.kube.get<Database>(kind, key);
    return stored?.status?.plans?.[plan]?.state === wanted && stored;
  });

test('a Database goes through its plans, each once for each reason', async () => {
  await cluster.kube.create(kind, kind.build({ ...key }, { version: '1' }));
  const installed = await state('install', 'Succeeded');
  assert.equal(findCondition(installed.status?.conditions, 'Ready')?.status, 'True');
  assert.deepEqual(await phases(), ['1 provision', '1 seed']);

  await change({ replicas: 3 });
  await state('resize', 'Succeeded');
  await change({ version: '2' });
  await state('upgrade', 'Succeeded');
  await annotate({ [runPlan]: 'backup' });
  await state('backup', 'Succeeded');
  assert.deepEqual(await phases(), ['1 provision', '1 seed', '2 scale', '3 backup', '3 migrate', '4 dump']);
});

test('a start of the operator runs nothing again', async () => {
  const before = await phases();
  await running.close();
  running = await cluster.start(operator);
  await annotate({ touched: 'yes' });
  await state('backup', 'Succeeded');
  assert.deepEqual(await phases(), before);
});

test('a plan that fails is told, and the former spec is brought back by changing it back', async () => {
  failing.add('migrate');
  await change({ version: '3' });
  const failed = await state('upgrade', 'Failed');
  const told = findCondition(failed.status?.conditions, 'Ready');
  assert.equal(told?.reason, 'PlanFailed');
  assert.match(told?.message ?? '', /phase migrate failed/);
  failing.clear();
  await change({ version: '2' });
  await state('upgrade', 'Succeeded');
});

test('a deleted Database is exported before it goes', async () => {
  await cluster.kube.delete(kind, key);
  await eventually('gone', async () => !(await cluster.kube.get(kind, key)));
  assert.ok((await phases()).some((phase) => phase.endsWith(' export')));
});

test('a schema version that is no number is refused', async () => {
  const bad = kind.build({ namespace: 'default', name: 'bad' }, { version: 'latest' });
  await assert.rejects(cluster.kube.create(kind, bad), /spec\.version/);
});
