import { keys } from '@sluice/model';
import { expect, test } from 'vitest';
import {
  decideButton,
  decideCommands,
  toCommandedRun,
  type CommandedPull,
  type CommandedRun,
} from './decide-command.ts';
import { makeWorkflow, shaA, shaB } from './testing.ts';

const fork: CommandedPull = { number: 7, sha: shaA, fork: true };
const branch: CommandedPull = { number: 8, sha: shaA, fork: false, headRef: 'refs/heads/topic' };
let order = 0;
const makeRun = (changes: Partial<CommandedRun> = {}): CommandedRun => ({
  workflow: `run-${++order}`,
  pipeline: 'ci',
  check: `check-${order}`,
  ref: 'refs/pull/7/head',
  pullRequest: 7,
  order,
  state: 'failed',
  ...changes,
});

test('an approval counts for the head that it names', () => {
  expect(decideCommands([{ kind: 'approve', sha: shaA }], fork, [])).toEqual({
    actions: [{ kind: 'approve', sha: shaA, pullRequest: 7 }],
    refusals: [],
  });
});

test('an approval of a commit that is not the head is refused and names the head', () => {
  const { actions, refusals } = decideCommands([{ kind: 'approve', sha: shaB }], fork, []);
  expect(actions).toEqual([]);
  expect(refusals).toEqual([expect.stringContaining(`that is ${shaA}`)]);
});

test('a pull request of the same repository needs no approval', () => {
  expect(decideCommands([{ kind: 'approve', sha: shaA }], branch, []).refusals).toEqual([
    'pull request 8 comes from this repository and needs no approval',
  ]);
});

test('retest runs again what failed last, not what passed on a second try or still runs', () => {
  const failed = makeRun({ pipeline: 'docs' });
  const runs = [makeRun(), makeRun({ state: 'succeeded' }), makeRun({ pipeline: 'slow', state: 'active' }), failed];
  expect(decideCommands([{ kind: 'retest' }], fork, runs).actions).toEqual([
    { kind: 'rerun', workflow: failed.workflow },
  ]);
  expect(decideCommands([{ kind: 'retest' }], fork, runs.slice(0, 3)).refusals).toEqual([
    `no run of commit ${shaA} has failed`,
  ]);
});

test('cancel stops what runs for the pull request or its branch, and nothing else of the commit', () => {
  const mine = makeRun({ state: 'active', ref: 'refs/heads/topic' });
  const { pullRequest: _number, ...pushed } = mine;
  const main = { ...pushed, workflow: 'deploys', ref: 'refs/heads/main' };
  expect(decideCommands([{ kind: 'cancel' }], branch, [pushed, main]).actions).toEqual([
    { kind: 'cancel', workflow: mine.workflow },
  ]);
  expect(decideCommands([{ kind: 'cancel', pipeline: 'docs' }], branch, [pushed]).refusals).toEqual([
    'nothing of docs is running',
  ]);
});

test('cancel under a pull request of a fork takes its approvals back', () => {
  expect(decideCommands([{ kind: 'cancel' }], fork, []).actions).toEqual([{ kind: 'revoke', pullRequest: 7 }]);
});

test('the approve button approves the commit of its check while that is the head', () => {
  const press = { sha: shaA, button: 'approve', check: 'pull_request-7-ci' };
  expect(decideButton(press, [fork], []).actions).toEqual([{ kind: 'approve', sha: shaA, pullRequest: 7 }]);
  expect(decideButton(press, [], []).refusals).toEqual([expect.stringContaining('not the head')]);
  expect(decideButton({ ...press, check: 'pull_request-77-ci' }, [fork], []).actions).toEqual([]);
});

test('the cancel button stops the run of its check only', () => {
  const mine = makeRun({ state: 'active' });
  const other = makeRun({ state: 'active', pipeline: 'docs' });
  const press = { sha: shaA, button: 'cancel', check: mine.check };
  expect(decideButton(press, [], [mine, other]).actions).toEqual([{ kind: 'cancel', workflow: mine.workflow }]);
  expect(decideButton(press, [], [{ ...mine, state: 'succeeded' }]).refusals).toEqual(['this run has ended already']);
});

test('Re-run of a check runs its pipeline again, unless that happens already', () => {
  const run = makeRun();
  const press = { sha: shaA, button: 'rerun', check: run.check };
  expect(decideButton(press, [fork], [run]).actions).toEqual([{ kind: 'rerun', workflow: run.workflow }]);
  expect(decideButton(press, [fork], [run, makeRun({ state: 'active' })]).refusals).toEqual(['ci is running']);
});

test('Re-run of a check that says a pipeline was left out asks for that pipeline', () => {
  const press = { sha: shaA, button: 'rerun', check: 'pull_request-7-ci' };
  expect(decideButton(press, [fork], []).actions).toEqual([{ kind: 'run', pipeline: 'ci' }]);
  expect(decideButton({ ...press, check: 'sluice-files' }, [fork], []).actions).toEqual([]);
});

test('Re-run of all checks runs every pipeline of the commit once more', () => {
  const runs = [makeRun(), makeRun({ state: 'succeeded' }), makeRun({ pipeline: 'docs' })];
  const { actions } = decideButton({ sha: shaA, button: 'rerun-all' }, [], runs);
  expect(actions).toEqual(runs.slice(1).map(({ workflow }) => ({ kind: 'rerun', workflow })));
});

test('a button that we did not make is refused', () => {
  expect(decideButton({ sha: shaA, button: 'format-disk' }, [], []).refusals).toEqual([
    'there is no button "format-disk"',
  ]);
});

test('a Workflow becomes the run that commands are about', () => {
  const workflow = makeWorkflow('Failed', []);
  const annotations = { [keys.ref]: 'refs/pull/7/head', [keys.order]: '12', [keys.check]: 'pull_request-7-ci' };
  const labels = { ...workflow.metadata.labels, [keys.pullRequest]: '7' };
  expect(toCommandedRun({ ...workflow, metadata: { ...workflow.metadata, labels, annotations } })).toEqual({
    workflow: workflow.metadata.name,
    pipeline: 'ci',
    check: 'pull_request-7-ci',
    ref: 'refs/pull/7/head',
    order: 12,
    state: 'failed',
    pullRequest: 7,
  });
});
