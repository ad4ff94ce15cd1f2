import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type GithubStandIn, makeTestApp, type SentWebhook, startGithubStandIn } from '@sluice/forge/testing';
import { type KubeObject, resources } from '@sluice/model';
import { silentLog } from '@sluice/runtime';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Local, startLocal } from '../src/local.ts';

// The whole of Sluice on one machine, with GitHub as its forge: the commits come from the local forge's git, everything
// else from a stand-in that checks each exchange against GitHub's own description.
const app = makeTestApp();
const hookSecret = 'a webhook secret';
const pipeline = `apiVersion: sluice.dev/v1alpha1
kind: Pipeline
metadata: { name: ci }
spec:
  on:
    push: { branches: [main] }
    pullRequest: { branches: [main] }
  steps:
    - name: unit
      run: |
        test ! -e broken
        test ! -e slow || sleep 3
    - name: chart
      needs: [unit]
      package: { chart: { path: chart } }
  deploy:
    - { environment: staging, release: hello, chart: chart }
`;
const environment = {
  apiVersion: 'sluice.dev/v1alpha1',
  kind: 'Environment',
  metadata: { name: 'staging', namespace: 'default' },
  spec: { namespace: 'staging', mode: 'direct', release: { interval: '1m', install: { createNamespace: true } } },
};
const configMap =
  'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: hello }\ndata: { version: {{ .Chart.AppVersion }} }\n';

let root: string;
let github: GithubStandIn;
let local: Local;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-github-'));
  github = await startGithubStandIn({ app });
  const config = {
    directory: join(root, 'data'),
    host: '127.0.0.1',
    ports: { api: 0, forge: 0, registry: 0, receiver: 0 },
    runtime: 'auto',
    env: process.env,
  } as const;
  local = await startLocal(config, { log: silentLog, now: Date.now });
  const { forgeUrl, receiverUrl, token } = local.context;
  const headers = { authorization: `Bearer ${token}` };
  await fetch(`${forgeUrl}/api/v1/repos`, { method: 'POST', headers, body: JSON.stringify({ name: 'content' }) });
  await mkdir(join(root, 'work', '.sluice'), { recursive: true });
  await writeFile(join(root, 'work', '.sluice', 'ci.yaml'), pipeline);
  await mkdir(join(root, 'work', 'chart', 'templates'), { recursive: true });
  await writeFile(join(root, 'work', 'chart', 'Chart.yaml'), 'apiVersion: v2\nname: hello\nversion: 1.0.0\n');
  await writeFile(join(root, 'work', 'chart', 'templates', 'all.yaml'), configMap);
  await local.kube.create<KubeObject>(resources.environments, environment);
  await git('init', '-q', '-b', 'main');
  await git('remote', 'add', 'origin', `${forgeUrl.replace('//', `//sluice:${token}@`)}/content.git`);
  await addRepository(`${forgeUrl}/content.git`);
  github.addRepository({
    fullName: 'octo/hello',
    webhook: { url: `${receiverUrl}/hooks/gh-route`, secret: hookSecret },
  });
});
afterEach(async () => {
  await local.close();
  await github.close();
  await rm(root, { recursive: true, force: true });
});

async function git(...args: readonly string[]): Promise<string> {
  const identity = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com'];
  const env = { PATH: process.env['PATH'], HOME: root, GIT_CONFIG_NOSYSTEM: '1' };
  const run = promisify(execFile);
  return (await run('git', ['-C', join(root, 'work'), ...identity, ...args], { env })).stdout.trim();
}

async function commit(message: string, branch: string): Promise<string> {
  await git('add', '-A');
  await git('commit', '-q', '-m', message);
  await git('push', '-q', 'origin', `HEAD:refs/heads/${branch}`);
  return git('rev-parse', 'HEAD');
}

async function addRepository(url: string): Promise<void> {
  const put = (name: string, values: Record<string, string>): Promise<KubeObject> => {
    const data = Object.fromEntries(
      Object.entries(values).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
    );
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'default' }, data };
    return local.kube.create<KubeObject>(resources.secrets, secret);
  };
  await put('gh', { appId: String(app.appId), privateKey: app.privateKey });
  await put('gh-hook', { secret: hookSecret });
  const forge = { type: 'github', apiUrl: github.url, repository: 'octo/hello', secretRef: { name: 'gh' } };
  const webhook = { route: 'gh-route', secretRef: { name: 'gh-hook' } };
  await local.kube.create<KubeObject>(resources.repositories, {
    apiVersion: 'sluice.dev/v1alpha1',
    kind: 'Repository',
    metadata: { name: 'octo-hello', namespace: 'default' },
    spec: { forge, url, defaultBranch: 'main', webhook },
  });
}

function atGithub() {
  const found = github.state.repositories.get('octo/hello');
  if (!found) throw new Error('the stand-in has no repository octo/hello');
  return found;
}

/** Push to main at GitHub. The receiver may have to learn of the repository first. */
function pushed(after: string): Promise<SentWebhook> {
  return vi.waitFor(
    async () => {
      const push = await github.push('octo/hello', { ref: 'refs/heads/main', after });
      if (push?.status !== 202) throw new Error(`answered ${push?.status}`);
      return push;
    },
    { timeout: 10_000, interval: 200 },
  );
}

/** Wait until the last check run of a name on a commit is in this state. Gives the check run. */
function checkRun(sha: string, name: string, state: string) {
  const last = () => [...atGithub().checkRuns.values()].findLast((run) => run.headSha === sha && run.name === name);
  return vi.waitFor(
    () => {
      const run = last();
      expect([run?.conclusion ?? run?.status, run?.title]).toEqual([state, expect.anything()]);
      if (!run) throw new Error(`no check run ${name}`);
      return run;
    },
    { timeout: 40_000, interval: 100 },
  );
}

async function concluded(sha: string, ...names: string[]): Promise<string[]> {
  const done = () =>
    [...atGithub().checkRuns.values()].filter((run) => run.headSha === sha && run.status === 'completed');
  await vi.waitFor(() => expect(done().map(({ name }) => name)).toEqual(expect.arrayContaining(names)), {
    timeout: 40_000,
    interval: 100,
  });
  return done()
    .map(({ name, conclusion }) => `${name} ${conclusion}`)
    .sort();
}

test(
  'signed deliveries become check runs and a deployment: green, red for a broken pull request, green for its fix',
  { timeout: 90_000 },
  async () => {
    const first = await commit('first', 'main');
    const sent = await pushed(first);
    expect(JSON.parse((await github.redeliver('octo/hello', sent, { delivery: 'again' })).answer)).toMatchObject({
      code: 'Duplicate',
    });
    const signature = `sha256=${'0'.repeat(64)}`;
    expect((await github.redeliver('octo/hello', sent, { signature })).status).toBe(401);
    expect(await concluded(first, 'ci', 'deploy staging')).toEqual(['ci success', 'deploy staging success']);
    const deployed = await local.kube.get(resources.configMaps, { namespace: 'staging', name: 'hello' });
    expect(deployed).toMatchObject({ data: { version: first } });
    const deployments = [...atGithub().deployments.values()];
    expect(deployments).toMatchObject([{ sha: first, environment: 'staging' }]);
    expect(deployments[0]?.statuses.at(-1)?.state).toBe('success');

    await writeFile(join(root, 'work', 'broken'), '');
    const broken = await commit('break', 'topic-1');
    await github.pushPull('octo/hello', { number: 1, headSha: broken, baseRef: 'main' });
    expect(await concluded(broken, 'ci')).toEqual(['ci failure']);
    await rm(join(root, 'work', 'broken'));
    const fixed = await commit('fix', 'topic-1');
    await github.pushPull('octo/hello', { number: 1, headSha: fixed, baseRef: 'main' });
    expect(await concluded(fixed, 'ci')).toEqual(['ci success']);

    expect(atGithub().deployments.size).toBe(1);
    expect((await local.kube.list(resources.workflows)).items).toHaveLength(3);
    expect(github.violations).toEqual([]);
  },
);

const maintainer = { id: 42, login: 'maintainer' };
const stranger = { id: 2, login: 'contributor' };

test(
  'a fork waits for /ok-to-test of its head, runs without secrets, is cancelled and run again by buttons and comments',
  { timeout: 120_000 },
  async () => {
    const { number, baseRef } = { number: 5, baseRef: 'main' };
    const say = (body: string, user = maintainer) => github.comment('octo/hello', { number, body, user });
    const base = await commit('first', 'main');
    await pushed(base);
    await concluded(base, 'ci', 'deploy staging');
    atGithub().collaborators.set(maintainer.login, { id: maintainer.id, permission: 'write' });

    // The fork brings a pipeline of its own: that of main is run.
    await writeFile(join(root, 'work', '.sluice', 'ci.yaml'), pipeline.replace('test ! -e broken', 'echo stolen'));
    await writeFile(join(root, 'work', 'broken'), '');
    const head = await commit('from a stranger', 'fork');
    await github.pushPull('octo/hello', { number, headSha: head, baseRef, fork: true });
    const waiting = await checkRun(head, 'ci', 'action_required');
    expect(waiting.actions).toMatchObject([{ identifier: 'approve' }]);

    await say(`/ok-to-test ${head}`, stranger);
    expect((await checkRun(head, 'sluice command', 'neutral')).title).toContain('no write access');
    await say(`/ok-to-test ${base}`);
    await vi.waitFor(
      async () => {
        expect((await checkRun(head, 'sluice command', 'neutral')).title).toContain('is not the head');
      },
      { timeout: 20_000 },
    );
    expect(await runsOf(head)).toEqual([]);

    await say(`/ok-to-test ${head}`);
    const failed = await checkRun(head, 'ci', 'failure');
    expect(failed.id).toBe(waiting.id);
    const [run] = await runsOf(head);
    expect(run?.metadata.annotations?.['sluice.dev/trust']).toBe('untrusted');
    expect(run?.spec).toMatchObject({ automountServiceAccountToken: false });

    // New commits are new code.
    await rm(join(root, 'work', 'broken'));
    await writeFile(join(root, 'work', 'slow'), '');
    const next = await commit('fixed', 'fork');
    await github.pushPull('octo/hello', { number, headSha: next, baseRef, fork: true });
    const again = await checkRun(next, 'ci', 'action_required');
    await github.press('octo/hello', { checkRun: again.id, button: 'approve', user: maintainer });
    await checkRun(next, 'ci', 'in_progress');
    await github.press('octo/hello', { checkRun: again.id, button: 'cancel', user: maintainer });
    await checkRun(next, 'ci', 'cancelled');
    await say('/retest');
    const retested = await checkRun(next, 'ci', 'success');
    expect(retested.id).not.toBe(again.id);
    await github.press('octo/hello', { checkRun: retested.id, user: maintainer });
    await vi.waitFor(async () => expect(await runsOf(next)).toHaveLength(3), { timeout: 10_000 });
    await checkRun(next, 'ci', 'success');

    expect(atGithub().deployments.size).toBe(1);
    expect(github.violations).toEqual([]);
  },
);

async function runsOf(sha: string): Promise<readonly KubeObject[]> {
  return (await local.kube.list(resources.workflows, { labelSelector: `sluice.dev/sha=${sha}` })).items;
}
