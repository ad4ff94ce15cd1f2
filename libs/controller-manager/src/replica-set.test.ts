import { expect, test } from 'vitest';
import { epochMs, makePod, makeSet } from './builders.ts';
import { availableAtMs, compareForDeletion, nextAvailableInMs } from './pod-state.ts';
import { decideReplicas, replicaSetStatus } from './replica-set.ts';

const names = (pods: readonly { readonly metadata: { readonly name: string } }[]) =>
  pods.map(({ metadata }) => metadata.name);

test('makes what is missing, without counting pods that ended or are going', () => {
  const pods = [makePod('a'), makePod('b', { phase: 'Failed' }), makePod('c', { deleting: true })];
  expect(decideReplicas(makeSet('s', 3), pods)).toEqual({ create: 2, remove: [] });
});

test('gives up the pods whose loss costs least', () => {
  const pods = [
    makePod('old-ready', { readySince: 0 }),
    makePod('new-ready', { readySince: 100 }),
    makePod('not-ready'),
    makePod('pending', { phase: 'Pending' }),
    makePod('unassigned', { phase: 'Pending', node: '' }),
    makePod('cheap', {
      readySince: 0,
      metadata: { annotations: { 'controller.kubernetes.io/pod-deletion-cost': '-1' } },
    }),
    makePod('restarted', { readySince: 0, restarts: 3 }),
  ];
  const order = names(pods.toSorted(compareForDeletion));
  expect(order).toEqual(['unassigned', 'pending', 'not-ready', 'cheap', 'new-ready', 'restarted', 'old-ready']);
  expect(names(decideReplicas(makeSet('s', 5), pods).remove)).toEqual(['unassigned', 'pending']);
});

test('a pod is available once it has been ready for long enough', () => {
  const pod = makePod('a', { readySince: 10 });
  expect(availableAtMs(pod, 30)).toBe(epochMs + 40_000);
  expect(nextAvailableInMs([pod, makePod('b')], 30, epochMs + 25_000)).toBe(15_000);
  const set = { ...makeSet('s', 2), spec: { ...makeSet('s', 2).spec, minReadySeconds: 30 } };
  expect(replicaSetStatus(set, [pod, makePod('b')], epochMs + 39_000)).toMatchObject({
    replicas: 2,
    fullyLabeledReplicas: 2,
    readyReplicas: 1,
    availableReplicas: 0,
  });
});
