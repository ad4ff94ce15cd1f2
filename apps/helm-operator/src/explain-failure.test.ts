import { resources, type KubeObject } from '@sluice/model';
import { decodeRelease } from '@sluice/helm';
import { makeReleaseSecret } from '@sluice/helm/testing';
import { FakeKube } from '@sluice/reconcile/testing';
import { beforeEach, expect, test } from 'vitest';
import { explainFailure } from './explain-failure.ts';

const manifest = `apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec: { selector: { matchLabels: { app: web } } }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web } }
`;
const record = decodeRelease(makeReleaseSecret({ namespace: 'apps', extra: { manifest } }));
const signal = new AbortController().signal;
let kube: FakeKube;

beforeEach(() => {
  kube = new FakeKube();
});

function pod(name: string, status: object, labels = { app: 'web' }): KubeObject {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'apps', name, labels }, status };
}

function event(name: string, podName: string, lastTimestamp: string, message: string): KubeObject {
  const metadata = { namespace: 'apps', name };
  const involvedObject = { kind: 'Pod', name: podName };
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata,
    involvedObject,
    type: 'Warning',
    reason: 'BackOff',
    message,
    lastTimestamp,
  } as KubeObject;
}

const crashing = {
  phase: 'Running',
  conditions: [{ type: 'Ready', status: 'False' }],
  containerStatuses: [
    {
      name: 'app',
      ready: false,
      restartCount: 3,
      state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 40s' } },
      lastState: { terminated: { exitCode: 7 } },
    },
  ],
};
const ready = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };

test('a crashing pod is named with its reason, its newest warning and the end of its log', async () => {
  kube.put(
    resources.pods,
    pod('web-1', crashing),
    pod('web-2', ready),
    pod('other', crashing, { app: 'else' } as never),
  );
  kube.put(
    resources.events,
    event('a', 'web-1', '2026-01-01T00:00:01Z', 'old'),
    event('b', 'web-1', '2026-01-01T00:00:02Z', 'restarting'),
  );
  const lines = Array.from({ length: 30 }, (_, index) => `line ${index}`);
  kube.setLogs({ namespace: 'apps', name: 'web-1' }, `${lines.join('\n')}\n`);
  expect(await explainFailure(kube, record, signal)).toBe(
    [
      'pod web-1: container app waits: CrashLoopBackOff (back-off 40s), exit code 7 before, restarted 3 times',
      '  last event: BackOff: restarting',
      '  last log lines of app:',
      ...lines.slice(-10).map((line) => `    ${line}`),
    ].join('\n'),
  );
});

test('a pod that found no node says so', async () => {
  const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: 'no node has room' }];
  kube.put(resources.pods, pod('web-1', { phase: 'Pending', conditions }));
  expect(await explainFailure(kube, record, signal)).toBe('pod web-1: Pending: Unschedulable: no node has room');
});

test('at most three pods are told about', async () => {
  kube.put(resources.pods, ...Array.from({ length: 9 }, (_, index) => pod(`web-${index}`, crashing)));
  expect((await explainFailure(kube, record, signal)).match(/^pod /gm)).toHaveLength(3);
});

test('long logs and long lines are cut', async () => {
  kube.put(resources.pods, pod('web-1', crashing), pod('web-2', crashing));
  for (const name of ['web-1', 'web-2']) kube.setLogs({ namespace: 'apps', name }, `${'x'.repeat(9_000)}\n`.repeat(20));
  const text = await explainFailure(kube, record, signal);
  expect(text.length).toBeLessThanOrEqual(4_000);
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(304);
});

test('what cannot be read is left out', async () => {
  kube.put(resources.pods, pod('web-1', crashing));
  kube.fail({ verb: 'logs', error: new Error('gone') });
  kube.fail({ verb: 'list', resource: resources.events, error: new Error('forbidden') });
  expect(await explainFailure(kube, record, signal)).toMatch(/^pod web-1: container app waits: CrashLoopBackOff/);
  kube.fail({ verb: 'list', resource: resources.pods, error: new Error('forbidden') });
  expect(await explainFailure(kube, record, signal)).toBe('');
  expect(await explainFailure(kube, undefined, signal)).toBe('');
});
