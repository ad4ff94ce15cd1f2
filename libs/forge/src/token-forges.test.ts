import type { CheckReport, DeploymentReport } from '@sluice/model';
import { Secret } from '@sluice/runtime';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createBitbucketForge } from './bitbucket-forge.ts';
import type { Forge } from './forge.ts';
import { createGiteaForge } from './gitea-forge.ts';
import { createGitlabForge } from './gitlab-forge.ts';
import { startTokenForge, tokenForge, type TokenForgeStandIn } from './testing.ts';

const [main, topic, forked] = ['a', 'b', 'c'].map((char) => char.repeat(40)) as [string, string, string];
const signal = new AbortController().signal;
const uuid = '55555555-1111-1111-1111-111111111111';

const kinds = [
  {
    kind: 'gitlab',
    create: createGitlabForge,
    id: '42',
    words: ['pending', 'running', 'success', 'failed', 'canceled'],
  },
  { kind: 'gitea', create: createGiteaForge, id: '42', words: ['pending', 'pending', 'success', 'failure', 'error'] },
  {
    kind: 'bitbucket',
    create: createBitbucketForge,
    id: '42424242-1111-1111-1111-111111111111',
    words: ['INPROGRESS', 'INPROGRESS', 'SUCCESSFUL', 'FAILED', 'STOPPED'],
  },
] as const;

const reports: Pick<CheckReport, 'status' | 'conclusion'>[] = [
  { status: 'queued' },
  { status: 'in_progress' },
  { status: 'completed', conclusion: 'neutral' },
  { status: 'completed', conclusion: 'failure' },
  { status: 'completed', conclusion: 'cancelled' },
];

describe.for(kinds)('$kind', ({ kind, create, id, words }) => {
  let server: TokenForgeStandIn;
  let forge: Forge;
  beforeEach(async () => {
    server = await startTokenForge(kind);
    server.state.branches.set('main', main);
    forge = create({ apiUrl: server.url, repository: tokenForge.repository, token: new Secret(tokenForge.token) });
  });
  afterEach(async () => {
    await server.close();
  });

  const report = (state: (typeof reports)[number], title = 'a title'): CheckReport => {
    return { name: 'ci', externalId: 'u', sha: main, title, summary: '', ...state };
  };

  test('checks become commit statuses in the words of the forge', async () => {
    for (const [i, state] of reports.entries()) await forge.upsertCheck(report(state, `title ${i}`), signal);
    expect(server.state.statuses.map(({ state }) => state)).toEqual(
      kind === 'gitea' || kind === 'bitbucket' ? words : [...new Set(words)],
    );
    expect(server.state.statuses[0]).toMatchObject({ sha: main, context: 'sluice/ci', description: 'title 0' });
    expect(server.violations).toEqual([]);
  });

  test('what was said last is not said again', async () => {
    const done = report({ status: 'completed', conclusion: 'success' });
    await forge.upsertCheck(done, signal);
    await forge.upsertCheck(done, signal);
    expect(server.requests).toHaveLength(1);
  });

  test('a title is cut to the 140 characters of a description', async () => {
    await forge.upsertCheck(report({ status: 'queued' }, 'x'.repeat(500)), signal);
    expect(server.state.statuses[0]?.description).toHaveLength(140);
  });

  test('branches, tags and open pull requests are listed, page by page', async () => {
    for (let i = 0; i < 120; i++) server.state.branches.set(`b${i}`, topic);
    server.state.branches.set('topic', topic);
    server.state.tags.set('v1', main);
    server.state.pulls.push({ number: 3, branch: 'topic', sha: topic, fork: false });
    server.state.pulls.push({ number: 4, branch: 'main', sha: forked, fork: true });
    const heads = await forge.listHeads(signal);
    expect(heads).toHaveLength(125);
    const author = { id: kind === 'bitbucket' ? uuid : '5', login: 'contributor' };
    const base = { baseRef: 'refs/heads/main', baseSha: main, draft: false, author };
    expect(heads.filter(({ ref }) => !ref.startsWith('refs/heads/'))).toEqual([
      { ref: 'refs/tags/v1', sha: main },
      {
        ref: 'refs/pull/3/head',
        sha: topic,
        pullRequest: { number: 3, fork: false, headRef: 'refs/heads/topic', ...base },
      },
      { ref: 'refs/pull/4/head', sha: forked, pullRequest: { number: 4, fork: true, ...base } },
    ]);
    expect(server.violations).toEqual([]);
  });

  test('what somebody may do goes by the id, not by the login', async () => {
    server.state.members.set(id, { login: 'maintainer', permission: kind === 'gitlab' ? 30 : 'write' });
    expect(await forge.permissionOf({ id, login: 'maintainer' }, signal)).toBe('write');
    const other = id.replaceAll('4', '6');
    expect(await forge.permissionOf({ id: other, login: 'maintainer' }, signal)).toBe('none');
    expect(await forge.permissionOf({ id: '../../admin', login: '../../admin' }, signal)).toBe('none');
    expect(server.violations).toEqual([]);
  });

  test('a token that does not hold is told without the token', async () => {
    const wrong = create({ apiUrl: server.url, repository: tokenForge.repository, token: new Secret('not-the-token') });
    const failure = wrong.upsertCheck(report({ status: 'queued' }), signal);
    await expect(failure).rejects.toMatchObject({ reason: 'ForgeUnauthorized' });
    await expect(failure).rejects.not.toThrow('not-the-token');
  });

  test('a server that is not there is worth another try', async () => {
    const away = create({ apiUrl: 'http://127.0.0.1:1', repository: 'octo/hello', token: new Secret('any-token') });
    await expect(away.listHeads(signal)).rejects.toMatchObject({ name: 'TransientError' });
  });
});

const deployment: DeploymentReport = {
  externalId: 'r',
  sha: main,
  ref: 'refs/heads/main',
  environment: 'staging',
  state: 'in_progress',
  description: '',
};

test('GitLab is told of deployments, one for each commit and environment, also after a restart', async () => {
  const server = await startTokenForge('gitlab');
  const open = () =>
    createGitlabForge({ apiUrl: server.url, repository: 'octo/hello', token: new Secret(tokenForge.token) });
  await open().upsertDeployment(deployment, signal);
  await open().upsertDeployment({ ...deployment, state: 'success' }, signal);
  await open().upsertDeployment({ ...deployment, sha: topic }, signal);
  expect(server.state.deployments).toMatchObject([
    { environment: 'staging', sha: main, status: 'success' },
    { environment: 'staging', sha: topic, status: 'running' },
  ]);
  expect(server.violations).toEqual([]);
  await server.close();
});
