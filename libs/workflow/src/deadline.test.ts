import { expect, test } from 'vitest';
import { FakeCluster, makeTemplate, makeWorkflow } from './testing.ts';

const waiting = 'ImagePullBackOff: image "registry/absent:1" is not in the registry';

/** A dag of one task whose pod may wait ten minutes to start. */
function play(): FakeCluster {
  const main = { name: 'main', dag: { tasks: [{ name: 'unit', template: 'work' }] } };
  const work = { ...makeTemplate('work'), pendingTimeout: '10m' };
  const cluster = new FakeCluster(makeWorkflow({ entrypoint: 'main', templates: [main, work] }));
  cluster.settle();
  return cluster;
}

test('a pod that cannot start fails at its pending timeout and the message keeps what it waited for', () => {
  const cluster = play();
  cluster.report('wf.unit', { phase: 'Pending', message: waiting });
  cluster.settle();
  cluster.now += 9 * 60_000;
  cluster.settle();
  expect(cluster.workflow.status?.phase).toBe('Running');
  cluster.now += 2 * 60_000;
  cluster.settle();
  expect(cluster.node('wf.unit')).toMatchObject({ phase: 'Failed', message: `timeout, never started: ${waiting}` });
  expect(cluster.workflow.status?.phase).toBe('Failed');
  expect(cluster.live()).toEqual([]);
});

test('a pod that runs is not ended by the pending timeout', () => {
  const cluster = play();
  cluster.report('wf.unit', { phase: 'Running' });
  cluster.settle();
  cluster.now += 60 * 60_000;
  cluster.settle();
  expect(cluster.workflow.status?.phase).toBe('Running');
});
