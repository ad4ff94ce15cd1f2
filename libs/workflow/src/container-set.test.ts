import { expect, test } from 'vitest';
import { FakeCluster, makeWorkflow } from './testing.ts';

const image = 'tools';
const graph = {
  containers: [
    { name: 'a', image },
    { name: 'main', image, dependencies: ['a'] },
  ],
};

function play(containerSet: object = graph): FakeCluster {
  const tasks = [
    { name: 'set', template: 'set' },
    { name: 'after', template: 'set', depends: 'set' },
  ];
  const templates = [
    { name: 'main', dag: { tasks } },
    { name: 'set', containerSet },
  ] as never;
  const cluster = new FakeCluster(makeWorkflow({ entrypoint: 'main', templates }));
  cluster.settle();
  return cluster;
}

test('containers are nodes below their pod, those that wait below what they wait for', () => {
  const cluster = play();
  const [pod, a, main] = ['wf.set', 'wf.set.a', 'wf.set.main'].map((name) => cluster.node(name));
  expect([pod?.children, a?.children, main?.children]).toEqual([[a?.id], [main?.id], undefined]);
  expect(a).toMatchObject({ type: 'Container', phase: 'Pending', boundaryID: pod?.id, displayName: 'a' });
});

test('each container has its own phase, and the dag goes on from the last of them', () => {
  const cluster = play();
  cluster.report('wf.set', {
    phase: 'Running',
    containers: { a: { phase: 'Succeeded' }, main: { phase: 'Running' } },
  });
  cluster.settle();
  expect([cluster.node('wf.set.a')?.phase, cluster.node('wf.set.main')?.phase]).toEqual(['Succeeded', 'Running']);
  cluster.report('wf.set', { phase: 'Succeeded', containers: { main: { phase: 'Succeeded' } } });
  cluster.settle();
  expect(cluster.node('wf.set.main')?.children).toEqual([cluster.node('wf.after')?.id]);
});

test('a pod that is gone takes its containers along', () => {
  const cluster = play();
  cluster.report('wf.set', { phase: 'Running' });
  cluster.settle();
  cluster.pods.clear();
  cluster.settle();
  const ends = ['wf.set', 'wf.set.a', 'wf.set.main'].map((name) => cluster.node(name));
  expect(ends.map((node) => `${node?.phase}: ${node?.message}`)).toEqual([
    'Error: pod deleted',
    'Error: container deleted',
    'Error: container deleted',
  ]);
  expect(cluster.workflow.status?.phase).toBe('Error');
});
