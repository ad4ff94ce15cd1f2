import { describe, expect, test } from 'vitest';
import { epochMs, makePod, makeTemplate, type PodChange } from './builders.ts';
import { buildClaims, buildStatefulPod, decideStatefulSet, type StatefulSet } from './stateful-set.ts';
import type { Pod } from './workload.ts';

type Spec = NonNullable<StatefulSet['spec']>;

function makeSet(spec: Partial<Spec> = {}): StatefulSet {
  const metadata = { name: 's', namespace: 'ns', uid: 'uid-s' };
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata,
    spec: { replicas: 3, template: makeTemplate(), ...spec },
  };
}

function pod(ordinal: number, revision: string, change: PodChange = { readySince: 0 }): Pod {
  const labels = { 'controller-revision-hash': revision };
  return makePod(`s-${ordinal}`, { ...change, metadata: { labels } });
}

describe('a step of a stateful set', () => {
  const cases: { name: string; spec?: Partial<Spec>; pods: Pod[]; create?: number[]; remove?: string[] }[] = [
    { name: 'begins with the first pod', pods: [], create: [0] },
    { name: 'waits for a pod to be ready before the next', pods: [pod(0, 'new', {})] },
    { name: 'goes on once it is', pods: [pod(0, 'new')], create: [1] },
    { name: 'fills a gap first', pods: [pod(0, 'new'), pod(2, 'new')], create: [1] },
    { name: 'makes all at once when Parallel', spec: { podManagementPolicy: 'Parallel' }, pods: [], create: [0, 1, 2] },
    { name: 'counts from its first ordinal', spec: { ordinals: { start: 5 } }, pods: [], create: [5] },
    {
      name: 'shrinks from the end, one at a time',
      spec: { replicas: 1 },
      pods: [pod(0, 'new'), pod(1, 'new'), pod(2, 'new')],
      remove: ['s-2'],
    },
    {
      name: 'waits for the one that goes',
      spec: { replicas: 1 },
      pods: [pod(0, 'new'), pod(1, 'new'), pod(2, 'new', { deleting: true })],
    },
    { name: 'updates from the end', pods: [pod(0, 'old'), pod(1, 'old'), pod(2, 'old')], remove: ['s-2'] },
    {
      name: 'updates the next once the last is ready',
      pods: [pod(0, 'old'), pod(1, 'old'), pod(2, 'new')],
      remove: ['s-1'],
    },
    { name: 'stops when an updated pod is not ready', pods: [pod(0, 'old'), pod(1, 'old'), pod(2, 'new', {})] },
    {
      name: 'leaves pods below the partition',
      spec: { updateStrategy: { rollingUpdate: { partition: 2 } } },
      pods: [pod(0, 'old'), pod(1, 'old'), pod(2, 'new')],
    },
    {
      name: 'leaves updates to the user when OnDelete',
      spec: { updateStrategy: { type: 'OnDelete' } },
      pods: [pod(0, 'old'), pod(1, 'old'), pod(2, 'old')],
    },
    { name: 'replaces a pod that has ended', pods: [pod(0, 'new', { phase: 'Failed' })], remove: ['s-0'] },
    { name: 'mends a broken pod of an older revision', pods: [pod(0, 'old', {})], remove: ['s-0'] },
  ];
  test.for(cases)('$name', ({ spec, pods, create = [], remove = [] }) => {
    const decision = decideStatefulSet(makeSet(spec), pods, 'new', epochMs);
    expect(decision.create.map(({ ordinal }) => ordinal)).toEqual(create);
    expect(decision.remove.map(({ metadata }) => metadata.name)).toEqual(remove);
  });
});

test('a pod has its name, its host name and claims of its own', () => {
  const claim = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data' },
    spec: { accessModes: ['ReadWriteOnce'] },
  };
  const set = makeSet({ serviceName: 'svc', volumeClaimTemplates: [claim], selector: { matchLabels: { app: 'a' } } });
  const made = buildStatefulPod(set, set.spec?.template, 1, 'hash');
  expect(made.metadata).toMatchObject({
    name: 's-1',
    labels: { app: 'a', 'statefulset.kubernetes.io/pod-name': 's-1', 'apps.kubernetes.io/pod-index': '1' },
  });
  expect(made.spec).toMatchObject({
    hostname: 's-1',
    subdomain: 'svc',
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data-s-1' } }],
  });
  expect(buildClaims(set, 1)).toMatchObject([
    { metadata: { name: 'data-s-1', namespace: 'ns', labels: { app: 'a' } } },
  ]);
});
