import { describe, expect, test } from 'vitest';
import { at, epochMs, makePod, makeTemplate } from './builders.ts';
import { decideJob, type Job, type JobSpec, type JobStatus } from './job.ts';
import { buildJobPod } from './job-controller.ts';
import { formatIndexes, parseIndexes } from './job-indexes.ts';
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

const exited = (name: string, exitCode: number, endedAt = 0): Pod => {
  const pod = failed(name, endedAt);
  const terminated = { exitCode, finishedAt: at(endedAt) };
  return { ...pod, status: { ...pod.status, containerStatuses: [{ name: 'main', state: { terminated } }] } };
};
const exitCodes = (action: 'FailJob' | 'FailIndex', values: number[]): NonNullable<JobSpec['podFailurePolicy']> => ({
  rules: [{ action, onExitCodes: { containerName: 'main', operator: 'In', values } }],
});
const ignoreDisruption = { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] } as const;
const disrupted = (name: string): Pod => {
  const pod = failed(name);
  return { ...pod, status: { ...pod.status, conditions: [{ type: 'DisruptionTarget', status: 'True' }] } };
};
const limitedByIndex: JobSpec = { completionMode: 'Indexed', backoffLimitPerIndex: 1 };
const failedBefore = (pod: Pod, count: number): Pod => ({
  ...pod,
  metadata: {
    ...pod.metadata,
    annotations: { ...pod.metadata.annotations, 'batch.kubernetes.io/job-index-failure-count': String(count) },
  },
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
  { name: 'replaces a pod on its way out', pods: [makePod('a', { deleting: true })], create: [undefined] },
  {
    name: 'waits for a pod on its way out where it is asked to',
    spec: { podReplacementPolicy: 'Failed' },
    pods: [makePod('a', { deleting: true })],
  },
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
    name: 'fails at once with an exit code that its policy calls fatal, and ends its pods first',
    spec: { podFailurePolicy: exitCodes('FailJob', [42]), parallelism: 2, completions: 2 },
    pods: [exited('a', 42), makePod('b')],
    remove: ['b'],
    conditions: ['FailureTarget=PodFailurePolicy'],
  },
  {
    name: 'counts an exit code that no rule names',
    spec: { podFailurePolicy: exitCodes('FailJob', [42]), backoffLimit: 0 },
    pods: [exited('a', 1)],
    conditions: ['FailureTarget=BackoffLimitExceeded', 'Failed=BackoffLimitExceeded'],
  },
  {
    name: 'does not count a disruption that its policy ignores',
    spec: { podFailurePolicy: { rules: [ignoreDisruption] }, backoffLimit: 0 },
    pods: [disrupted('a')],
    seconds: 10,
    create: [undefined],
  },
  {
    name: 'fails an index beyond its own limit and goes on with the others',
    spec: { ...limitedByIndex, completions: 2, parallelism: 2 },
    pods: [failedBefore(indexed(exited('a', 1), 0), 1), indexed(makePod('b'), 1)],
    seconds: 60,
  },
  {
    name: 'retries each index after its own time',
    spec: { ...limitedByIndex, completions: 2, parallelism: 2 },
    pods: [indexed(exited('a', 1, 0), 0), indexed(exited('b', 1, 8), 1)],
    seconds: 11,
    create: [0],
    lookInMs: 7_000,
  },
  {
    name: 'has failed once every index has succeeded or failed',
    spec: { ...limitedByIndex, completions: 2 },
    pods: [failedBefore(indexed(exited('a', 1), 0), 1), indexed(succeeded('b'), 1)],
    conditions: ['FailureTarget=FailedIndexes', 'Failed=FailedIndexes'],
  },
  {
    name: 'has failed with more failed indexes than it may have',
    spec: { ...limitedByIndex, completions: 5, maxFailedIndexes: 0 },
    pods: [failedBefore(indexed(exited('a', 1), 0), 1)],
    conditions: ['FailureTarget=MaxFailedIndexesExceeded', 'Failed=MaxFailedIndexesExceeded'],
  },
  {
    name: 'fails an index for good where its policy says so',
    spec: { ...limitedByIndex, completions: 1, podFailurePolicy: exitCodes('FailIndex', [7]) },
    pods: [indexed(exited('a', 7), 0)],
    conditions: ['FailureTarget=FailedIndexes', 'Failed=FailedIndexes'],
  },
  {
    name: 'is done when the indexes that its policy names have succeeded, and ends the others',
    spec: {
      completionMode: 'Indexed',
      completions: 3,
      parallelism: 3,
      successPolicy: { rules: [{ succeededIndexes: '0' }] },
    },
    pods: [indexed(succeeded('a'), 0), indexed(makePod('b'), 1)],
    remove: ['b'],
    conditions: ['SuccessCriteriaMet=SuccessPolicy'],
  },
  {
    name: 'is done with as many successes as its policy asks for',
    spec: {
      completionMode: 'Indexed',
      completions: 3,
      parallelism: 3,
      successPolicy: { rules: [{ succeededCount: 2 }] },
    },
    pods: [indexed(succeeded('a'), 0), indexed(succeeded('b'), 2)],
    conditions: ['SuccessCriteriaMet=SuccessPolicy', 'Complete=SuccessPolicy'],
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

test('the pod of an index is told which one it is and how often it has failed', () => {
  const job = makeJob({ ...limitedByIndex, completions: 2 });
  const pod = buildJobPod(job, 1, [failedBefore(indexed(exited('a', 1), 1), 0)]);
  expect(pod.metadata).toMatchObject({
    generateName: 'j-1-',
    annotations: {
      'batch.kubernetes.io/job-completion-index': '1',
      'batch.kubernetes.io/job-index-failure-count': '1',
    },
  });
  expect(pod.spec).toMatchObject({
    hostname: 'j-1',
    containers: [{ env: [{ name: 'JOB_COMPLETION_INDEX', value: '1' }] }],
  });
});

test('a range that is written too long is cut', () => {
  expect(parseIndexes('0-999999999', 3)).toEqual([0, 1, 2]);
});

test('indexes are written as ranges and read again', () => {
  expect(formatIndexes([0, 1, 2, 5, 7, 8])).toBe('0-2,5,7-8');
  expect(parseIndexes('0-2,5,7-8')).toEqual([0, 1, 2, 5, 7, 8]);
  expect(parseIndexes('')).toEqual([]);
});
