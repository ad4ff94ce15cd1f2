import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeDeployment, makeSet } from './builders.ts';
import {
  decideCleanup,
  decideRecreate,
  decideRollingUpdate,
  decideScaling,
  firstReplicas,
  maxReplicas,
  rollingBounds,
  type ScaleChange,
  toRollout,
} from './rollout.ts';
import type { Deployment, DeploymentSpec, ReplicaSet } from './workload.ts';

function rolling(maxSurge: number | string, maxUnavailable: number | string, replicas = 3): DeploymentSpec {
  return { replicas, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } } };
}

function summary(changes: readonly ScaleChange[] | undefined): Record<string, number> | undefined {
  return changes && Object.fromEntries(changes.map(({ set, replicas }) => [set.metadata.name, replicas]));
}

describe('the bounds of a rolling update', () => {
  test.for([
    { name: 'defaults to a quarter each', spec: { replicas: 10 }, want: { surge: 3, unavailable: 2 } },
    {
      name: 'rounds the surge up and the loss down',
      spec: rolling('25%', '25%', 3),
      want: { surge: 1, unavailable: 0 },
    },
    { name: 'takes plain numbers', spec: rolling(2, 1, 3), want: { surge: 2, unavailable: 1 } },
    { name: 'never has both at zero', spec: rolling(0, 0), want: { surge: 0, unavailable: 1 } },
    { name: 'loses no more pods than there are', spec: rolling(1, 9, 2), want: { surge: 1, unavailable: 2 } },
  ])('$name', ({ spec, want }) => {
    expect(rollingBounds(makeDeployment(spec))).toEqual(want);
  });
});

describe('a step of a rolling update', () => {
  const cases: { name: string; spec?: DeploymentSpec; sets: ReplicaSet[]; want: Record<string, number> }[] = [
    {
      name: 'grows the new set into the surge',
      sets: [makeSet('old', 3, { image: 'app:0' }), makeSet('new', 0)],
      want: { new: 1 },
    },
    {
      name: 'shrinks the old set once the new pod serves',
      sets: [makeSet('old', 3, { image: 'app:0' }), makeSet('new', 1)],
      want: { old: 2 },
    },
    {
      name: 'waits while the new pod does not serve',
      sets: [makeSet('old', 3, { image: 'app:0' }), makeSet('new', 1, { available: 0 })],
      want: {},
    },
    {
      name: 'does not count on new pods that do not serve yet',
      sets: [makeSet('old', 3, { image: 'app:0', available: 2 }), makeSet('new', 1, { available: 0, createdAt: 1 })],
      want: {},
    },
    {
      name: 'takes away old pods that serve nobody first',
      spec: rolling(1, 1),
      sets: [
        makeSet('older', 1, { image: 'app:x', available: 0 }),
        makeSet('old', 2, { image: 'app:0', createdAt: 1 }),
        makeSet('new', 1, { createdAt: 2 }),
      ],
      want: { older: 0, old: 1 },
    },
    {
      name: 'does nothing once all is done',
      sets: [makeSet('old', 0, { image: 'app:0' }), makeSet('new', 3)],
      want: {},
    },
    { name: 'shrinks a new set that is too large', sets: [makeSet('new', 5)], want: { new: 3 } },
  ];
  test.for(cases)('$name', ({ spec, sets, want }) => {
    const deployment = makeDeployment(spec);
    expect(summary(decideRollingUpdate(deployment, toRollout(deployment, sets)))).toEqual(want);
  });
});

/** Apply the changes and let some pods of each set become available. */
function advance(sets: ReplicaSet[], changes: readonly ScaleChange[], ready: () => number): ReplicaSet[] {
  return sets.map((set) => {
    const replicas = changes.find((change) => change.set === set)?.replicas ?? set.spec?.replicas ?? 0;
    const available = Math.min(replicas, (set.status?.availableReplicas ?? 0) + ready());
    return { ...set, spec: { ...set.spec, replicas }, status: { replicas, availableReplicas: available } };
  });
}

test('whatever the bounds, a rolling update ends, never has too many pods and never too few that serve', () => {
  const percent = fc.integer({ min: 0, max: 100 }).map((value) => `${value}%`);
  const bound = fc.oneof(fc.integer({ min: 0, max: 5 }), percent);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      bound,
      bound,
      fc.infiniteStream(fc.integer({ min: 0, max: 2 })),
      (replicas, surge, loss, luck) => {
        const deployment = makeDeployment(rolling(surge, loss, replicas));
        const { unavailable } = rollingBounds(deployment);
        const ready = (): number => luck.next().value ?? 1;
        let sets = [makeSet('old', replicas, { image: 'app:0' }), makeSet('new', 0, { createdAt: 1 })];
        for (let step = 0; step < 400; step++) {
          const changes = decideRollingUpdate(deployment, toRollout(deployment, sets));
          sets = advance(sets, changes, ready);
          const wanted = sets.reduce((sum, set) => sum + (set.spec?.replicas ?? 0), 0);
          const serving = sets.reduce((sum, set) => sum + (set.status?.availableReplicas ?? 0), 0);
          expect(wanted).toBeLessThanOrEqual(maxReplicas(deployment));
          expect(serving).toBeGreaterThanOrEqual(replicas - unavailable);
          if (sets[0]?.spec?.replicas === 0 && sets[1]?.status?.availableReplicas === replicas) return;
        }
        expect.fail('it did not end');
      },
    ),
    { numRuns: 300 },
  );
});

describe('Recreate', () => {
  const deployment = makeDeployment({ strategy: { type: 'Recreate' } });
  const sets = (old: number): ReplicaSet[] => [
    makeSet('old', old, { image: 'app:0' }),
    makeSet('new', 0, { createdAt: 1 }),
  ];
  test.for([
    { name: 'first takes the old pods away', old: 3, run: true, want: { old: 0 } },
    { name: 'waits for them to end', old: 0, run: true, want: {} },
    { name: 'then brings the new ones', old: 0, run: false, want: { new: 3 } },
  ])('$name', ({ old, run, want }) => {
    expect(summary(decideRecreate(deployment, toRollout(deployment, sets(old)), run))).toEqual(want);
  });
});

describe('a change of the number of replicas', () => {
  const desired = (count: number) => ({ annotations: { 'deployment.kubernetes.io/desired-replicas': String(count) } });
  test('reaches the only set with pods at once, paused or not', () => {
    const deployment = makeDeployment({ replicas: 5, paused: true });
    const rollout = toRollout(deployment, [makeSet('new', 3, desired(3))]);
    expect(summary(decideScaling(deployment, rollout))).toEqual({ new: 5 });
  });

  test('is shared in proportion in the middle of a rollout', () => {
    const deployment: Deployment = makeDeployment(rolling(0, 1, 20));
    const rollout = toRollout(deployment, [
      makeSet('old', 6, { image: 'app:0', ...desired(10) }),
      makeSet('new', 4, { createdAt: 1, ...desired(10) }),
    ]);
    expect(summary(decideScaling(deployment, rollout))).toEqual({ old: 12, new: 8 });
  });

  test('is told from a rollout that goes on', () => {
    const deployment = makeDeployment();
    expect(decideScaling(deployment, toRollout(deployment, [makeSet('new', 2, desired(3))]))).toBeUndefined();
  });
});

test('a new set starts with what the surge leaves', () => {
  const old = [makeSet('old', 3, { image: 'app:0' })];
  expect(firstReplicas(makeDeployment(), [])).toBe(3);
  expect(firstReplicas(makeDeployment(rolling(2, 0)), old)).toBe(2);
  expect(firstReplicas(makeDeployment({ strategy: { type: 'Recreate' } }), old)).toBe(0);
});

test('old sets without pods go, oldest revision first, beyond the history that is kept', () => {
  const revision = (value: number) => ({ annotations: { 'deployment.kubernetes.io/revision': String(value) } });
  const old = [
    makeSet('r3', 0, revision(3)),
    makeSet('r1', 0, revision(1)),
    makeSet('busy', 1, revision(0)),
    makeSet('r2', 0, revision(2)),
  ];
  const gone = decideCleanup(makeDeployment({ revisionHistoryLimit: 2 }), old);
  expect(gone.map(({ metadata }) => metadata.name)).toEqual(['r1', 'r2']);
});
