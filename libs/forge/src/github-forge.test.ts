import type { CheckReport, DeploymentReport } from '@sluice/model';
import { Secret } from '@sluice/runtime';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { GithubForge } from './forge.ts';
import type { GithubAuth } from './github-connection.ts';
import { createGithubForge } from './github-forge.ts';
import { type GithubStandIn, makeTestApp, startGithubStandIn } from './testing.ts';

const app = makeTestApp();
const token = 'github_pat_0123456789';
const sha = 'a'.repeat(40);
const signal = new AbortController().signal;
const asApp: GithubAuth = { kind: 'app', appId: app.appId, privateKey: new Secret(app.privateKey) };
const asToken: GithubAuth = { kind: 'token', token: new Secret(token) };

let github: GithubStandIn;
beforeEach(async () => {
  github = await startGithubStandIn({ app, token });
  github.addRepository({ fullName: 'Octo/Hello' });
  await github.push('octo/hello', { ref: 'refs/heads/main', after: sha });
});
afterEach(async () => {
  await github.close();
});

const open = (auth: GithubAuth, repository = 'octo/hello', retries = 0): GithubForge =>
  createGithubForge({ apiUrl: github.url, auth, repository, paced: false, timeoutMs: 5_000, retries });
const hello = () => github.state.repositories.get('octo/hello')!;
const runs = () => [...hello().checkRuns.values()];
const operations = (): string[] =>
  github.requests.map(({ operation }) => operation.replace('/repos/{owner}/{repo}', ''));

const check: CheckReport = {
  name: 'ci',
  externalId: 'uid-1',
  sha,
  status: 'in_progress',
  title: 'running',
  summary: 'two of four steps',
  startedAt: '2026-01-01T00:00:00Z',
};
const done: CheckReport = {
  ...check,
  status: 'completed',
  conclusion: 'failure',
  title: 'unit failed',
  summary: '| step |',
  text: 'tail',
  completedAt: '2026-01-01T00:01:00Z',
  detailsUrl: 'https://sluice.test/runs/1',
};
const deployment: DeploymentReport = {
  externalId: 'rel-1',
  sha,
  ref: 'refs/heads/main',
  environment: 'staging',
  state: 'in_progress',
  description: 'upgrading',
};

test('as an App, a check is created once and then updated until it is completed', async () => {
  const forge = open(asApp);
  await forge.upsertCheck({ ...check, status: 'queued' }, signal);
  await forge.upsertCheck(check, signal);
  await forge.upsertCheck(done, signal);
  expect(runs()).toMatchObject([
    {
      name: 'ci',
      externalId: 'uid-1',
      headSha: sha,
      status: 'completed',
      conclusion: 'failure',
      title: 'unit failed',
      text: 'tail',
      history: ['queued', 'in_progress', 'failure'],
    },
  ]);
  expect(github.violations).toEqual([]);
});

test('after a restart the check is found again by its external id', async () => {
  await open(asApp).upsertCheck(check, signal);
  await open(asApp).upsertCheck({ ...check, externalId: 'uid-2' }, signal);
  await open(asApp).upsertCheck(done, signal);
  expect(runs().map(({ externalId, status }) => [externalId, status])).toEqual([
    ['uid-1', 'completed'],
    ['uid-2', 'in_progress'],
  ]);
  expect(github.violations).toEqual([]);
});

test('two reports at once make one check', async () => {
  const forge = open(asApp);
  await Promise.all([forge.upsertCheck(check, signal), forge.upsertCheck(done, signal)]);
  expect(runs()).toHaveLength(1);
});

test('120 annotations arrive in portions, and once', async () => {
  const annotations = Array.from({ length: 120 }, (_, index) => ({
    path: './src/a.ts',
    startLine: index + 1,
    endLine: index + 1,
    level: 'failure' as const,
    message: `problem ${index}`,
  }));
  await open(asApp).upsertCheck({ ...done, annotations }, signal);
  await open(asApp).upsertCheck({ ...done, annotations }, signal);
  expect(runs()[0]?.annotations).toHaveLength(120);
  expect(runs()[0]?.annotations[119]).toMatchObject({ path: 'src/a.ts', start_line: 120, message: 'problem 119' });
  expect(github.violations).toEqual([]);
});

test('texts beyond the limits of GitHub are shortened', async () => {
  await open(asApp).upsertCheck({ ...done, summary: 's'.repeat(70_000), text: 't'.repeat(70_000) }, signal);
  await open(asToken).upsertCheck({ ...done, title: 't'.repeat(300) }, signal);
  await open(asApp).upsertDeployment({ ...deployment, description: 'd'.repeat(300) }, signal);
  expect(github.violations).toEqual([]);
  expect(hello().statuses[0]?.description).toHaveLength(140);
});

test('with a token, checks become commit statuses, and the same is not said twice', async () => {
  const forge = open(asToken);
  await forge.upsertCheck({ ...check, status: 'queued' }, signal);
  await forge.upsertCheck({ ...check, status: 'queued' }, signal);
  await forge.upsertCheck(done, signal);
  expect(hello().statuses.map(({ state, context, description }) => [state, context, description])).toEqual([
    ['pending', 'sluice/ci', 'running'],
    ['failure', 'sluice/ci', 'unit failed'],
  ]);
  expect(github.violations).toEqual([]);
});

test('a deployment is made once, whatever the checks say, and each state is said once', async () => {
  await open(asApp).upsertCheck(done, signal);
  const forge = open(asApp);
  await forge.upsertDeployment(deployment, signal);
  await forge.upsertDeployment(deployment, signal);
  await open(asApp).upsertDeployment(deployment, signal);
  await open(asApp).upsertDeployment({ ...deployment, state: 'success', description: 'serving' }, signal);
  const [made, ...others] = [...hello().deployments.values()];
  expect(others).toEqual([]);
  expect(made).toMatchObject({ sha, environment: 'staging', payload: { externalId: 'rel-1' } });
  expect(made?.statuses.map(({ state }) => state)).toEqual(['in_progress', 'success']);
  expect(github.violations).toEqual([]);
});

test('heads are branches, tags with their commits, and open pull requests with where they come from', async () => {
  const commit = 'b'.repeat(40);
  hello().refs.set('refs/tags/v1', 'c'.repeat(40));
  hello().tagObjects.set('c'.repeat(40), commit);
  await github.pushPull('octo/hello', { number: 1, headSha: 'd'.repeat(40), baseRef: 'main' });
  await github.pushPull('octo/hello', { number: 2, headSha: 'e'.repeat(40), baseRef: 'main', fork: true });
  await github.closePull('octo/hello', 1, false);
  await github.pushPull('octo/hello', { number: 3, headSha: '0f'.repeat(20), baseRef: 'main' });
  await github.pushPull('octo/hello', { number: 3, headSha: 'f'.repeat(40), baseRef: 'main' });
  const forge = open(asApp);
  const base = { baseRef: 'refs/heads/main', baseSha: sha, draft: false, author: { id: '2', login: 'contributor' } };
  expect(await forge.listHeads(signal)).toEqual([
    { ref: 'refs/heads/main', sha },
    { ref: 'refs/tags/v1', sha: commit },
    { ref: 'refs/pull/2/head', sha: 'e'.repeat(40), pullRequest: { number: 2, fork: true, ...base } },
    {
      ref: 'refs/pull/3/head',
      sha: 'f'.repeat(40),
      pullRequest: { number: 3, fork: false, headRef: 'refs/heads/topic-3', ...base },
    },
  ]);
  const before = github.requests.length;
  await forge.listHeads(signal);
  expect(github.requests.length - before).toBe(3);
  expect(github.violations).toEqual([]);
});

test('a first check as an App costs four requests, the next one', async () => {
  const forge = open(asApp);
  await forge.upsertCheck(check, signal);
  await forge.upsertCheck(done, signal);
  expect(operations()).toEqual([
    'get /installation',
    'post /app/installations/{installation_id}/access_tokens',
    'get /commits/{ref}/check-runs',
    'post /check-runs',
    'patch /check-runs/{check_run_id}',
  ]);
});

const createRun = 'post /repos/{owner}/{repo}/check-runs';
test('a 502 while updating is retried', async () => {
  const forge = open(asApp, 'octo/hello', 1);
  await forge.upsertCheck(check, signal);
  github.fail({ operation: 'patch /repos/{owner}/{repo}/check-runs/{check_run_id}', status: 502 });
  await forge.upsertCheck(done, signal);
  expect(runs()).toMatchObject([{ status: 'completed' }]);
});

test('a check or deployment that was made although the answer got lost is found by the next try', async () => {
  const forge = open(asApp, 'octo/hello', 1);
  github.fail({ operation: createRun, status: 502, afterwards: true });
  await expect(forge.upsertCheck(check, signal)).rejects.toMatchObject({ name: 'TransientError' });
  await forge.upsertCheck(check, signal);
  expect(runs()).toHaveLength(1);
  github.fail({ operation: 'post /repos/{owner}/{repo}/deployments', status: 502, afterwards: true });
  await expect(forge.upsertDeployment(deployment, signal)).rejects.toMatchObject({ name: 'TransientError' });
  await forge.upsertDeployment(deployment, signal);
  expect(hello().deployments.size).toBe(1);
});

test('an installation token that has expired is fetched anew', async () => {
  const forge = open(asApp);
  await forge.upsertCheck(check, signal);
  github.expireTokens();
  await expect(forge.upsertCheck(done, signal)).rejects.toMatchObject({ name: 'TransientError' });
  await forge.upsertCheck(done, signal);
  expect(runs()).toMatchObject([{ status: 'completed' }]);
});

test.for([
  { name: 'a server that stays broken', fault: { status: 502, times: 9 }, want: { name: 'TransientError' } },
  {
    name: 'a secondary limit',
    fault: { status: 403, headers: { 'retry-after': '120' }, message: 'You have exceeded a secondary rate limit' },
    want: { name: 'TransientError' },
  },
  {
    name: 'a used-up quota',
    fault: { status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1' } },
    want: { name: 'TransientError' },
  },
  {
    name: 'a missing permission',
    fault: { status: 403 },
    want: { name: 'TerminalError', reason: 'ForgeUnauthorized' },
  },
  { name: 'a refusal', fault: { status: 422 }, want: { name: 'TerminalError', reason: 'ForgeRefused' } },
])('$name becomes $want.name', async ({ fault, want }) => {
  github.fail({ operation: createRun, ...fault });
  await expect(open(asApp).upsertCheck(check, signal)).rejects.toMatchObject(want);
});

test('git fetches with the token, or with a token of the installation', async () => {
  const { username, password } = await open(asApp).gitCredentials();
  expect([username, github.state.tokens.has(password.reveal())]).toEqual(['x-access-token', true]);
  expect((await open(asToken).gitCredentials()).password.reveal()).toBe(token);
});

test('an unknown commit, an unknown repository and a wrong token are told apart', async () => {
  const unknown = { ...check, sha: '9'.repeat(40) };
  await expect(open(asApp).upsertCheck(unknown, signal)).rejects.toMatchObject({ reason: 'ForgeRefused' });
  await expect(open(asToken, 'octo/nope').listHeads(signal)).rejects.toMatchObject({ reason: 'ForgeNotFound' });
  const wrong: GithubAuth = { kind: 'token', token: new Secret('ghp_wrong') };
  const failure = open(wrong).upsertCheck(check, signal);
  await expect(failure).rejects.toMatchObject({ reason: 'ForgeUnauthorized' });
  await expect(failure).rejects.not.toThrow('ghp_wrong');
});

test('a server that is not there is worth another try', async () => {
  const forge = createGithubForge({
    apiUrl: 'http://127.0.0.1:1',
    auth: asToken,
    repository: 'octo/hello',
    paced: false,
    retries: 0,
  });
  await expect(forge.listHeads(signal)).rejects.toMatchObject({ name: 'TransientError' });
});

test('a repository that is not owner/name is refused at once', () => {
  expect(() => open(asToken, 'hello')).toThrow('not of the form owner/name');
});

const missed = async (forge: GithubForge) =>
  ((await forge.missedDeliveries?.(signal)) ?? []).map(({ event, body }) => {
    const { comment, ref } = JSON.parse(body) as { comment?: { body: string }; ref?: string };
    return `${event} ${comment?.body ?? ref}`;
  });

test('webhooks that were lost are told once, oldest first, without those of other repositories', async () => {
  const webhook = { url: `${github.url}/nowhere`, secret: 'a secret of a webhook' };
  for (const fullName of ['octo/lossy', 'octo/other']) github.addRepository({ fullName, webhook });
  github.lose(true);
  await github.push('octo/lossy', { ref: 'refs/heads/main', after: sha });
  await github.push('octo/other', { ref: 'refs/heads/other', after: sha });
  await github.comment('octo/lossy', { number: 1, body: '/retest', user: { id: 42, login: 'maintainer' } });
  const forge = open(asApp, 'octo/lossy');
  expect(await missed(forge)).toEqual(['push refs/heads/main', 'issue_comment /retest']);
  github.requests.length = 0;
  expect(await missed(forge)).toEqual([]);
  expect(operations()).toEqual(['get /app/hook/deliveries']);
  expect(github.violations).toEqual([]);
});

test('with a token there is no log of deliveries to ask for', () => {
  expect(open(asToken)).not.toHaveProperty('missedDeliveries');
});
