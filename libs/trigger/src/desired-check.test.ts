import type { Problem } from '@sluice/model';
import { expect, test } from 'vitest';
import { desiredCheck, problemsCheck, skippedCheck } from './desired-check.ts';
import { createMask } from './mask.ts';
import { makeWorkflow, shaB } from './testing.ts';

const checkout = {
  displayName: 'checkout',
  phase: 'Succeeded',
  startedAt: '2026-11-23T10:00:00Z',
  finishedAt: '2026-11-23T10:00:01.500Z',
};
const failed = {
  displayName: 'unit',
  phase: 'Failed',
  message: 'exit code 1',
  startedAt: '2026-11-23T10:00:02Z',
  finishedAt: '2026-11-23T10:01:07Z',
};
const finished = (phase: string, changes = {}) => {
  const workflow = makeWorkflow(phase, [checkout, phase === 'Succeeded' ? { ...failed, phase, message: '' } : failed]);
  return { ...workflow, status: { ...workflow.status, finishedAt: '2026-11-23T10:01:08Z' }, ...changes };
};

test('a workflow that has not begun is queued', () => {
  expect(desiredCheck(makeWorkflow('', [], { status: {} }))).toEqual({
    name: 'ci',
    externalId: 'uid-1',
    sha: shaB,
    status: 'queued',
    title: 'Waiting to start',
    summary:
      '| Step | Phase | Time |  |\n| --- | --- | --- | --- |\n| checkout | ⏳ Waiting |  |  |\n| unit | ⏳ Waiting |  |  |',
    actions: [{ label: 'Cancel', description: 'Stop this run', identifier: 'cancel' }],
  });
});

test('a running workflow shows which steps are done', () => {
  const check = desiredCheck(makeWorkflow('Running', [checkout]));
  expect(check).toMatchObject({ status: 'in_progress', title: '1 of 2 steps done', startedAt: '2026-11-23T10:00:00Z' });
  expect(check.summary).toContain('| checkout | ✅ Succeeded | 1.5 s |  |\n| unit | ⏳ Waiting |  |  |');
  expect(check).not.toHaveProperty('conclusion');
});

test('a running workflow names a step that cannot start and why, but not one that only waits for its volume', () => {
  const waiting = (message: string) =>
    desiredCheck(makeWorkflow('Running', [checkout, { displayName: 'unit', phase: 'Pending', message }])).title;
  expect(waiting('ImagePullBackOff: image "x/y:1" is not in the registry')).toBe(
    '1 of 2 steps done; step "unit" cannot start: ImagePullBackOff: image "x/y:1" is not in the registry',
  );
  expect(waiting('ContainerCreating: the claim is not bound yet')).toBe('1 of 2 steps done');
});

test('a run whose times are the same whole second took under a second', () => {
  const { startedAt } = checkout;
  const workflow = makeWorkflow('Succeeded', [{ ...checkout, finishedAt: startedAt }]);
  const check = desiredCheck({ ...workflow, status: { ...workflow.status, finishedAt: startedAt } });
  expect(check.title).toBe('2 steps succeeded in under 1 s');
});

test('a failed workflow names the step and shows the end of its log', () => {
  const check = desiredCheck(finished('Failed'), { log: '\u001B[31mnot ok 1\u001B[0m - adds\n```\nexpected 4\n' });
  expect(check).toMatchObject({
    status: 'completed',
    conclusion: 'failure',
    title: 'Step "unit" failed: exit code 1',
    completedAt: '2026-11-23T10:01:08Z',
  });
  expect(check.summary).toContain('| unit | ❌ Failed | 1 min 5 s | exit code 1 |');
  expect(check.text).toBe('End of the log of step **unit**:\n\n````text\nnot ok 1 - adds\n```\nexpected 4\n````');
});

test('a succeeded workflow shows no log', () => {
  const check = desiredCheck(finished('Succeeded'), { log: 'x' });
  expect(check).toMatchObject({ conclusion: 'success', title: '2 steps succeeded in 1 min 8 s' });
  expect(check).not.toHaveProperty('text');
});

test('a workflow that was stopped is cancelled', () => {
  expect(desiredCheck(finished('Failed', { spec: { shutdown: 'Terminate' } })).conclusion).toBe('cancelled');
});

test('attempts of one step are one row', () => {
  const nodes = [
    {
      displayName: 'unit',
      id: 'r',
      type: 'Retry',
      phase: 'Succeeded',
      children: ['0', '1'],
      startedAt: '2026-11-23T10:00:02Z',
      finishedAt: '2026-11-23T10:00:04Z',
    },
    { displayName: 'unit(0)', id: '0', phase: 'Failed' },
    { displayName: 'unit(1)', id: '1', phase: 'Succeeded' },
  ];
  const { summary } = desiredCheck(makeWorkflow('Running', [checkout, ...nodes]));
  expect(summary.split('\n').slice(2)).toEqual([
    '| checkout | ✅ Succeeded | 1.5 s |  |',
    '| unit | ✅ Succeeded (2 attempts) | 2 s |  |',
  ]);
});

test('text of a step cannot format, link, mention or leave its cell', () => {
  const message = '| <img src=x> [a](http://x) @all `b`\n# title';
  const { summary } = desiredCheck(makeWorkflow('Running', [{ ...failed, message }]));
  expect(summary).toContain('| \\| &lt;img src=x&gt; \\[a\\](http://x) \\@all \\`b\\` \\# title |');
});

test('what the mask knows is shown nowhere', () => {
  const mask = (text: string): string => text.replaceAll('hunter2', '***');
  const nodes = [{ ...failed, message: 'login with hunter2 failed' }];
  expect(JSON.stringify(desiredCheck(makeWorkflow('Failed', nodes), { log: 'password hunter2', mask }))).not.toContain(
    'hunter2',
  );
});

test('every text keeps within the limits of the forge', () => {
  const many = Array.from({ length: 500 }, (_, i) => ({
    ...failed,
    displayName: `step-${i}`,
    message: 'm'.repeat(5_000),
  }));
  const check = desiredCheck(makeWorkflow('Failed', many), { log: '😀`'.repeat(100_000) });
  expect(check.summary.length).toBeLessThanOrEqual(65_535);
  expect(check.summary).toMatch(/402 more are not shown\.$|…$/);
  expect(check.text?.length).toBeLessThanOrEqual(65_535);
  expect(check.title.length).toBeLessThanOrEqual(255);
});

const problem = (change: Partial<Problem> = {}): Problem => ({
  code: 'UnknownField',
  message: 'there is no field "runn"',
  severity: 'error',
  path: 'spec.steps.0.runn',
  file: '.sluice/ci.yaml',
  line: 8,
  column: 7,
  fix: 'did you mean "run"?',
  ...change,
});

test('problems of pipeline files are a failing check with an annotation at each place', () => {
  const check = problemsCheck(shaB, [problem()]);
  expect(check).toMatchObject({
    name: 'sluice',
    sha: shaB,
    status: 'completed',
    conclusion: 'failure',
    title: '1 error in 1 pipeline file',
  });
  expect(check?.annotations).toEqual([
    {
      path: '.sluice/ci.yaml',
      startLine: 8,
      endLine: 8,
      startColumn: 7,
      endColumn: 7,
      level: 'failure',
      title: 'UnknownField',
      message: 'spec.steps.0.runn: there is no field "runn"; did you mean "run"?',
    },
  ]);
});

test('warnings alone are neutral, nothing wrong is no check, and annotations are at most fifty', () => {
  expect(problemsCheck(shaB, [problem({ severity: 'warning' })])).toMatchObject({
    conclusion: 'neutral',
    title: '1 warning in 1 pipeline file',
  });
  expect(problemsCheck(shaB, [])).toBeUndefined();
  expect(problemsCheck(shaB, Array(80).fill(problem()))?.annotations).toHaveLength(50);
});

test('a pipeline that is left out on purpose is neutral', () => {
  expect(
    skippedCheck({ pipeline: 'ci', sha: shaB, check: 'skipped-push-ci', reason: 'the commit message asks for no run' }),
  ).toMatchObject({
    name: 'ci',
    conclusion: 'neutral',
    title: 'Skipped: the commit message asks for no run',
  });
});

test('a failed step whose log names places has them as annotations, masked', () => {
  const log = `${'x\n'.repeat(100)}src/a.js:3:1: error: the-secret-value leaked\n${'y\n'.repeat(100)}`;
  const check = desiredCheck(finished('Failed'), { log, mask: createMask(['the-secret-value']), tailLines: 2 });
  expect(check.annotations).toMatchObject([{ path: 'src/a.js', startLine: 3, message: 'error: *** leaked' }]);
  expect(check.text).toContain('```text\ny\ny\n```');
  expect(desiredCheck(finished('Succeeded'), { log })).not.toHaveProperty('annotations');
});
