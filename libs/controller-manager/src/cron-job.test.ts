import { describe, expect, test } from 'vitest';
import { at, epochMs } from './builders.ts';
import { buildCronRun, type CronJob, decideCronJob } from './cron-job.ts';
import { dueRuns, parseSchedule } from './cron-schedule.ts';
import type { Job } from './job.ts';

type Spec = NonNullable<CronJob['spec']>;

function makeCronJob(spec: Spec, lastScheduleTime = at(0)): CronJob {
  const metadata = { name: 'c', namespace: 'ns', uid: 'uid-c', creationTimestamp: at(0) };
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata,
    spec: { schedule: '*/5 * * * *', ...spec },
    status: { lastScheduleTime },
  };
}

function makeRun(name: string, end?: 'Complete' | 'Failed', startedAt = 0): Job {
  const conditions = end ? [{ type: end, status: 'True' }] : [];
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace: 'ns' },
    status: { startTime: at(startedAt), conditions },
  };
}

describe('a cron job', () => {
  const cases: {
    name: string;
    spec?: Spec;
    jobs?: Job[];
    seconds: number;
    start?: number;
    remove?: string[];
    notes?: string[];
    lookInMs?: number;
  }[] = [
    { name: 'waits until its time', seconds: 100, lookInMs: 200_000 },
    { name: 'starts at its time', seconds: 300, start: 300, lookInMs: 300_000 },
    { name: 'starts only the last of several missed runs', seconds: 1_000, start: 900, lookInMs: 200_000 },
    {
      name: 'passes over a run that is later than its deadline',
      spec: { startingDeadlineSeconds: 30 },
      seconds: 350,
      lookInMs: 250_000,
    },
    { name: 'does not start while suspended', spec: { suspend: true }, seconds: 300 },
    {
      name: 'does not start beside a running one when that is forbidden',
      spec: { concurrencyPolicy: 'Forbid' },
      jobs: [makeRun('x')],
      seconds: 300,
      notes: ['JobAlreadyActive'],
      lookInMs: 300_000,
    },
    {
      name: 'replaces a running one when told so',
      spec: { concurrencyPolicy: 'Replace' },
      jobs: [makeRun('x')],
      seconds: 300,
      start: 300,
      remove: ['x'],
      lookInMs: 300_000,
    },
    {
      name: 'does not start a run that is there',
      jobs: [makeRun(`c-${epochMs / 60_000 + 5}`)],
      seconds: 300,
      lookInMs: 300_000,
    },
    {
      name: 'says that many were missed and starts the last',
      seconds: 86_400,
      start: 86_400,
      notes: ['TooManyMissedTimes'],
      lookInMs: 300_000,
    },
    {
      name: 'says what is wrong with a schedule',
      spec: { schedule: 'every day' },
      seconds: 0,
      notes: ['UnparseableSchedule'],
    },
    {
      name: 'says what is wrong with a time zone',
      spec: { timeZone: 'Mars/Olympus' },
      seconds: 0,
      notes: ['UnparseableSchedule'],
    },
    {
      name: 'refuses schedules with seconds',
      spec: { schedule: '* * * * * *' },
      seconds: 0,
      notes: ['UnparseableSchedule'],
    },
  ];
  test.for(cases)('$name', ({ spec = {}, jobs = [], seconds, start, remove = [], notes = [], lookInMs }) => {
    const decision = decideCronJob(makeCronJob(spec), jobs, epochMs + seconds * 1_000);
    expect(decision.start?.getTime()).toBe(start === undefined ? undefined : epochMs + start * 1_000);
    expect(decision.remove.map(({ metadata }) => metadata.name)).toEqual(remove);
    expect(decision.notes.map(({ reason }) => reason)).toEqual(notes);
    expect(decision.lookInMs).toBe(lookInMs);
  });

  test('keeps three successes and one failure', () => {
    const done = [1, 2, 3, 4].map((n) => makeRun(`ok${n}`, 'Complete', n));
    const bad = [1, 2].map((n) => makeRun(`bad${n}`, 'Failed', n));
    const { remove } = decideCronJob(makeCronJob({}), [...done, ...bad], epochMs);
    expect(remove.map(({ metadata }) => metadata.name)).toEqual(['ok1', 'bad1']);
  });

  test('names a run after the minute that it was due', () => {
    const run = buildCronRun(makeCronJob({ jobTemplate: { spec: { completions: 2 } } }), new Date(epochMs + 300_000));
    expect(run.metadata.name).toBe(`c-${epochMs / 60_000 + 5}`);
    expect(run.metadata.ownerReferences?.[0]?.uid).toBe('uid-c');
    expect(run.spec).toEqual({ completions: 2 });
  });
});

test('a schedule is read in its time zone', () => {
  const { lastDue } = dueRuns(parseSchedule('0 1 * * *', 'Europe/Berlin'), epochMs - 3_600_000, epochMs);
  expect(lastDue?.getTime()).toBe(epochMs);
});
