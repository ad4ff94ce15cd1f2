import { afterAll, beforeAll, expect, test } from 'vitest';
import { identify } from './credentials.ts';
import { startTestForge, type TestForge } from './testing.ts';

let forge: TestForge;
let sha: string;
beforeAll(async () => {
  forge = await startTestForge();
  await forge.api('POST', '/repos', { name: 'hello' });
  const copy = await forge.workingCopy('hello');
  sha = await copy.commit('first', { a: '1' });
  await copy.git('push', '-q', 'origin', 'main');
  await copy.commit('second', { a: '2' });
  await copy.git('push', '-q', 'origin', 'HEAD:refs/for/main');
});
afterAll(() => forge.close());

const check = { name: 'ci', status: 'completed', conclusion: 'success', title: 't', summary: 's' };

test('adding a repository twice is adding it once, and its webhook secret is never shown', async () => {
  const webhook = { url: 'http://127.0.0.1:9/hooks/x', secret: 'very secret' };
  const first = await forge.api('POST', '/repos', { name: 'twice', webhook });
  const again = await forge.api('POST', '/repos', {
    name: 'twice',
    webhook: { ...webhook, url: 'http://127.0.0.1:9/y' },
  });
  expect([first.status, again.status, again.body['id']]).toEqual([201, 200, first.body['id']]);
  expect(again.body).toMatchObject({ cloneUrl: `${forge.url}/twice.git`, webhook: { url: 'http://127.0.0.1:9/y' } });
  expect(JSON.stringify(await forge.api('GET', '/repos'))).not.toContain('very secret');
});

test('adding it at the same time from two sides makes one', async () => {
  const answers = await Promise.all([1, 2, 3].map(() => forge.api('POST', '/repos', { name: 'race' })));
  expect(new Set(answers.map(({ body }) => body['id'])).size).toBe(1);
});

test.for([
  { method: 'POST', path: '/repos' },
  { method: 'PUT', path: `/repos/hello/commits/${'a'.repeat(40)}/checks/x` },
  { method: 'POST', path: '/repos/hello/pulls/1/merge' },
])('$method $path needs the token', async ({ method, path }) => {
  const headers = { authorization: 'Bearer wrong-token-0123456' };
  const response = await fetch(`${forge.url}/api/v1${path}`, { method, headers });
  expect(response.status).toBe(401);
  expect(await response.json()).toMatchObject({ code: 'Unauthorized' });
});

test.for([
  { name: 'a name that leaves the directory', body: { name: '../x' }, want: [422, 'BadName'] },
  { name: 'a name in capitals', body: { name: 'Hello' }, want: [422, 'BadName'] },
  { name: 'a name that ends in .git', body: { name: 'x.git' }, want: [422, 'BadName'] },
  { name: 'no name', body: {}, want: [422, 'BadField'] },
  { name: 'a branch like an option', body: { name: 'b', defaultBranch: '--upload-pack=x' }, want: [422, 'BadBranch'] },
  {
    name: 'a webhook to a file',
    body: { name: 'b', webhook: { url: 'file:///x', secret: 's' } },
    want: [422, 'BadField'],
  },
  { name: 'a list', body: [], want: [400, 'BadJson'] },
  { name: 'a body that is too long', body: { name: 'x'.repeat(2_000_000) }, want: [413, 'BodyTooLarge'] },
])('$name is refused', async ({ body, want }) => {
  const answer = await forge.api('POST', '/repos', body).catch(() => undefined);
  expect([answer?.status, answer?.body['code']]).toEqual(want);
});

test('a check is replaced under its external id and belongs to an existing commit', async () => {
  const path = `/repos/hello/commits/${sha}/checks`;
  expect((await forge.api('PUT', `${path}/uid-1`, { ...check, status: 'queued', conclusion: null })).status).toBe(200);
  expect((await forge.api('PUT', `${path}/uid-1`, check)).status).toBe(200);
  expect((await forge.api('GET', path)).list).toMatchObject([{ externalId: 'uid-1', status: 'completed', sha }]);
  const unknown = await forge.api('PUT', `/repos/hello/commits/${'b'.repeat(40)}/checks/x`, check);
  expect(unknown).toMatchObject({ status: 422, body: { code: 'CommitNotFound' } });
});

test.for([
  { name: 'completed without a conclusion', change: { conclusion: undefined } },
  { name: 'a conclusion without completed', change: { status: 'queued' } },
  { name: 'an unknown conclusion', change: { conclusion: 'great' } },
  { name: 'a summary that is too long', change: { summary: 's'.repeat(65_536) } },
  { name: 'too many annotations', change: { annotations: Array(201).fill({ path: 'a', message: 'm' }) } },
  { name: 'an annotation without a path', change: { annotations: [{ message: 'm' }] } },
  { name: 'a time that is none', change: { startedAt: 'yesterday' } },
])('a check with $name is refused', async ({ change }) => {
  const answer = await forge.api('PUT', `/repos/hello/commits/${sha}/checks/bad`, { ...check, ...change });
  expect(answer).toMatchObject({ status: 422, body: { code: 'BadField' } });
});

test('deployments keep their history and are found by commit and environment, newest first', async () => {
  const put = (id: string, environment: string, state: string): Promise<unknown> =>
    forge.api('PUT', `/repos/hello/deployments/${id}`, {
      sha,
      ref: 'refs/heads/main',
      environment,
      state,
      description: state,
    });
  await put('one', 'staging', 'in_progress');
  await put('two', 'production', 'queued');
  await put('three', 'staging', 'failure');
  await put('one', 'staging', 'success');
  await put('one', 'staging', 'success');
  const staging = (await forge.api('GET', `/repos/hello/deployments?sha=${sha}&environment=staging`)).list;
  expect(staging.map(({ externalId, state }) => [externalId, state])).toEqual([
    ['three', 'failure'],
    ['one', 'success'],
  ]);
  expect(staging[1]?.['history']).toMatchObject([{ state: 'in_progress' }, { state: 'success' }]);
});

test('comments are kept in order', async () => {
  await forge.api('POST', '/repos/hello/pulls/1/comments', { body: 'first' });
  await forge.api('POST', '/repos/hello/pulls/1/comments', { body: 'second' });
  expect((await forge.api('GET', '/repos/hello/pulls/1/comments')).list.map(({ body }) => body)).toEqual([
    'first',
    'second',
  ]);
});

test.for([
  { path: '/repos/nope', want: 'RepositoryNotFound' },
  { path: '/repos/hello/pulls/9', want: 'PullNotFound' },
  { path: '/nothing', want: 'NotFound' },
  { path: '/repos/hello/pulls?state=odd', want: 'BadField' },
])('GET $path says $want', async ({ path, want }) => {
  expect((await forge.api('GET', path)).body).toMatchObject({ code: want });
});

const token = 'test-token-0123456789';
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
test.for([
  { name: 'the bearer token', header: `Bearer ${token}`, want: 'sluice' },
  { name: 'any user with the token as password', header: basic(`grace:${token}`), want: 'grace' },
  { name: 'a user name that could leave a directory', header: basic(`../../x:${token}`), want: 'sluice' },
  { name: 'an empty password', header: basic('grace:'), want: undefined },
  { name: 'the token as user', header: basic(`${token}:`), want: undefined },
  { name: 'nothing', header: undefined, want: undefined },
])('$name is $want', ({ header, want }) => {
  expect(identify(header, token)?.login).toBe(want);
});
