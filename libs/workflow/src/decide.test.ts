import { expect, test } from 'vitest';
import { FakeCluster, makeTemplate, makeWorkflow } from './testing.ts';
import type { WorkflowSpec } from './workflow-types.ts';

const steps = (...groups: readonly (readonly object[])[]): WorkflowSpec => ({
  entrypoint: 'main',
  templates: [{ name: 'main', steps: groups as never }, makeTemplate('work')],
});

function play(spec: WorkflowSpec): FakeCluster {
  const cluster = new FakeCluster(makeWorkflow(spec));
  cluster.settle();
  return cluster;
}

test('a single container is a workflow whose root is its pod', () => {
  const cluster = play({ entrypoint: 'work', templates: [makeTemplate('work')] });
  expect(cluster.created).toEqual(['wf']);
  cluster.report('wf', { phase: 'Succeeded', exitCode: 0 });
  cluster.settle();
  expect(cluster.workflow.status).toMatchObject({ phase: 'Succeeded', progress: '1/1' });
});

test('a pod that vanishes while pending is made again, one that vanishes while running is an error', () => {
  const cluster = play({ entrypoint: 'work', templates: [makeTemplate('work')] });
  cluster.pods.clear();
  cluster.settle();
  expect(cluster.created).toEqual(['wf', 'wf']);
  cluster.report('wf', { phase: 'Running' });
  cluster.settle();
  cluster.pods.clear();
  cluster.settle();
  expect(cluster.workflow.status).toMatchObject({ phase: 'Error', message: 'pod deleted' });
});

test('a step group with a failed child is Failed, and what follows never starts', () => {
  const cluster = play(steps([{ name: 'a', template: 'work' }], [{ name: 'b', template: 'work' }]));
  cluster.report('wf[0].a', { phase: 'Error', message: 'broken' });
  cluster.settle();
  expect(cluster.workflow.status?.phase).toBe('Failed');
  expect(cluster.node('wf[1]')).toBeUndefined();
});

test('stop ends running pods, still runs the exit handler and says why', () => {
  const spec: WorkflowSpec = {
    entrypoint: 'work',
    onExit: 'bye',
    templates: [makeTemplate('work'), makeTemplate('bye')],
  };
  const cluster = play(spec);
  cluster.report('wf', { phase: 'Running' });
  cluster.workflow = { ...cluster.workflow, spec: { ...spec, shutdown: 'Stop' } };
  cluster.settle();
  expect(cluster.created).toEqual(['wf', 'wf.onExit']);
  cluster.report('wf.onExit', { phase: 'Succeeded' });
  cluster.settle();
  expect(cluster.workflow.status).toMatchObject({ phase: 'Failed', message: "Stopped with strategy 'Stop'" });
});

test('a deadline asks to be looked at in time and then ends what runs', () => {
  const cluster = play({ entrypoint: 'work', activeDeadlineSeconds: 10, templates: [makeTemplate('work')] });
  expect(cluster.decide().nextLookAt).toBeLessThanOrEqual(cluster.now + 10_000);
  cluster.now += 11_000;
  cluster.settle();
  expect(cluster.workflow.status?.phase).toBe('Failed');
  expect(cluster.live()).toEqual([]);
});

test('a template that calls itself for ever ends with a message', () => {
  const cluster = play({
    entrypoint: 'main',
    templates: [{ name: 'main', steps: [[{ name: 'again', template: 'main' }]] }],
  });
  expect(cluster.workflow.status?.phase).toMatch(/Failed|Error/);
  expect(Object.keys(cluster.workflow.status?.nodes ?? {}).length).toBeLessThan(400);
});

test('what is not supported is refused by name', () => {
  const cluster = play({
    entrypoint: 'work',
    templates: [{ name: 'work', plugin: { hello: {} } }],
  });
  expect(cluster.workflow.status).toMatchObject({
    phase: 'Failed',
    message: expect.stringContaining('templates.work.plugin'),
  });
});

test('a claim is made before the first pod and removed with a success', () => {
  const claim = { metadata: { name: 'workspace' }, spec: { accessModes: ['ReadWriteOnce'] } };
  const cluster = new FakeCluster(
    makeWorkflow({ entrypoint: 'work', volumeClaimTemplates: [claim], templates: [makeTemplate('work')] }),
  );
  expect(
    cluster
      .pass()
      .actions.map(({ kind }) => kind)
      .filter((kind) => kind !== 'RecordEvent'),
  ).toEqual(['CreatePvc', 'CreatePod']);
  cluster.report('wf', { phase: 'Succeeded' });
  expect(cluster.pass().actions).toContainEqual({ kind: 'DeletePvc', name: 'wf-workspace' });
});

test('failFast with parallelism: after a failure nothing new starts and the template has failed', () => {
  const withItems = [1, 2, 3, 4];
  const main = {
    name: 'main',
    parallelism: 1,
    failFast: true,
    steps: [[{ name: 'each', template: 'work', withItems }]],
  };
  const cluster = play({ entrypoint: 'main', templates: [main, makeTemplate('work')] });
  expect(cluster.created).toEqual(['wf[0].each(0:1)']);
  cluster.report('wf[0].each(0:1)', { phase: 'Failed', exitCode: 1 });
  cluster.settle();
  expect(cluster.created).toHaveLength(1);
  expect(cluster.workflow.status).toMatchObject({
    phase: 'Failed',
    message: expect.stringContaining('failFast enabled'),
  });
});
