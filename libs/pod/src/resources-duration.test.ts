import { expect, test } from 'vitest';
import { resourcesDurationOf } from './resources-duration.ts';

const ran = (seconds: number) => ({
  terminated: {
    exitCode: 0,
    startedAt: '2026-01-01T00:00:00Z',
    finishedAt: new Date(Date.UTC(2026, 0, 1) + seconds * 1_000).toISOString(),
  },
});

const podOf = (resources: object | undefined, seconds: number) => ({
  metadata: { name: 'p' },
  spec: { containers: [{ name: 'main', ...(resources ? { resources } : {}) }] },
  status: { phase: 'Succeeded', containerStatuses: [{ name: 'main', state: ran(seconds) }] },
});

test.for([
  { name: 'a tenth of a CPU and 100 MiB where nothing is asked for', seconds: 60, want: { cpu: 6, memory: 60 } },
  {
    name: 'requests before limits',
    resources: { limits: { cpu: '2', memory: '1Gi' }, requests: { cpu: '500m' } },
    seconds: 10,
    want: { cpu: 5, memory: 102 },
  },
  {
    name: 'other resources as they are',
    resources: { limits: { 'nvidia.com/gpu': 1 } },
    seconds: 7,
    want: { cpu: 0, memory: 7, 'nvidia.com/gpu': 7 },
  },
])('$name', ({ resources, seconds, want }) => {
  expect(resourcesDurationOf(podOf(resources, seconds))).toEqual(want);
});

test('a pod of which nothing is known has used nothing that could be told', () => {
  expect(resourcesDurationOf({ metadata: { name: 'p' } })).toBeUndefined();
});
