import { keys, resources } from '@sluice/model';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  buttonJob,
  commentJob,
  contributor,
  Harness,
  maintainer,
  makeRepository,
  namespace,
  pullRequestJob,
  pushJob,
  sha,
} from './testing.ts';

const [base, head, newHead] = [sha('a'), sha('b'), sha('c')];
let harness: Harness;

beforeEach(async () => {
  vi.useFakeTimers({ now: Date.parse('2026-11-23T10:00:00Z') });
  harness = new Harness();
  harness.forge.permissions.set('42', 'write');
  for (const commit of [head, newHead]) harness.commit(commit);
  harness.moveRef('refs/heads/main', base);
  openPull(head);
});
afterEach(async () => {
  await harness.stop();
  vi.useRealTimers();
});

/** The forge's pull request 3 from a fork, at this commit. */
function openPull(commit: string, fork = true): void {
  const pullRequest = {
    number: 3,
    baseRef: 'refs/heads/main',
    baseSha: base,
    draft: false,
    fork,
    author: { id: String(contributor.id), login: contributor.login },
    ...(fork ? {} : { headRef: 'refs/heads/topic' }),
  };
  const ref = 'refs/pull/3/head';
  harness.forge.heads = [...harness.forge.heads.filter((each) => each.ref !== ref), { ref, sha: commit, pullRequest }];
}

/** Start over a repository that has seen its heads, and announce the pull request. */
async function start(commit = head, fork = true): Promise<void> {
  harness.kube.put(resources.repositories, { ...harness.repository(), status: { heads: { 'refs/heads/main': base } } });
  openPull(commit, fork);
  await harness.start();
  await harness.deliver(pullRequestJob(commit, base, { fork }));
}

const phases = () => harness.workflows().map(({ spec }) => (spec as { shutdown?: string }).shutdown ?? 'runs');
const answerOf = (commit: string) => harness.forge.check('sluice command', commit);
const end = (index: number, phase: string) => {
  const { name } = harness.workflows()[index]!.metadata;
  const body = { status: { phase, finishedAt: '2026-11-23T10:01:00Z' } };
  return harness.kube.patch(resources.workflows, { namespace, name }, { type: 'merge', body });
};

test('a pull request of a fork waits, and its check offers the approval', async () => {
  await start();
  expect(harness.workflows()).toEqual([]);
  expect(harness.forge.check('ci', head)).toMatchObject({
    conclusion: 'action_required',
    title: expect.stringContaining(`/ok-to-test ${head}`) as string,
    actions: [{ identifier: 'approve' }],
  });
});

test.for(['comment', 'button'])('a %s of somebody with write access lets it run without trust', async (way) => {
  await start();
  const waiting = harness.forge.check('ci', head)!;
  const approve =
    way === 'comment' ? commentJob(`/ok-to-test ${head}`) : buttonJob(head, waiting.externalId, 'approve');
  await harness.deliver(approve);
  const run = harness.workflow(head);
  expect(run.metadata.annotations).toMatchObject({ [keys.trust]: 'untrusted' });
  expect(run.metadata.annotations).not.toHaveProperty([keys.deploy]);
  expect(harness.repository().status?.approvals).toEqual([
    { sha: head, pullRequest: 3, actorId: '42', at: '2026-11-23T10:00:00.000Z' },
  ]);
});

test('the check that waited becomes the check of the run', async () => {
  await start();
  const waiting = harness.forge.check('ci', head)!;
  await harness.deliver(commentJob(`/ok-to-test ${head}`));
  await harness.setStatus(head, { phase: 'Succeeded', finishedAt: '2026-11-23T10:01:00Z' });
  await harness.settle(1_000);
  const checks = [...harness.forge.checks.values()].filter(({ sha: commit }) => commit === head);
  expect(checks).toMatchObject([{ name: 'ci', externalId: waiting.externalId, conclusion: 'success' }]);
});

test('an approval of a commit that is the head no longer runs nothing and is answered', async () => {
  await start();
  openPull(newHead);
  await harness.deliver(commentJob(`/ok-to-test ${head}`));
  expect(harness.workflows()).toEqual([]);
  expect(harness.repository().status?.approvals).toBeUndefined();
  expect(answerOf(newHead)).toMatchObject({
    conclusion: 'neutral',
    summary: expect.stringContaining(`that is ${newHead}`) as string,
  });
});

test('new commits of an approved pull request wait again', async () => {
  await start();
  await harness.deliver(commentJob(`/ok-to-test ${head}`));
  openPull(newHead);
  await harness.deliver(pullRequestJob(newHead, base, { fork: true, action: 'synchronize' }));
  expect(harness.workflows()).toHaveLength(1);
  expect(harness.forge.check('ci', newHead)).toMatchObject({ conclusion: 'action_required' });
});

test.for([
  { name: 'the author of the pull request', user: contributor },
  { name: 'somebody who took over the login of a maintainer', user: { ...maintainer, id: 666 } },
])('$name cannot approve', async ({ user }) => {
  await start();
  await harness.deliver(commentJob(`/ok-to-test ${head}`, user));
  await harness.deliver(buttonJob(head, 'pull_request-3-ci', 'approve', user));
  expect(harness.workflows()).toEqual([]);
  expect(answerOf(head)?.title).toContain('no write access');
});

test('who has lost write access since cannot approve', async () => {
  await start();
  harness.forge.permissions.set('42', 'read');
  await harness.deliver(commentJob(`/ok-to-test ${head}`));
  expect(harness.workflows()).toEqual([]);
});

test('a fork of somebody with write access runs at once, without trust', async () => {
  harness.forge.permissions.set(String(contributor.id), 'write');
  await start();
  expect(harness.workflow(head).metadata.annotations).toMatchObject({ [keys.trust]: 'untrusted' });
});

test.for([
  { forks: 'never' as const, runs: 0, actions: undefined },
  { forks: 'run' as const, runs: 1, actions: expect.anything() as unknown },
])('spec.trust.forks: $forks gives $runs runs', async ({ forks, runs, actions }) => {
  harness.kube.put(resources.repositories, makeRepository({ trust: { forks } }));
  await start();
  if (forks === 'never') await harness.deliver(commentJob(`/ok-to-test ${head}`));
  expect(harness.workflows()).toHaveLength(runs);
  expect(harness.forge.check('ci', head)?.actions).toEqual(actions);
});

test('a comment without a command asks the forge nothing', async () => {
  await start();
  const { listed } = harness.forge;
  await harness.deliver(commentJob('looks good to me', contributor));
  expect([harness.forge.listed, harness.forge.askedAbout.filter((id) => id === '42')]).toEqual([listed, []]);
});

test('a command that cannot be understood is answered', async () => {
  await start();
  await harness.deliver(commentJob('/ok-to-test'));
  expect(answerOf(head)?.title).toContain('needs the full id of the commit');
});

test('/test runs a pipeline once more, and once only when the comment comes twice', async () => {
  await start(head, false);
  const job = commentJob('/test ci');
  await harness.deliver(job);
  await harness.deliver(job);
  expect(harness.workflows().map(({ metadata }) => metadata.annotations?.[keys.triggerKey])).toHaveLength(2);
  expect(answerOf(head)).toBeUndefined();
});

test('/test of a pipeline that is not there names those that are', async () => {
  await start(head, false);
  await harness.deliver(commentJob('/test docs'));
  expect(answerOf(head)?.title).toBe('Not done: there is no pipeline docs; there are ci');
});

test('/test of a fork that nobody approved says what has to be done first', async () => {
  await start();
  await harness.deliver(commentJob('/test'));
  expect(harness.workflows()).toEqual([]);
  expect(answerOf(head)?.title).toContain(`/ok-to-test ${head}`);
});

test('/retest runs again what failed, in a check of its own', async () => {
  await start(head, false);
  await end(0, 'Failed');
  await harness.deliver(commentJob('/retest'));
  const [first, again] = harness.workflows();
  expect(again!.spec).toEqual(first!.spec);
  expect(again!.metadata.labels).toMatchObject({ [keys.sha]: head, [keys.pullRequest]: '3' });
  expect(again!.metadata.annotations).not.toHaveProperty([keys.check]);
});

test('/retest with nothing failed is answered', async () => {
  await start(head, false);
  await end(0, 'Succeeded');
  await harness.deliver(commentJob('/retest'));
  expect(harness.workflows()).toHaveLength(1);
  expect(answerOf(head)?.title).toContain('has failed');
});

test('/cancel stops what runs and takes the approval back', async () => {
  await start();
  await harness.deliver(commentJob(`/ok-to-test ${head}`));
  await harness.deliver(commentJob('/cancel'));
  expect(phases()).toEqual(['Stop']);
  expect(harness.repository().status?.approvals).toEqual([]);
  await end(0, 'Failed');
  await harness.deliver(commentJob('/retest'));
  expect(harness.workflows()).toHaveLength(1);
  expect(answerOf(head)?.title).toContain(`/ok-to-test ${head}`);
});

test('the cancel button stops the run of its check, the rerun buttons run it again', async () => {
  await start(head, false);
  await harness.settle(1_000);
  const { externalId } = harness.forge.check('ci', head)!;
  await harness.deliver(buttonJob(head, externalId, 'cancel'));
  expect(phases()).toEqual(['Stop']);
  await end(0, 'Failed');
  await harness.deliver(buttonJob(head, externalId, 'rerun-failed'));
  expect(phases()).toEqual(['Stop', 'runs']);
  await end(1, 'Succeeded');
  await harness.deliver(buttonJob(head, externalId, 'rerun'));
  expect(phases()).toEqual(['Stop', 'runs', 'runs']);
});

test('a re-run of a commit that main has left deploys nothing', async () => {
  harness.moveRef('refs/heads/main', base);
  await harness.start();
  await harness.deliver(pushJob(base));
  await end(0, 'Failed');
  harness.moveRef('refs/heads/main', head);
  await harness.deliver(buttonJob(base, harness.workflows()[0]!.metadata.uid!, 'rerun'));
  const [first, again] = harness.workflows();
  expect(first!.metadata.annotations).toHaveProperty([keys.deploy]);
  expect(again!.metadata.annotations).not.toHaveProperty([keys.deploy]);
});

test('closing a pull request stops what runs for it', async () => {
  await start(head, false);
  await harness.deliver(pullRequestJob(head, base, { action: 'closed' }));
  expect(phases()).toEqual(['Stop']);
});

test('a command whose handling was cut off is carried out once', async () => {
  await start();
  harness.kube.fail({ verb: 'create', resource: resources.workflows, error: new Error('killed') });
  await harness.deliver(commentJob(`/ok-to-test ${head}`));
  expect(harness.workflows()).toHaveLength(1);
  expect(harness.repository().status?.approvals).toHaveLength(1);
});

test('a pull request event and the approval of it cost the forge at most six questions', async () => {
  await start();
  harness.forge.listed = 0;
  harness.forge.askedAbout.length = 0;
  await harness.deliver(commentJob(`/ok-to-test ${head}`));
  // Heads are three requests at GitHub, a permission is one.
  expect(harness.forge.listed * 3 + harness.forge.askedAbout.length).toBeLessThanOrEqual(6);
});

test('a command whose webhook was lost is found in the log of the forge, and obeyed once', async () => {
  await start();
  const { event, delivery, body } = commentJob(`/ok-to-test ${head}`);
  const lost = { event, delivery, body: Buffer.from(body, 'base64').toString('utf8') };
  harness.forge.missed.push(lost);
  await harness.settle(61_000);
  expect(harness.workflow(head).metadata.annotations).toMatchObject({ [keys.trust]: 'untrusted' });
  harness.forge.missed.push(lost);
  await harness.settle(61_000);
  expect(harness.added.size).toBe(1);
});
