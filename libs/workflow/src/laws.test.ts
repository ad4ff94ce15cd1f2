import { expect, test } from 'vitest';
import type { PodObservation } from './action.ts';
import { randomOf } from './random.ts';
import { Lots, randomWorkflow } from './simulation/random-workflow.ts';
import { FakeCluster } from './testing.ts';

test.for(Array.from({ length: 30 }, (_, seed) => seed))(
  'seed %i: the same input decides the same, whatever the order of the pods',
  (seed) => {
    const lots = new Lots(randomOf(`laws ${seed}`));
    const cluster = new FakeCluster(randomWorkflow(lots), { semaphoreLimit: () => ({ ok: true, limit: 1 }) });
    cluster.pass();
    const outcomes: readonly [PodObservation, PodObservation] = [
      { phase: 'Succeeded', exitCode: 0 },
      { phase: 'Failed', exitCode: 1 },
    ];
    for (const id of cluster.live()) cluster.pods.set(id, lots.pick(outcomes));
    const once = cluster.decide();
    const entries = [...cluster.pods].toReversed();
    cluster.pods.clear();
    for (const [id, pod] of entries) cluster.pods.set(id, pod);
    expect(cluster.decide()).toEqual(once);
  },
);
