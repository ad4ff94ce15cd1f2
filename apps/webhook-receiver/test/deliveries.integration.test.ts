import { normalise } from '@sluice/events';
import { startGithubStandIn } from '@sluice/forge/testing';
import { createHttpDeliver, startTestForge } from '@sluice/git-server/testing';
import { resources } from '@sluice/model';
import { FakeKube } from '@sluice/reconcile/testing';
import { silentLog } from '@sluice/runtime';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { DeliveryJob } from '@sluice/events';
import { type RunningReceiver, start } from '../src/receiver.ts';

const secret = 'a shared secret';
let receiver: RunningReceiver;
let jobs: Map<string, DeliveryJob>;
let aliases: Set<string>;

beforeEach(async () => {
  jobs = new Map();
  aliases = new Set();
  const kube = new FakeKube();
  for (const type of ['local', 'github', 'gitlab']) {
    kube.put(resources.repositories, {
      apiVersion: 'sluice.dev/v1alpha1',
      kind: 'Repository',
      metadata: { name: type, namespace: 'ci' },
      spec: { forge: { type }, webhook: { route: `route-${type}`, secretRef: { name: 'hook' } } },
    });
  }
  const data = { secret: Buffer.from(secret).toString('base64') };
  kube.put(resources.secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'hook', namespace: 'ci' },
    data,
  } as never);
  const deliveries = {
    async add(
      job: DeliveryJob,
      { id, alias }: { id: string; alias: string },
    ): Promise<'added' | 'duplicate' | 'conflict'> {
      if (jobs.has(id)) return 'duplicate';
      if (aliases.has(alias)) return 'conflict';
      aliases.add(alias);
      jobs.set(id, job);
      return 'added';
    },
    list: async () => [],
    show: async () => undefined,
    replay: async () => false,
  };
  receiver = await start({ host: '127.0.0.1', port: 0 }, { kube, deliveries, log: silentLog, now: Date.now });
  await vi.waitFor(async () => {
    if ((await fetch(`${receiver.url}/readyz`)).status !== 200) throw new Error('not ready');
  });
});
afterEach(() => receiver.close());

function events(): unknown[] {
  return [...jobs.values()].map(({ event, delivery, body, route }) => {
    const payload: unknown = JSON.parse(Buffer.from(body, 'base64').toString('utf8'));
    const result = normalise({ forge: route === 'route-local' ? 'local' : 'github', event, delivery, payload });
    return result.ok ? result.value : result.problems;
  });
}

test('pushes and pull requests of the local forge arrive as jobs that the normaliser reads', async () => {
  const forge = await startTestForge({ deliver: createHttpDeliver() });
  try {
    const webhook = { url: `${receiver.url}/hooks/route-local`, secret };
    await forge.api('POST', '/repos', { name: 'hello', webhook });
    const copy = await forge.workingCopy('hello');
    const first = await copy.commit('first', { a: '1' });
    await copy.git('push', '-q', 'origin', 'main');
    const second = await copy.commit('second `$(id)` {{=1}}', { a: '2' });
    await copy.git('push', '-q', 'origin', 'HEAD:refs/for/main');
    await forge.api('POST', '/repos/hello/pulls/1/merge', { method: 'fast-forward' });
    await forge.server.delivered();
    expect(events()).toMatchObject([
      { kind: 'push', ref: 'refs/heads/main', after: first, created: true, message: 'first', actor: { login: 'ada' } },
      { kind: 'pull_request', action: 'opened', number: 1, sha: second, baseSha: first, fork: false },
      { kind: 'push', ref: 'refs/heads/main', before: first, after: second, message: 'second `$(id)` {{=1}}' },
      { kind: 'pull_request', action: 'closed', number: 1, merged: true },
    ]);
  } finally {
    await forge.close();
  }
});

test('deliveries of GitHub arrive; a forged one does not, a repeated one once', async () => {
  const github = await startGithubStandIn();
  try {
    const webhook = { url: `${receiver.url}/hooks/route-github`, secret };
    github.addRepository({ fullName: 'octo/hello', webhook });
    const sha = 'a'.repeat(40);
    const sent = await github.push('octo/hello', { ref: 'refs/heads/main', after: sha, message: 'first' });
    const opened = await github.pushPull('octo/hello', {
      number: 7,
      headSha: 'b'.repeat(40),
      baseRef: 'main',
      fork: true,
    });
    expect([sent?.status, opened?.status]).toEqual([202, 202]);
    if (!sent) throw new Error('nothing was sent');
    const again = await github.redeliver('octo/hello', sent, { delivery: 'another-id' });
    expect([again.status, JSON.parse(again.answer)]).toMatchObject([202, { code: 'Duplicate' }]);
    const forged = { ...sent, body: sent.body.replace('refs/heads/main', 'refs/heads/evil') };
    const signature = `sha256=${'0'.repeat(64)}`;
    expect((await github.redeliver('octo/hello', forged, { signature })).status).toBe(401);
    expect(events()).toMatchObject([
      { kind: 'push', ref: 'refs/heads/main', after: sha, message: 'first' },
      { kind: 'pull_request', action: 'opened', number: 7, fork: true },
    ]);
    expect(github.violations).toEqual([]);
  } finally {
    await github.close();
  }
});

test('GitLab is answered so that its webhook stays on: only a wrong token is refused', async () => {
  const send = async (body: object | string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${receiver.url}/hooks/route-gitlab`, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: {
        'content-type': 'application/json',
        'x-gitlab-event': 'Push Hook',
        'x-gitlab-event-uuid': 'u-1',
        'x-gitlab-token': secret,
        ...headers,
      },
    });
    return [response.status, ((await response.json()) as { code: string }).code];
  };
  const push = { object_kind: 'push', ref: 'refs/heads/main' };
  expect(await send(push)).toEqual([202, 'Queued']);
  expect(await send(push)).toEqual([202, 'Duplicate']);
  expect(await send({ ...push, ref: 'refs/heads/other' })).toEqual([200, 'PassedOver']);
  expect(await send({ object_kind: 'note' })).toEqual([200, 'PassedOver']);
  expect(await send('not json')).toEqual([200, 'PassedOver']);
  expect(await send(push, { 'x-gitlab-event-uuid': 'bad id' })).toEqual([200, 'PassedOver']);
  expect(await send(push, { 'x-gitlab-token': 'another' })).toEqual([401, 'BadSignature']);
  expect(jobs.size).toBe(1);
});
