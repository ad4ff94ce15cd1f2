import { expect, test } from 'vitest';
import { AdmissionQueue } from './admission.ts';
import { FakeCluster, makeTemplate, makeWorkflow } from './testing.ts';
import type { Workflow } from './workflow-types.ts';

let created = 0;
function run(name: string, namespace = 'a', priority = 0): Workflow {
  const creationTimestamp = new Date(Date.UTC(2026, 0, 1) + created++ * 1_000).toISOString();
  return makeWorkflow({ priority }, { metadata: { name, namespace, creationTimestamp } });
}

test('as many as fit begin, the others in the order of priority and age', () => {
  const queue = new AdmissionQueue({ total: 1, inNamespace: () => undefined });
  const [first, second, third] = [run('first'), run('second'), run('third', 'a', 5)];
  expect([first, second, third].map((one) => queue.admit(one).admitted)).toEqual([true, false, false]);
  expect(queue.admit(first).admitted).toBe(true);
  expect(queue.release('a', 'first')).toEqual(['a/third']);
  expect(queue.release('a', 'third')).toEqual(['a/second']);
});

test('a full namespace holds no other up', () => {
  const queue = new AdmissionQueue({ total: 3, inNamespace: (namespace) => (namespace === 'a' ? 1 : undefined) });
  expect(['a1', 'a2', 'a3'].map((name) => queue.admit(run(name)).admitted)).toEqual([true, false, false]);
  expect(['b1', 'b2', 'b3'].map((name) => queue.admit(run(name, 'b')).admitted)).toEqual([true, true, false]);
  expect(queue.release('b', 'b1')).toEqual(['b/b3']);
  expect(queue.release('a', 'a1')).toEqual(['a/a2']);
});

test('a workflow that is gone while it waits takes nobody’s place', () => {
  const queue = new AdmissionQueue({ total: 1, inNamespace: () => undefined });
  for (const name of ['x', 'y', 'z']) queue.admit(run(name));
  expect(queue.release('a', 'y')).toEqual([]);
  expect(queue.release('a', 'x')).toEqual(['a/z']);
});

test('what runs already counts after a restart', () => {
  const queue = new AdmissionQueue({ total: 1, inNamespace: () => undefined });
  queue.restore([{ ...run('old'), status: { phase: 'Running' } }]);
  expect(queue.admit(run('new')).admitted).toBe(false);
});

test('a workflow that must wait is Pending without having begun, and can be ended', () => {
  const workflow = makeWorkflow({ entrypoint: 'work', templates: [makeTemplate('work')] });
  const cluster = new FakeCluster(workflow, { postponed: true });
  cluster.settle();
  expect(cluster.workflow.status).toEqual({ phase: 'Pending', message: expect.stringContaining('too many workflows') });
  cluster.workflow = { ...cluster.workflow, spec: { ...workflow.spec, shutdown: 'Terminate' } };
  cluster.settle();
  expect(cluster.workflow.status).toMatchObject({ phase: 'Failed', message: "Stopped with strategy 'Terminate'" });
});
