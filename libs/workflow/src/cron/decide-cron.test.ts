import { expect, test } from 'vitest';
import { formatTime } from '../pass.ts';
import { makeTemplate } from '../testing.ts';
import type { Workflow } from '../workflow-types.ts';
import { buildCronChild } from './cron-child.ts';
import type { CronSpec, CronWorkflow } from './cron-types.ts';
import { type CronDecision, type CronInput, decideCron, failSubmission, recordRun } from './decide-cron.ts';

const midnight = Date.UTC(2026, 0, 1);
const minute = 60_000;

function makeCron(spec: CronSpec, change: Partial<CronWorkflow> = {}): CronWorkflow {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'CronWorkflow',
    metadata: { name: 'tick', namespace: 'test', uid: 'uid-tick' },
    spec: {
      schedules: ['* * * * *'],
      workflowSpec: { entrypoint: 'work', templates: [makeTemplate('work')] },
      ...spec,
    },
    ...change,
  };
}

/** A CronWorkflow with the runs that it makes, on a fake clock. */
class Clockwork {
  cron: CronWorkflow;
  runs: Workflow[] = [];
  now = midnight;
  #watch: CronInput['watch'];

  constructor(cron: CronWorkflow) {
    this.cron = cron;
    this.tick(0);
  }

  tick(milliseconds: number): CronDecision {
    this.now += milliseconds;
    const decision = decideCron({ cron: this.cron, workflows: this.runs, now: this.now, watch: this.#watch });
    this.#watch = decision.watch;
    this.runs = this.runs.filter(({ metadata }) => !decision.remove.includes(metadata.name));
    let { status } = decision;
    if (decision.create) {
      const { workflow, scheduledAt } = decision.create;
      const run = { ...workflow, metadata: { ...workflow.metadata, uid: `uid-${workflow.metadata.name}` } };
      this.runs.push(run);
      status = recordRun(status, run, scheduledAt);
    }
    const { metadata } = this.cron;
    const labels = { ...metadata.labels, ...decision.labels };
    const annotations = { ...metadata.annotations, ...decision.annotations };
    this.cron = { ...this.cron, metadata: { ...metadata, labels, annotations }, status };
    return decision;
  }

  end(index: number, phase: 'Succeeded' | 'Failed'): void {
    this.runs = this.runs.map((run, at) =>
      at === index ? { ...run, status: { phase, finishedAt: formatTime(this.now) } } : run,
    );
    this.tick(0);
  }

  restart(): void {
    this.#watch = undefined;
  }
}

test('Replace terminates what runs and begins anew', () => {
  const clock = new Clockwork(makeCron({ concurrencyPolicy: 'Replace' }));
  clock.tick(minute);
  const second = clock.tick(minute);
  expect(second.terminate).toEqual([`tick-${(midnight + minute) / 1_000}`]);
  expect(second.create?.workflow.metadata.name).toBe(`tick-${(midnight + 2 * minute) / 1_000}`);
});

test('a suspended CronWorkflow makes no run and makes up none when it goes on', () => {
  const clock = new Clockwork(makeCron({ suspend: true }));
  clock.tick(3 * minute);
  clock.cron = { ...clock.cron, spec: { ...clock.cron.spec, suspend: false } };
  clock.tick(1_000);
  expect(clock.runs).toEqual([]);
  clock.tick(minute);
  expect(clock.runs).toHaveLength(1);
});

test('a controller that was away for days makes up one run at most', () => {
  const clock = new Clockwork(makeCron({ startingDeadlineSeconds: 86_400 }));
  clock.tick(minute);
  clock.restart();
  clock.tick(5 * 86_400_000 + 30_000);
  expect(clock.runs.map(({ metadata }) => metadata.name)).toEqual([
    `tick-${(midnight + minute) / 1_000}`,
    `tick-${(midnight + minute + 5 * 86_400_000) / 1_000}`,
  ]);
});

test('a run that was created but not noted is taken up again, not made twice', () => {
  const clock = new Clockwork(makeCron({ concurrencyPolicy: 'Forbid' }));
  const lost = buildCronChild(clock.cron, midnight + minute);
  clock.runs.push({ ...lost, metadata: { ...lost.metadata, uid: 'uid-lost' } });
  clock.restart();
  clock.tick(minute);
  expect(clock.cron.status?.active?.map(({ uid }) => uid)).toEqual(['uid-lost']);
  clock.tick(minute);
  expect(clock.runs).toHaveLength(1);
});

test('the oldest runs beyond the limits go, three that succeeded and one that failed stay', () => {
  const clock = new Clockwork(makeCron({}));
  for (let index = 0; index < 5; index++) {
    clock.tick(minute);
    clock.end(clock.runs.length - 1, 'Succeeded');
  }
  expect(clock.runs).toHaveLength(3);
  expect(clock.cron.status).toMatchObject({ succeeded: 5, active: [] });
});

test('the singular schedule of 3.x is understood and told', () => {
  const { schedules: _none, ...spec } = makeCron({ schedule: '* * * * *' }).spec ?? {};
  const clock = new Clockwork({ ...makeCron({}), spec });
  expect(clock.tick(minute).create).toBeDefined();
  expect(clock.cron.status?.conditions?.map(({ type }) => type)).toEqual(['SpecWarning']);
});

test('a malformed workflow makes no run, says why and is looked at again when it is mended', () => {
  const clock = new Clockwork(makeCron({ workflowSpec: { entrypoint: 'nope', templates: [makeTemplate('work')] } }));
  expect(clock.tick(minute).create).toBeUndefined();
  expect(clock.cron.status?.conditions?.[0]).toMatchObject({
    type: 'SpecError',
    message: expect.stringContaining("template name 'nope' undefined"),
  });
  clock.cron = { ...clock.cron, spec: makeCron({}).spec ?? {} };
  clock.tick(minute);
  expect(clock.cron.status?.conditions).toEqual([]);
});

test('a run that the API refuses counts as failed and is told', () => {
  expect(failSubmission({ failed: 1 }, 'Failed to submit Workflow: quota')).toEqual({
    failed: 2,
    conditions: [{ type: 'SubmissionError', status: 'True', message: 'Failed to submit Workflow: quota' }],
  });
});

test('a pass over an unchanged world decides nothing', () => {
  const clock = new Clockwork(makeCron({}));
  clock.tick(minute);
  const again = clock.tick(0);
  expect(again.create).toBeUndefined();
  expect(again.status).toBe(clock.cron.status);
});
