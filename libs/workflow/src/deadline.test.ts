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

test.for([{ timeout: '10s' }, { pendingTimeout: '10s' }])('the entrypoint itself may have %j', (limit) => {
  const cluster = new FakeCluster(
    makeWorkflow({ entrypoint: 'work', templates: [{ ...makeTemplate('work'), ...limit }] }),
  );
  cluster.settle();
  expect(cluster.decide().nextLookAt).toBe(cluster.now + 10_000);
  cluster.now += 11_000;
  cluster.settle();
  expect(cluster.workflow.status).toMatchObject({ phase: 'Failed', message: 'timeout' });
  expect(cluster.live()).toEqual([]);
});

test('a step that is too late fails with its own message, its group says which', () => {
  const main = { name: 'main', steps: [[{ name: 'a', template: 'work' }]] };
  const cluster = new FakeCluster(
    makeWorkflow({ entrypoint: 'main', templates: [main, { ...makeTemplate('work'), timeout: '10s' }] }),
  );
  cluster.settle();
  cluster.report('wf[0].a', { phase: 'Running' });
  cluster.now += 11_000;
  cluster.settle();
  expect(cluster.node('wf[0].a')).toMatchObject({ phase: 'Failed', message: 'timeout' });
  expect(cluster.node('wf[0]')).toMatchObject({ phase: 'Failed', message: "child 'wf[0].a' timedout" });
});

test('the timeout of a retried template counts from its first attempt and ends the one that runs', () => {
  const work = { ...makeTemplate('work'), timeout: '10s', retryStrategy: { limit: 5 } };
  const cluster = new FakeCluster(makeWorkflow({ entrypoint: 'work', templates: [work] }));
  cluster.settle();
  cluster.now += 6_000;
  cluster.report('wf(0)', { phase: 'Failed', exitCode: 1 });
  cluster.settle();
  cluster.report('wf(1)', { phase: 'Running' });
  cluster.now += 6_000;
  cluster.settle();
  expect(cluster.node('wf')?.phase).toBe('Failed');
  expect(cluster.node('wf(1)')).toMatchObject({ phase: 'Failed', message: 'timeout' });
  expect(cluster.live()).toEqual([]);
});
