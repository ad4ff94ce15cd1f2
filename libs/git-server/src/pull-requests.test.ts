import { afterEach, beforeEach, expect, test } from 'vitest';
import { startTestForge, type TestForge, type WorkingCopy } from './testing.ts';

let forge: TestForge;
let copy: WorkingCopy;
beforeEach(async () => {
  forge = await startTestForge();
  await forge.api('POST', '/repos', {
    name: 'hello',
    webhook: { url: 'http://127.0.0.1:9/hooks/x', secret: 's3cret' },
  });
  copy = await forge.workingCopy('hello');
  await copy.commit('first', { a: 'one\n' });
  await copy.git('push', '-q', 'origin', 'main');
});
afterEach(() => forge.close());

const pullEvents = async (): Promise<string[]> => {
  await forge.server.delivered();
  return forge.deliveries
    .filter(({ event }) => event === 'pull_request')
    .map(({ body }) => JSON.parse(body) as { action: string; number: number; pull_request: { head: { sha: string } } })
    .map((payload) => `${payload.action} #${payload.number} ${payload.pull_request.head.sha}`);
};
const pulls = async (query = ''): Promise<Record<string, unknown>[]> =>
  (await forge.api('GET', `/repos/hello/pulls${query}`)).list;

test('a push to refs/for/main opens a pull request and tells the pusher', async () => {
  const sha = await copy.commit('Break the test\n\nBecause we can.', { a: 'two\n' });
  const said = await copy.git('push', 'origin', 'HEAD:refs/for/main');
  expect(said).toContain(`remote: opened pull request #1 ${forge.url}/api/v1/repos/hello/pulls/1`);
  expect(await pullEvents()).toEqual([`opened #1 ${sha}`]);
  expect(await pulls()).toMatchObject([
    { number: 1, title: 'Break the test', body: 'Because we can.', state: 'open', branch: 'main', headSha: sha },
  ]);
  expect(await copy.git('ls-remote', 'origin', 'refs/pull/1/head')).toContain(sha);
});

test.for([
  { name: 'a further commit', rewrite: false },
  { name: 'an amended commit', rewrite: true },
])('$name pushed to refs/for/main updates the same pull request', async ({ rewrite }) => {
  const broken = await copy.commit('Break', { a: 'two\n' });
  await copy.git('push', '-q', 'origin', 'HEAD:refs/for/main');
  await copy.write('a', 'three\n');
  await copy.git('commit', '-q', '-a', ...(rewrite ? ['--amend', '-m', 'Better'] : ['-m', 'Fix']));
  const fixed = await copy.head();
  const said = await copy.git('push', 'origin', 'HEAD:refs/for/main');
  expect(said).toContain('remote: updated pull request #1 ');
  expect(await pullEvents()).toEqual([`opened #1 ${broken}`, `synchronize #1 ${fixed}`]);
  expect(await pulls()).toHaveLength(1);
  expect(await copy.git('ls-remote', 'origin', 'refs/pull/1/head')).toContain(fixed);
});

test('unrelated work, another topic and another author each get their own number', async () => {
  const base = await copy.head();
  await copy.commit('one', { b: '1' });
  await copy.git('push', '-q', 'origin', 'HEAD:refs/for/main');
  await copy.git('reset', '-q', '--hard', base);
  await copy.git('commit', '-q', '--allow-empty', '--date=2020-01-01T00:00:00Z', '-m', 'two');
  await copy.git('push', '-q', 'origin', 'HEAD:refs/for/main');
  await copy.git('push', '-q', '-o', 'topic=mine', '-o', 'title=A topic', 'origin', 'HEAD:refs/for/main');
  const other = await forge.workingCopy('hello', { clone: true, user: 'grace' });
  await other.commit('three', { c: '1' });
  await other.git('push', '-q', 'origin', 'HEAD:refs/for/main/suffix');
  const listed = (await pulls()).map(({ number, title, topic }) => ({ number, title, topic }));
  expect(listed).toEqual([
    { number: 4, title: 'three', topic: 'suffix' },
    { number: 3, title: 'A topic', topic: 'mine' },
    { number: 2, title: 'two', topic: undefined },
    { number: 1, title: 'one', topic: undefined },
  ]);
});

test('a push with the same topic replaces the head whatever its history', async () => {
  const base = await copy.head();
  await copy.commit('one', { b: '1' });
  await copy.git('push', '-q', '-o', 'topic=t', 'origin', 'HEAD:refs/for/main');
  await copy.git('reset', '-q', '--hard', base);
  const sha = await copy.commit('other', { c: '1' });
  const said = await copy.git('push', '-o', 'topic=t', 'origin', 'HEAD:refs/for/main');
  expect(said).toContain('updated pull request #1');
  expect(await pulls()).toMatchObject([{ number: 1, headSha: sha }]);
});

test('what cannot be a pull request is refused with the reason', async () => {
  await expect(copy.git('push', 'origin', 'HEAD:refs/for/main')).rejects.toThrow(/main already contains/);
  await copy.commit('x', { b: '1' });
  await expect(copy.git('push', 'origin', 'HEAD:refs/for/mian')).rejects.toThrow(/did you mean refs\/for\/main/);
  await expect(copy.git('push', 'origin', ':refs/for/main')).rejects.toThrow(/not by deleting a ref|does not exist/);
  expect(await pullEvents()).toEqual([]);
});

test('one push may move a branch and open a pull request', async () => {
  const sha = await copy.commit('x', { b: '1' });
  await copy.git('push', '-q', 'origin', 'HEAD:refs/for/main', 'HEAD:refs/heads/side');
  expect(await pullEvents()).toEqual([`opened #1 ${sha}`]);
  expect(forge.deliveries.map(({ event }) => event).sort()).toEqual(['pull_request', 'push', 'push']);
});

test('merging makes a merge commit and announces push and closed', async () => {
  const base = await copy.head();
  const head = await copy.commit('change b', { 'dir/b': '1\n' });
  await copy.git('push', '-q', 'origin', 'HEAD:refs/for/main');
  await copy.git('reset', '-q', '--hard', base);
  const main = await copy.commit('meanwhile', { c: '1\n' });
  await copy.git('push', '-q', 'origin', 'main');
  const merged = await forge.api('POST', '/repos/hello/pulls/1/merge');
  expect(merged.body).toEqual({ merged: true, sha: expect.stringMatching(/^[0-9a-f]{40}$/) });
  await copy.git('pull', '-q', '--ff-only', 'origin', 'main');
  expect(await copy.head()).toBe(merged.body['sha']);
  expect((await copy.git('log', '-1', '--format=%P %s')).trim()).toBe(
    `${main} ${head} Merge pull request #1: change b`,
  );
  expect((await copy.git('ls-files')).trim().split('\n')).toEqual(['a', 'c', 'dir/b']);
  await forge.server.delivered();
  const events = forge.deliveries
    .slice(-2)
    .map(({ event, body }) => [event, JSON.parse(body) as Record<string, unknown>]);
  expect(events).toMatchObject([
    ['push', { ref: 'refs/heads/main', before: main, after: merged.body['sha'] }],
    ['pull_request', { action: 'closed', pull_request: { merged: true, merge_commit_sha: merged.body['sha'] } }],
  ]);
});

test('a conflict is refused with the file, and nothing moves', async () => {
  const base = await copy.head();
  await copy.commit('left', { a: 'left\n' });
  await copy.git('push', '-q', 'origin', 'HEAD:refs/for/main');
  await copy.git('reset', '-q', '--hard', base);
  const right = await copy.commit('right', { a: 'right\n' });
  await copy.git('push', '-q', 'origin', 'main');
  const answer = await forge.api('POST', '/repos/hello/pulls/1/merge');
  expect(answer).toMatchObject({ status: 409, body: { code: 'MergeConflict' } });
  expect(answer.body['message']).toContain('conflicts with main in a;');
  expect(await copy.git('ls-remote', 'origin', 'main')).toContain(right);
  expect(await pulls()).toMatchObject([{ number: 1, state: 'open' }]);
});

test('a merge that names another head is refused; fast-forward keeps the commit', async () => {
  const head = await copy.commit('x', { b: '1' });
  await copy.git('push', '-q', 'origin', 'HEAD:refs/for/main');
  const stale = await forge.api('POST', '/repos/hello/pulls/1/merge', { sha: '0'.repeat(40) });
  expect(stale).toMatchObject({ status: 409, body: { code: 'HeadMoved' } });
  const merged = await forge.api('POST', '/repos/hello/pulls/1/merge', { sha: head, method: 'fast-forward' });
  expect(merged.body).toEqual({ merged: true, sha: head });
  expect(await forge.api('POST', '/repos/hello/pulls/1/merge')).toMatchObject({
    status: 409,
    body: { code: 'PullNotOpen' },
  });
});

test('pushing the head of a pull request to its branch marks it merged', async () => {
  const head = await copy.commit('x', { b: '1' });
  await copy.git('push', '-q', 'origin', 'HEAD:refs/for/main');
  await copy.git('push', '-q', 'origin', 'main');
  expect(await pullEvents()).toEqual([`opened #1 ${head}`, `closed #1 ${head}`]);
  expect(await pulls()).toEqual([]);
  expect(await pulls('?state=closed')).toMatchObject([{ number: 1, state: 'merged', mergeSha: head }]);
});

test('closing keeps the commits; a later push of them opens a new pull request', async () => {
  const head = await copy.commit('x', { b: '1' });
  await copy.git('push', '-q', 'origin', 'HEAD:refs/for/main');
  expect((await forge.api('POST', '/repos/hello/pulls/1/close')).body).toMatchObject({ state: 'closed' });
  expect(await copy.git('ls-remote', 'origin', 'refs/pull/1/head')).toContain(head);
  expect(await copy.git('push', 'origin', 'HEAD:refs/for/main')).toContain('opened pull request #2');
  expect(await pullEvents()).toEqual([`opened #1 ${head}`, `closed #1 ${head}`, `opened #2 ${head}`]);
});

test('merging while others push loses neither', { timeout: 60_000 }, async () => {
  const base = await copy.head();
  const head = await copy.commit('change b', { b: '1\n' });
  await copy.git('push', '-q', 'origin', 'HEAD:refs/for/main');
  await copy.git('reset', '-q', '--hard', base);
  const pushes = (async () => {
    const pushed: string[] = [];
    for (let index = 0; index < 6; index++) {
      const sha = await copy.commit(`c${index}`, { c: String(index) });
      if (
        await copy.git('push', '-q', 'origin', 'main').then(
          () => true,
          () => false,
        )
      )
        pushed.push(sha);
      else await copy.git('pull', '-q', '--rebase', 'origin', 'main');
    }
    return pushed;
  })();
  const merged = await forge.api('POST', '/repos/hello/pulls/1/merge');
  const pushed = await pushes;
  expect(merged.status).toBe(200);
  await copy.git('fetch', '-q', 'origin', 'main');
  const history = await copy.git('log', '--format=%H', 'FETCH_HEAD');
  for (const sha of [head, String(merged.body['sha']), ...pushed]) expect(history).toContain(sha);
  await forge.server.delivered();
  const moves = forge.deliveries.map(({ body }) => JSON.parse(body) as { ref?: string; before: string; after: string });
  const main = moves.filter(({ ref }) => ref === 'refs/heads/main');
  expect(main.slice(1).map(({ before }) => before)).toEqual(main.slice(0, -1).map(({ after }) => after));
});

test('a comment is announced as an issue_comment of its author', async () => {
  await copy.commit('change', { a: '2\n' });
  await copy.git('push', '-q', 'origin', 'HEAD:refs/for/main');
  await forge.api('POST', '/repos/hello/pulls/1/comments', { body: '/retest' });
  await forge.server.delivered();
  const sent = forge.deliveries.filter(({ event }) => event === 'issue_comment');
  expect(sent.map(({ body }) => JSON.parse(body) as object)).toMatchObject([
    {
      action: 'created',
      issue: { number: 1, pull_request: {} },
      comment: { id: 1, body: '/retest', user: { id: expect.any(Number) as number } },
      repository: { full_name: 'sluice/hello' },
    },
  ]);
});
