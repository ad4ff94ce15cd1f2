import { expect, test } from 'vitest';
import type { PodObservation } from './action.ts';
import { FakeCluster, makeTemplate, makeWorkflow } from './testing.ts';
import { isCompleted, isFinished, type NodePhase, type Task, type Workflow } from './workflow-types.ts';

/** A small seeded generator: the same seed plays the same run. */
function random(seed: number): () => number {
  let state = seed * 2_654_435_761 + 1;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return ((state ^ (state >>> 12)) >>> 0) / 4_294_967_296;
  };
}

function randomWorkflow(next: () => number): Workflow {
  const tasks: Task[] = Array.from({ length: 2 + Math.floor(next() * 6) }, (_, index) => {
    const dependencies = Array.from({ length: index }, (__, other) => `t${other}`).filter(() => next() < 0.35);
    return {
      name: `t${index}`,
      template: next() < 0.3 ? 'inner' : next() < 0.4 ? 'flaky' : 'work',
      ...(dependencies.length > 0 ? { dependencies } : {}),
      ...(next() < 0.25 ? { withItems: [1, 2, 3] } : {}),
      ...(next() < 0.2 ? { continueOn: { failed: true, error: true } } : {}),
      ...(next() < 0.15 ? { when: '1 == 2' } : {}),
    };
  });
  const inner = {
    name: 'inner',
    steps: [
      [
        { name: 'a', template: 'work' },
        { name: 'b', template: 'flaky' },
      ],
      [{ name: 'c', template: 'work' }],
    ],
  };
  const flaky = makeTemplate('flaky', { retryStrategy: { limit: 2, retryPolicy: 'Always' } });
  const onExit = next() < 0.4 ? { onExit: 'work' } : {};
  const parallelism = next() < 0.3 ? { parallelism: 1 + Math.floor(next() * 3) } : {};
  return makeWorkflow({
    entrypoint: 'main',
    ...onExit,
    ...parallelism,
    templates: [{ name: 'main', dag: { tasks, failFast: next() < 0.5 } }, inner, flaky, makeTemplate('work')],
  });
}

function randomOutcome(next: () => number): PodObservation {
  const draw = next();
  if (draw < 0.7) return { phase: 'Succeeded', exitCode: 0 };
  return draw < 0.85 ? { phase: 'Failed', exitCode: 1 } : { phase: 'Error', message: 'lost' };
}

/** Finished nodes that changed and children that are not there, as texts. */
function brokenInvariants(cluster: FakeCluster, before: ReadonlyMap<string, NodePhase | undefined>): readonly string[] {
  const nodes = cluster.workflow.status?.nodes ?? {};
  return Object.values(nodes).flatMap((node) => {
    const was = before.get(node.id);
    const changed = isCompleted(was) && node.phase !== was ? [`${node.name} changed from ${was} to ${node.phase}`] : [];
    return [
      ...changed,
      ...(node.children ?? [])
        .filter((id) => !nodes[id])
        .map((id) => `${node.name} has a child ${id} that is not there`),
    ];
  });
}

test.for(Array.from({ length: 150 }, (_, seed) => seed + 1))(
  'seed %i: lost and repeated actions, any order of pods: it ends, no pod twice, no finished node changes',
  (seed) => {
    const next = random(seed);
    const cluster = new FakeCluster(randomWorkflow(next));
    for (let event = 0; event < 600 && !isFinished(cluster.workflow.status?.phase); event++) {
      const phases = new Map(Object.values(cluster.workflow.status?.nodes ?? {}).map((node) => [node.id, node.phase]));
      cluster.pass(() => next() < 0.15);
      expect(brokenInvariants(cluster, phases)).toEqual([]);
      const live = cluster.live();
      const id = live[Math.floor(next() * live.length)];
      if (id !== undefined && next() < 0.8)
        cluster.pods.set(id, next() < 0.3 ? { phase: 'Running' } : randomOutcome(next));
      cluster.now += Math.floor(next() * 5_000);
    }
    expect(isFinished(cluster.workflow.status?.phase)).toBe(true);
    expect(new Set(cluster.created).size).toBe(cluster.created.length);
    expect(cluster.decide().actions).toEqual([]);
  },
);

test('the same input decides the same, whatever the order of the pods', () => {
  const cluster = new FakeCluster(randomWorkflow(random(7)));
  cluster.settle();
  for (const id of cluster.live()) cluster.pods.set(id, { phase: 'Succeeded', exitCode: 0 });
  const once = cluster.decide();
  const entries = [...cluster.pods].toReversed();
  cluster.pods.clear();
  for (const [id, pod] of entries) cluster.pods.set(id, pod);
  expect(cluster.decide()).toEqual(once);
});
