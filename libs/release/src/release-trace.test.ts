import type { Condition, HelmRelease, KubeObject, Source } from '@sluice/model';
import { expect, test } from 'vitest';
import { historyRows, standingOf, traceRelease, type TracedPod } from './release-trace.ts';
import { makeRecord, makeSnapshot } from './testing.ts';

const condition = (type: string, status: Condition['status'], reason: string, message = reason): Condition => ({
  type,
  status,
  reason,
  message,
  observedGeneration: 1,
  lastTransitionTime: '2026-01-01T00:00:00Z',
});

function release(conditions: readonly Condition[], more: object = {}, metadata: object = {}): HelmRelease {
  const testHooks = { a: { phase: 'Failed' }, b: { phase: 'Succeeded' } };
  const history = [
    makeSnapshot(makeRecord({ version: 2 }), { testHooks }),
    makeSnapshot(makeRecord({ status: 'superseded' })),
  ];
  return {
    apiVersion: 'helm.toolkit.fluxcd.io/v2',
    kind: 'HelmRelease',
    metadata: { name: 'demo', namespace: 'apps', generation: 1, ...metadata },
    spec: { interval: '1m', ...more },
    status: { conditions, history },
  };
}

const ready = condition('Ready', 'True', 'UpgradeSucceeded');
const cases: { name: string; given: HelmRelease; want: string }[] = [
  { name: 'ready', given: release([ready]), want: 'Ready UpgradeSucceeded' },
  { name: 'suspended', given: release([ready], { suspend: true }), want: 'Suspended ' },
  { name: 'being deleted', given: release([ready], {}, { deletionTimestamp: 'x' }), want: 'Deleting UpgradeSucceeded' },
  { name: 'changed and not looked at yet', given: release([ready], {}, { generation: 2 }), want: 'Unknown ' },
  {
    name: 'waiting for its source',
    given: release([condition('Ready', 'False', 'SourceNotReady'), condition('Reconciling', 'True', 'Progressing')]),
    want: 'Waiting SourceNotReady',
  },
  {
    name: 'stalled',
    given: release([condition('Ready', 'False', 'UpgradeFailed'), condition('Stalled', 'True', 'RetriesExceeded')]),
    want: 'Stalled RetriesExceeded',
  },
  {
    name: 'being upgraded',
    given: release([condition('Ready', 'Unknown', 'Progressing'), condition('Reconciling', 'True', 'Progressing')]),
    want: 'Working Progressing',
  },
  { name: 'failed', given: release([condition('Ready', 'False', 'UpgradeFailed')]), want: 'Failed UpgradeFailed' },
];

test.for(cases)('a release that is $name stands as $want', ({ given, want }) => {
  const { phase, reason } = standingOf(given);
  expect(`${phase} ${reason}`).toBe(want);
});

test('the history names revision, action, chart and tests, also of what only helm remembers', () => {
  const records = [1, 2, 7].map((version) => makeRecord({ version, status: 'superseded' }));
  expect(
    historyRows(release([ready]), records).map(({ revision, status, chart, tests }) => [
      revision,
      status,
      chart,
      tests,
    ]),
  ).toEqual([
    [7, 'superseded', 'demo@1.0.0', ''],
    [2, 'deployed', 'demo@1.0.0', '1 of 2 failed'],
    [1, 'superseded', 'demo@1.0.0', ''],
  ]);
});

const traced = (pod: object, more: object = {}) =>
  traceRelease({
    release: release([condition('Ready', 'Unknown', 'Progressing', 'Running upgrade')], more, {
      annotations: { sha: 'abc', run: 'ci-1' },
    }),
    run: { metadata: { name: 'ci-1' }, status: { phase: 'Succeeded' } } as unknown as KubeObject<unknown, object>,
    source: {
      kind: 'OCIRepository',
      metadata: { name: 'chart' },
      status: { artifact: { revision: '1@sha256:a' }, conditions: [ready] },
    } as unknown as Source,
    pods: [{ metadata: { name: 'p' }, status: pod } as unknown as TracedPod],
    keys: { sha: 'sha', workflow: 'run' },
  }).map(({ what, name, state, why }) => [what, name, state, why].join('|'));

test('a trace goes from the commit to the pods and says what each step waits for', () => {
  const image = { repository: 'r/app', digest: 'sha256:d' };
  const pod = { phase: 'Pending', conditions: [condition('Ready', 'False', 'ContainersNotReady', 'no container')] };
  expect(traced(pod, { values: { image, images: { app: image }, other: 1 } })).toEqual([
    'commit|abc||',
    'run|ci-1|Succeeded|',
    'image|r/app@sha256:d||',
    'OCIRepository|chart 1@sha256:a|Ready|',
    'release|apps/demo revision 2|Working|Running upgrade',
    'pod|p|Pending|ContainersNotReady: no container',
  ]);
});

test.for([
  {
    name: 'its container, where that says',
    pod: {
      containerStatuses: [{ name: 'c', state: { waiting: { reason: 'ImagePullBackOff', message: 'not there' } } }],
    },
    want: 'ImagePullBackOff: not there',
  },
  {
    name: 'the scheduler, where it has no place',
    pod: { conditions: [condition('PodScheduled', 'False', 'Unschedulable', 'no node is large enough')] },
    want: 'Unschedulable: no node is large enough',
  },
])('a pod waits for $name', ({ pod, want }) => {
  expect(traced({ phase: 'Pending', ...pod }).at(-1)).toBe(`pod|p|Pending|${want}`);
});
