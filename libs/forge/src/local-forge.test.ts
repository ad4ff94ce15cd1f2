import { startTestForge, type TestForge, type WorkingCopy } from '@sluice/git-server/testing';
import type { CheckReport } from '@sluice/model';
import { Secret } from '@sluice/runtime';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LocalForge } from './forge.ts';
import { createLocalForge } from './local-forge.ts';
import { loadDescription } from './testing.ts';

const signal = new AbortController().signal;
let server: TestForge;
let forge: LocalForge;
let copy: WorkingCopy;
let sha: string;

beforeEach(async () => {
  server = await startTestForge();
  await server.api('POST', '/repos', {
    name: 'hello',
    webhook: { url: 'http://127.0.0.1:9/hooks/x', secret: 's3cret' },
  });
  copy = await server.workingCopy('hello');
  sha = await copy.commit('first', { a: '1\n' });
  await copy.git('push', '-q', 'origin', 'main');
  forge = createLocalForge({ apiUrl: server.url, token: new Secret(server.token), repository: 'hello' });
});
afterEach(() => server.close());

test('checks and deployments are stored under their external ids', async () => {
  const check: CheckReport = {
    name: 'ci',
    externalId: 'uid-1',
    sha,
    status: 'in_progress',
    title: 'running',
    summary: 's',
  };
  await forge.upsertCheck(check, signal);
  await forge.upsertCheck(
    {
      ...check,
      status: 'completed',
      conclusion: 'failure',
      text: 't'.repeat(70_000),
      annotations: [
        { path: 'a', startLine: 1, endLine: 1, startColumn: 2, endColumn: 3, level: 'failure', message: 'm' },
      ],
    },
    signal,
  );
  const deployment = {
    externalId: 'rel',
    sha,
    ref: 'refs/heads/main',
    environment: 'staging',
    description: 'd',
  } as const;
  await forge.upsertDeployment({ ...deployment, state: 'in_progress' }, signal);
  await forge.upsertDeployment({ ...deployment, state: 'success' }, signal);
  expect((await server.api('GET', `/repos/hello/commits/${sha}/checks`)).list).toMatchObject([
    { externalId: 'uid-1', status: 'completed', conclusion: 'failure', annotations: [{ startColumn: 2 }] },
  ]);
  const listed = await server.api('GET', `/repos/hello/deployments?sha=${sha}&environment=staging`);
  expect(listed.list).toMatchObject([{ state: 'success', history: [{ state: 'in_progress' }, { state: 'success' }] }]);
});

test('heads hold branches, tags with their commits, and open pull requests', async () => {
  await copy.git('tag', '-a', '-m', 'v1', 'v1');
  await copy.git('push', '-q', 'origin', 'v1');
  const head = await copy.commit('change', { a: '2\n' });
  await copy.git('push', '-q', 'origin', 'HEAD:refs/for/main');
  expect(await forge.listHeads(signal)).toEqual([
    { ref: 'refs/heads/main', sha },
    { ref: 'refs/tags/v1', sha },
    {
      ref: 'refs/pull/1/head',
      sha: head,
      pullRequest: {
        number: 1,
        baseRef: 'refs/heads/main',
        baseSha: sha,
        draft: false,
        fork: false,
        author: { id: expect.stringMatching(/^\d+$/), login: 'ada' },
      },
    },
  ]);
});

test('a pull request is merged and closed through the client', async () => {
  await copy.commit('change', { a: '2\n' });
  await copy.git('push', '-q', 'origin', 'HEAD:refs/for/main');
  const merged = await forge.mergePull(1, {}, signal);
  expect(await copy.git('ls-remote', 'origin', 'main')).toContain(merged);
  await expect(forge.closePull(1, signal)).rejects.toMatchObject({ reason: 'ForgeRefused' });
  await expect(forge.mergePull(7, {}, signal)).rejects.toMatchObject({ reason: 'ForgeNotFound' });
});

test('a wrong token and a forge that is not there are told apart', async () => {
  const wrong = createLocalForge({ apiUrl: server.url, token: new Secret('wrong'), repository: 'hello' });
  await expect(wrong.closePull(1, signal)).rejects.toMatchObject({ reason: 'ForgeUnauthorized' });
  const gone = createLocalForge({ apiUrl: 'http://127.0.0.1:1', token: new Secret('x'), repository: 'hello' });
  await expect(gone.listHeads(signal)).rejects.toMatchObject({ name: 'TransientError' });
});

test("every webhook of the local forge fits GitHub's description", async () => {
  const api = loadDescription();
  await copy.git('tag', '-a', '-m', 'v1', 'v1');
  await copy.git('push', '-q', 'origin', 'v1', 'main:side');
  await copy.git('push', '-q', 'origin', ':side');
  await copy.commit('change', { a: '2\n' });
  await copy.git('push', '-q', 'origin', 'HEAD:refs/for/main');
  await copy.commit('again', { a: '3\n' });
  await copy.git('push', '-q', 'origin', 'HEAD:refs/for/main');
  await forge.mergePull(1, {}, signal);
  await server.server.delivered();
  const seen = server.deliveries.map(({ event, body }) => {
    const payload = JSON.parse(body) as { action?: string };
    const schema = ['webhook', event.replaceAll('_', '-'), payload.action].filter(Boolean).join('-');
    return { schema, problems: api.checkWebhook(schema, payload) };
  });
  expect(seen.filter(({ problems }) => problems.length > 0)).toEqual([]);
  expect(seen.map(({ schema }) => schema).sort()).toEqual([
    'webhook-pull-request-closed',
    'webhook-pull-request-opened',
    'webhook-pull-request-synchronize',
    ...Array<string>(5).fill('webhook-push'),
  ]);
});
