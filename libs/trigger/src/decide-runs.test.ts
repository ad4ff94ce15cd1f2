import { expect, test } from 'vitest';
import { decideRuns, mayDeploy, needsChangedPaths, type TriggeredPipeline, type TriggerInput } from './decide-runs.ts';
import { makePullRequest, makePush, makeTriggered, shaA, shaB } from './testing.ts';
import { configShaOf, trustOf, type TriggerEvent } from './trigger-event.ts';

type Case = {
  name: string;
  event: TriggerEvent;
  on?: TriggeredPipeline['on'];
  deploy?: TriggeredPipeline['deploy'];
  changedPaths?: TriggerInput<TriggeredPipeline>['changedPaths'];
  current?: boolean;
  /** Trigger key of the run with the number of its deployments, or the code it is skipped for. */
  want: string;
};

const both = { push: {}, pullRequest: {} };
const cases: Case[] = [
  { name: 'a push of a branch', event: makePush(), want: 'push:refs/heads/main 0' },
  {
    name: 'a push of a branch that the list takes in',
    event: makePush(),
    on: { push: { branches: ['main', 'v*'] } },
    want: 'push:refs/heads/main 0',
  },
  {
    name: 'a push of a branch that the list leaves out',
    event: makePush({ ref: 'refs/heads/x' }),
    on: { push: { branches: ['main'] } },
    want: 'NotTriggered',
  },
  { name: 'a tag, which must be asked for', event: makePush({ ref: 'refs/tags/v1' }), want: 'NotTriggered' },
  {
    name: 'a tag that is asked for',
    event: makePush({ ref: 'refs/tags/v1' }),
    on: { push: { tags: ['v*'] } },
    want: 'push:refs/tags/v1 0',
  },
  {
    name: 'a branch where only tags are asked for',
    event: makePush(),
    on: { push: { tags: ['v*'] } },
    want: 'NotTriggered',
  },
  { name: 'a ref that is neither branch nor tag', event: makePush({ ref: 'refs/notes/x' }), want: 'NotTriggered' },
  { name: 'a deleted branch', event: makePush({ deleted: true }), want: 'Deleted' },
  { name: 'a push of a pipeline for pull requests', event: makePush(), on: { pullRequest: {} }, want: 'NotTriggered' },
  { name: 'a pull request', event: makePullRequest(), on: { pullRequest: {} }, want: 'pull_request:7 0' },
  {
    name: 'a pull request to a branch of the list',
    event: makePullRequest(),
    on: { pullRequest: { branches: ['main'] } },
    want: 'pull_request:7 0',
  },
  {
    name: 'a pull request to another branch',
    event: makePullRequest({ baseRef: 'refs/heads/dev' }),
    on: { pullRequest: { branches: ['main'] } },
    want: 'NotTriggered',
  },
  { name: 'a closed pull request', event: makePullRequest({ open: false }), on: { pullRequest: {} }, want: 'Closed' },
  { name: 'a draft', event: makePullRequest({ draft: true }), on: { pullRequest: {} }, want: 'Draft' },
  {
    name: 'a pull request whose branch was pushed, which ran',
    event: makePullRequest(),
    on: both,
    want: 'CoveredByPush',
  },
  {
    name: 'a pull request from a fork, whose push we never see',
    event: makePullRequest({ fork: true }),
    on: both,
    want: 'NeedsApproval',
  },
  {
    name: 'a pull request whose branch starts no pipeline',
    event: makePullRequest(),
    on: { push: { branches: ['main'] }, pullRequest: {} },
    want: 'pull_request:7 0',
  },
  {
    name: 'a pull request that may be a second run of a filtered push',
    event: makePullRequest(),
    on: { push: { paths: ['src/**'] }, pullRequest: {} },
    want: 'push:refs/heads/topic 0',
  },
  {
    name: '[skip ci] anywhere in the message, in any case',
    event: makePush({ message: 'docs\n\n[SKIP ci]' }),
    want: 'SkipCi',
  },
  {
    name: '[ci skip] of a pull request',
    event: makePullRequest({ message: 'x [ci skip]' }),
    on: { pullRequest: {} },
    want: 'SkipCi',
  },
  { name: 'words that only look like it', event: makePush({ message: 'skip ci' }), want: 'push:refs/heads/main 0' },
  {
    name: 'a changed path of the list',
    event: makePush(),
    on: { push: { paths: ['src/**'] } },
    changedPaths: ['docs/a', 'src/b'],
    want: 'push:refs/heads/main 0',
  },
  {
    name: 'changed paths outside the list',
    event: makePush(),
    on: { push: { paths: ['src/**'] } },
    changedPaths: ['docs/a'],
    want: 'NoPathChanged',
  },
  {
    name: 'changed paths that are taken out',
    event: makePush(),
    on: { push: { paths: ['**', '!docs/**'] } },
    changedPaths: ['docs/a'],
    want: 'NoPathChanged',
  },
  {
    name: 'unknown changes',
    event: makePush(),
    on: { push: { paths: ['src/**'] } },
    changedPaths: 'unknown',
    want: 'push:refs/heads/main 0',
  },
  {
    name: 'a push with deployments',
    event: makePush(),
    deploy: [{}, { push: { branches: ['dev'] } }],
    want: 'push:refs/heads/main 1',
  },
  {
    name: 'a late push, which deploys nothing',
    event: makePush(),
    deploy: [{}],
    current: false,
    want: 'push:refs/heads/main 0',
  },
  {
    name: 'a pull request, which deploys nothing',
    event: makePullRequest(),
    on: { pullRequest: {} },
    deploy: [{}],
    want: 'pull_request:7 0',
  },
  {
    name: 'a pull request with a preview, which a push of its branch does not cover',
    event: makePullRequest(),
    on: { push: {}, pullRequest: {} },
    deploy: [{}, { pullRequest: {} }, { pullRequest: { branches: ['dev'] } }],
    want: 'pull_request:7 1',
  },
  {
    name: 'a push, which makes no preview',
    event: makePush(),
    deploy: [{ pullRequest: {} }, { push: {}, pullRequest: {} }],
    want: 'push:refs/heads/main 1',
  },
  {
    name: 'a pull request that changed nothing of a preview',
    event: makePullRequest(),
    on: { pullRequest: {} },
    deploy: [{ pullRequest: { paths: ['src/**'] } }],
    changedPaths: ['docs/a.md'],
    want: 'pull_request:7 0',
  },
];
test.for(cases)(
  'decides about $name',
  ({ event, on = { push: {} }, deploy = [], changedPaths = [], current = true, want }) => {
    const { runs, skipped } = decideRuns({ event, pipelines: [makeTriggered({ on, deploy })], changedPaths, current });
    const got = [...runs.map((run) => `${run.triggerKey} ${run.deploys.length}`), ...skipped.map(({ code }) => code)];
    expect(got).toEqual([want]);
  },
);

test('a pipeline is either run or skipped, with a reason, never both', () => {
  const pipelines = [makeTriggered(), makeTriggered({ name: 'pr', on: { pullRequest: {} } })];
  const { runs, skipped } = decideRuns({ event: makePush(), pipelines, changedPaths: [], current: true });
  expect(runs.map(({ pipeline, reason }) => [pipeline.name, reason])).toEqual([['ci', 'push of refs/heads/main']]);
  expect(skipped.map(({ pipeline, reason }) => [pipeline.name, reason])).toEqual([
    ['pr', 'the pipeline does not run on pushes'],
  ]);
});

test('push and pull request of one commit give one run in either order', () => {
  const on = { push: {}, pullRequest: {} };
  const keys = [makePush({ ref: 'refs/heads/topic' }), makePullRequest()].flatMap((event) => {
    return decideRuns({ event, pipelines: [makeTriggered({ on })], changedPaths: [], current: true }).runs.map(
      ({ triggerKey }) => triggerKey,
    );
  });
  expect(keys).toEqual(['push:refs/heads/topic']);
});

test('a fork is not trusted and takes its pipelines from the target branch', () => {
  const fork = makePullRequest({ fork: true });
  expect([trustOf(fork), configShaOf(fork)]).toEqual(['untrusted', shaA]);
  expect([trustOf(makePullRequest()), configShaOf(makePullRequest())]).toEqual(['trusted', shaB]);
  expect(
    decideRuns({
      event: fork,
      pipelines: [makeTriggered({ on: { pullRequest: {} } })],
      changedPaths: [],
      current: true,
      fork: { allowed: true },
    }).runs[0]?.trust,
  ).toBe('untrusted');
});

test('only asks for changed paths and the present head where something depends on them', () => {
  expect(needsChangedPaths(makePush(), [makeTriggered()])).toBe(false);
  expect(needsChangedPaths(makePush(), [makeTriggered({ on: { push: { paths: ['a'] } } })])).toBe(true);
  expect(needsChangedPaths(makePush(), [makeTriggered({ deploy: [{ push: { paths: ['a'] } }] })])).toBe(true);
  expect(mayDeploy(makePush(), [makeTriggered()])).toBe(false);
  expect(mayDeploy(makePush(), [makeTriggered({ deploy: [{}] })])).toBe(true);
  expect(mayDeploy(makePullRequest(), [makeTriggered({ deploy: [{}] })])).toBe(false);
  const previews = makeTriggered({ on: { pullRequest: {} }, deploy: [{ pullRequest: {} }] });
  expect([mayDeploy(makePullRequest(), [previews]), mayDeploy(makePullRequest({ fork: true }), [previews])]).toEqual([
    true,
    false,
  ]);
});
