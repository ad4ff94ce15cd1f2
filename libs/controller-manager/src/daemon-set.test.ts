import { describe, expect, test } from 'vitest';
import { epochMs, makePod, makeTemplate, type PodChange } from './builders.ts';
import { type DaemonSet, daemonSetStatus, decideDaemonSet, wantedNodes } from './daemon-set.ts';
import { decidePlacement, type Node } from './scheduling.ts';
import type { Pod } from './workload.ts';

function makeNode(
  name: string,
  change: Partial<Node['spec'] & object> = {},
  labels: Record<string, string> = {},
): Node {
  const status = { allocatable: { cpu: '2', memory: '4Gi' } };
  return { apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, spec: change, status };
}

const set: DaemonSet = {
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'd', namespace: 'ns', uid: 'uid-d' },
  spec: { template: makeTemplate() },
};

function pod(node: string, revision: string, change: PodChange = { readySince: 0 }): Pod {
  return makePod(`d-${node}`, { ...change, node, metadata: { labels: { 'controller-revision-hash': revision } } });
}

describe('a daemon set', () => {
  const cases: { name: string; pods: Pod[]; create?: string[]; remove?: string[] }[] = [
    { name: 'puts a pod on every node', pods: [], create: ['a', 'b'] },
    { name: 'leaves what is there', pods: [pod('a', 'new'), pod('b', 'new')] },
    { name: 'replaces one outdated pod at a time', pods: [pod('a', 'old'), pod('b', 'old')], remove: ['d-a'] },
    { name: 'waits while a pod is missing', pods: [pod('a', 'old'), pod('b', 'new', {})] },
    {
      name: 'replaces an outdated pod that does not serve at once',
      pods: [pod('a', 'old', {}), pod('b', 'old')],
      remove: ['d-a'],
    },
    {
      name: 'replaces a pod that has ended',
      pods: [pod('a', 'new', { phase: 'Failed' }), pod('b', 'new')],
      remove: ['d-a'],
    },
    {
      name: 'removes a pod from a node that it does not want',
      pods: [pod('a', 'new'), pod('b', 'new'), pod('c', 'new')],
      remove: ['d-c'],
    },
  ];
  test.for(cases)('$name', ({ pods, create = [], remove = [] }) => {
    const decision = decideDaemonSet(set, pods, ['a', 'b'], 'new', epochMs);
    expect(decision.create).toEqual(create);
    expect(decision.remove.map(({ metadata }) => metadata.name)).toEqual(remove);
  });

  test('counts what is where', () => {
    const pods = [pod('a', 'new'), pod('b', 'old', {}), pod('c', 'old')];
    expect(daemonSetStatus(set, pods, ['a', 'b'], 'new', epochMs)).toMatchObject({
      desiredNumberScheduled: 2,
      currentNumberScheduled: 2,
      numberMisscheduled: 1,
      numberReady: 1,
      numberUnavailable: 1,
      updatedNumberScheduled: 1,
    });
  });

  test('runs on nodes that take no other pods, but not against its node selector', () => {
    const nodes = [makeNode('a', { unschedulable: true }), makeNode('b', {}, { disk: 'ssd' })];
    expect(wantedNodes(set, nodes)).toEqual(['a', 'b']);
    const spec = { template: { ...makeTemplate(), spec: { nodeSelector: { disk: 'ssd' } } } };
    expect(wantedNodes({ ...set, spec }, nodes)).toEqual(['b']);
  });
});

describe('a pod', () => {
  const requests = { cpu: '4' };
  const affinity = {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'disk', operator: 'NotIn', values: ['ssd'] }] }],
      },
    },
  };
  const cases: { name: string; spec: Pod['spec'] & object; nodes?: Node[]; want: object }[] = [
    { name: 'goes to the first node by name', spec: {}, nodes: [makeNode('b'), makeNode('a')], want: { node: 'a' } },
    { name: 'goes where its selector says', spec: { nodeSelector: { disk: 'ssd' } }, want: { node: 'b' } },
    { name: 'goes where its affinity says', spec: { affinity }, want: { node: 'a' } },
    {
      name: 'says that no node has the labels',
      spec: { nodeSelector: { gpu: 'yes' } },
      want: { message: "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector." },
    },
    {
      name: 'says that no node is large enough',
      spec: { containers: [{ name: 'c', resources: { requests } }] },
      want: { reason: 'Unschedulable', message: '0/2 nodes are available: 2 Insufficient cpu.' },
    },
    { name: 'waits at its gates', spec: { schedulingGates: [{ name: 'g' }] }, want: { reason: 'SchedulingGated' } },
    {
      name: 'keeps off tainted nodes',
      spec: {},
      nodes: [makeNode('a', { taints: [{ key: 'k', effect: 'NoSchedule' }] }), makeNode('b')],
      want: { node: 'b' },
    },
    {
      name: 'says that there is no node yet',
      spec: {},
      nodes: [],
      want: { message: '0/0 nodes are available: no node has joined yet.' },
    },
  ];
  test.for(cases)('$name', ({ spec, nodes = [makeNode('a'), makeNode('b', {}, { disk: 'ssd' })], want }) => {
    expect(decidePlacement(makePod('p', { node: '', spec }), nodes)).toMatchObject(want);
  });
});
