import { describe, expect, test } from 'vitest';
import { at, epochMs, makePod, makeTemplate } from './builders.ts';
import { decideJob, formatIndexes, type Job, type JobSpec, type JobStatus, parseIndexes } from './job.ts';
import type { Pod } from './workload.ts';

function makeJob(spec: JobSpec = {}, status: JobStatus = { startTime: at(0) }): Job {
  const metadata = { name: 'j', namespace: 'ns', uid: 'uid-j' };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata,
    spec: { completions: 1, template: makeTemplate(), ...spec },
    status,
  };
}

const succeeded = (name: string) => makePod(name, { phase: 'Succeeded', endedAt: 0 });
const failed = (name: string, endedAt = 0) => makePod(name, { phase: 'Failed', endedAt });
const indexed = (pod: Pod, index: number): Pod => ({
  ...pod,
  metadata: { ...pod.metadata, annotations: { 'batch.kubernetes.io/job-completion-index': String(index) } },
});

type Case = {
  name: string;
  spec?: JobSpec;
  status?: JobStatus;
  pods: Pod[];
  seconds?: number;
  create?: (number | undefined)[];
  remove?: string[];
  conditions?: string[];
  lookInMs?: number;
};

const cases: Case[] = [
  {
    name: 'starts as many pods as may run at once',
    spec: { completions: 5, parallelism: 2 },
    pods: [],
    create: [undefined, undefined],
  },
  {
    name: 'starts no more than are still needed',
    spec: { completions: 3, parallelism: 2 },
    pods: [succeeded('a'), succeeded('b')],
    create: [undefined],
  },
  { name: 'waits for a pod on its way out', pods: [makePod('a', { deleting: true })] },
  {
    name: 'is complete with its last success',
    pods: [succeeded('a')],
    conditions: ['SuccessCriteriaMet=CompletionsReached', 'Complete=CompletionsReached'],
  },
  {
    name: 'ends pods that are not needed any more before it is complete',
    spec: { parallelism: 2 },
    pods: [succeeded('a'), makePod('b')],
    remove: ['b'],
    conditions: ['SuccessCriteriaMet=CompletionsReached'],
  },
  { name: 'tries again after ten seconds', pods: [failed('a', 0)], seconds: 4, lookInMs: 6_000 },
  { name: 'tries again then', pods: [failed('a', 0)], seconds: 10, create: [undefined] },
  {
    name: 'waits twice as long after the second failure',
    pods: [failed('a', 0), failed('b', 10)],
    seconds: 15,
    lookInMs: 15_000,
  },
  {
    name: 'fails beyond its limit',
    spec: { backoffLimit: 1 },
    pods: [failed('a'), failed('b')],
    conditions: ['FailureTarget=BackoffLimitExceeded', 'Failed=BackoffLimitExceeded'],
  },
  {
    name: 'fails when one pod restarts too often',
    spec: { backoffLimit: 2, template: { spec: { restartPolicy: 'OnFailure' } } },
    pods: [makePod('a', { restarts: 2 })],
    remove: ['a'],
    conditions: ['FailureTarget=BackoffLimitExceeded'],
  },
  {
    name: 'looks again at its deadline',
    spec: { activeDeadlineSeconds: 60 },
    pods: [makePod('a')],
    seconds: 20,
    lookInMs: 40_000,
  },
  {
    name: 'fails at its deadline and ends its pods first',
    spec: { activeDeadlineSeconds: 60 },
    pods: [makePod('a')],
    seconds: 60,
    remove: ['a'],
    conditions: ['FailureTarget=DeadlineExceeded'],
  },
  {
    name: 'ends its pods when it is suspended',
    spec: { suspend: true },
    pods: [makePod('a')],
    remove: ['a'],
    conditions: ['Suspended=JobSuspended'],
  },
  {
    name: 'without a number of completions needs one success',
    spec: { completions: undefined as unknown as number, parallelism: 2 },
    pods: [succeeded('a')],
    conditions: ['SuccessCriteriaMet=CompletionsReached', 'Complete=CompletionsReached'],
  },
  {
    name: 'gives free indexes to new pods',
    spec: { completionMode: 'Indexed', completions: 4, parallelism: 4 },
    pods: [indexed(succeeded('a'), 0), indexed(makePod('b'), 2)],
    create: [1, 3],
  },
  {
    name: 'counts an index once',
    spec: { completionMode: 'Indexed', completions: 2, parallelism: 2 },
    pods: [indexed(succeeded('a'), 0), indexed(succeeded('b'), 0)],
    create: [1],
  },
  {
    name: 'refuses what it does not know by name',
    spec: { podFailurePolicy: { rules: [] } },
    pods: [],
    conditions: ['FailureTarget=NotSupported', 'Failed=NotSupported'],
  },
  {
    name: 'does not forget successes whose pods are gone',
    status: { startTime: at(0), succeeded: 2 },
    spec: { completions: 3, parallelism: 3 },
    pods: [],
    create: [undefined],
  },
];

describe('a job', () => {
  test.for(cases)(
    '$name',
    ({ spec = {}, status, pods, seconds = 1, create = [], remove = [], conditions = [], lookInMs }) => {
      const decision = decideJob(makeJob(spec, status), pods, epochMs + seconds * 1_000);
      expect(decision.create).toEqual(create);
      expect(decision.remove.map(({ metadata }) => metadata.name)).toEqual(remove);
      expect(decision.status.conditions?.map(({ type, reason }) => `${type}=${reason}`)).toEqual(conditions);
      expect(decision.lookInMs).toBe(lookInMs);
    },
  );
});

test('indexes are written as ranges and read again', () => {
  expect(formatIndexes([0, 1, 2, 5, 7, 8])).toBe('0-2,5,7-8');
  expect(parseIndexes('0-2,5,7-8')).toEqual([0, 1, 2, 5, 7, 8]);
  expect(parseIndexes('')).toEqual([]);
});
