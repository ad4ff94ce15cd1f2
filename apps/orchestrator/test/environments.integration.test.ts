import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DeliveryJob } from '@sluice/events';
import { startTestForge, type TestForge, type WorkingCopy } from '@sluice/git-server/testing';
import {
  apiVersionOf,
  findCondition,
  keys,
  resources,
  type Environment,
  type EnvironmentSpec,
  type HelmRelease,
  type KubeObject,
  type Repository,
} from '@sluice/model';
import { FakeKube } from '@sluice/reconcile/testing';
import { silentLog, type Running } from '@sluice/runtime';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { connectMirrors, createForges } from '../src/adapters.ts';
import { orchestratorDefaults } from '../src/config.ts';
import { start } from '../src/start.ts';
import { namespace, pipelineText } from '../src/testing.ts';

// The real forge, git and mirrors: an environment that is kept in a repository of its own. Only the cluster is a fake.
let root: string;
let forge: TestForge;
let app: WorkingCopy;
let env: WorkingCopy;
let kube: FakeKube;
let running: Running;
let handle: (job: DeliveryJob) => Promise<void>;

const file = 'staging/hello-staging.yaml';
const git = { repository: 'environments' };

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-environments-'));
  kube = new FakeKube();
  forge = await startTestForge({
    deliver: async ({ event, delivery, body }) => {
      const { repository } = JSON.parse(body) as { repository: { name: string } };
      const job = { route: 'r', event, delivery, body: Buffer.from(body).toString('base64'), receivedAt: '' };
      await handle({ ...job, repository: { namespace, name: repository.name } });
    },
  });
  const webhook = { url: 'http://127.0.0.1:9/hooks/r', secret: 's' };
  for (const name of ['hello', 'environments']) {
    await forge.api('POST', '/repos', { name, webhook });
    kube.put(resources.repositories, repository(name));
  }
  const data = { token: Buffer.from(forge.token).toString('base64') };
  kube.put(resources.secrets, secret(data));
  const mirrors = await connectMirrors({
    directory: join(root, 'mirrors'),
    path: process.env['PATH'] ?? '',
    privateHosts: ['127.0.0.1'],
    log: silentLog,
  });
  const deliveries = {
    add: async () => 'added' as const,
    work(handler: (job: DeliveryJob, context: { signal: AbortSignal }) => Promise<void>) {
      handle = (job) => handler(job, { signal: new AbortController().signal });
      return { close: async () => {} };
    },
  };
  const config = { ...orchestratorDefaults, registry: '127.0.0.1:7050', registryInsecure: true };
  running = await start(config, {
    kube,
    deliveries,
    forges: createForges(Date.now),
    mirrors,
    log: silentLog,
    now: Date.now,
  });
  app = await forge.workingCopy('hello');
  env = await forge.workingCopy('environments');
  await env.commit('first', { 'README.md': 'environments\n' });
  await env.git('push', '-q', 'origin', 'main');
  await forge.server.delivered();
});
afterEach(async () => {
  await running.close();
  await forge.close();
  await rm(root, { recursive: true, force: true });
});

function repository(name: string): Repository {
  return {
    apiVersion: apiVersionOf(resources.repositories),
    kind: 'Repository',
    metadata: { name, namespace },
    spec: {
      forge: { type: 'local', apiUrl: forge.url, repository: name, secretRef: { name: 'token' } },
      url: `${forge.url}/${name}.git`,
      defaultBranch: 'main',
      webhook: { route: 'r', secretRef: { name: 'token' } },
    },
  };
}
const secret = (data: object): KubeObject =>
  ({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'token', namespace }, data }) as KubeObject;

function createEnvironment(spec: Partial<EnvironmentSpec>): Promise<KubeObject> {
  const metadata = { name: 'staging', namespace };
  const full = { namespace: 'hello-staging', mode: 'git' as const, git, ...spec };
  const environment = { apiVersion: apiVersionOf(resources.environments), kind: 'Environment', metadata, spec: full };
  return kube.create<KubeObject>(resources.environments, environment);
}

/** Push a commit to the application and let its run succeed with these digests. */
async function deliver(text: string, digit: string): Promise<string> {
  const sha = await app.commit(text, { '.sluice/ci.yaml': pipelineText, 'server.mjs': text });
  await app.git('push', '-q', 'origin', 'main');
  await forge.server.delivered();
  const run = kube.objects(resources.workflows).find(({ metadata }) => metadata.labels?.[keys.sha] === sha);
  const value = `sha256:${digit.repeat(64)}`;
  const parameters = ['image-digest', 'chart-digest'].map((name) => ({ name, value }));
  const status = { phase: 'Succeeded', finishedAt: '2026-11-23T10:01:00Z', outputs: { parameters } };
  const key = { namespace, name: run?.metadata.name ?? '' };
  await kube.patch(resources.workflows, key, { type: 'merge', body: { status } });
  return sha;
}
const releases = (): readonly HelmRelease[] => kube.objects<HelmRelease>(resources.helmReleases);
const digestNow = (): unknown => (releases()[0]?.spec?.values?.['image'] as { digest?: string } | undefined)?.digest;
const serves = (digit: string): Promise<void> =>
  vi.waitFor(() => expect(digestNow()).toBe(`sha256:${digit.repeat(64)}`), { timeout: 10_000, interval: 20 });
const ready = () => {
  const [environment] = kube.objects<Environment>(resources.environments);
  return { ...findCondition(environment?.status?.conditions, 'Ready'), revision: environment?.status?.revision };
};
const deploymentOf = async (sha: string): Promise<Record<string, unknown> | undefined> =>
  (await forge.api('GET', `/repos/hello/deployments?sha=${sha}`)).list[0];

async function push(message: string, files: Readonly<Record<string, string>>): Promise<string> {
  const sha = await env.commit(message, files);
  await env.git('push', '-q', 'origin', 'main');
  await forge.server.delivered();
  return sha;
}

test('a run is committed to the repository of its environment, and the cluster follows that, by hand and back', async () => {
  await createEnvironment({});
  const sha = await deliver('one', '1');
  await serves('1');
  await env.git('pull', '-q', 'origin', 'main');
  expect(await env.git('log', '-1', '--format=%an: %s%n%b')).toContain(
    `Sluice: staging: hello-staging at ${sha.slice(0, 12)}\nRepository: hello\nCommit: ${sha}`,
  );
  expect(releases()[0]).toMatchObject({
    metadata: {
      labels: { [keys.repository]: 'hello', [keys.appliedFor]: 'staging' },
      annotations: { [keys.sha]: sha },
    },
    spec: { targetNamespace: 'hello-staging' },
  });
  expect(kube.objects(resources.ociRepositories)).toHaveLength(1);
  await vi.waitFor(async () => expect(ready()).toMatchObject({ status: 'True', revision: await env.head() }));

  await deliver('two', '2');
  await serves('2');
  await env.git('pull', '-q', 'origin', 'main');
  await env.git('revert', '--no-edit', 'HEAD');
  await env.git('push', '-q', 'origin', 'main');
  await forge.server.delivered();
  await serves('1');
  expect(releases()[0]?.metadata.annotations?.[keys.sha]).toBe(sha);

  await env.git('rm', '-q', file);
  await push('away', { 'README.md': 'empty\n' });
  await vi.waitFor(() => expect([releases(), kube.objects(resources.ociRepositories)]).toEqual([[], []]));
}, 60_000);

test('where approval is asked a pull request is proposed, newer runs update it, and its merge deploys', async () => {
  await createEnvironment({ approval: {} });
  const first = await deliver('one', '1');
  const pulls = async () => (await forge.api('GET', '/repos/environments/pulls?state=open')).list;
  await vi.waitFor(async () => expect(await pulls()).toHaveLength(1), { timeout: 10_000 });
  await vi.waitFor(async () => expect(await deploymentOf(first)).toMatchObject({ state: 'queued' }));
  expect((await deploymentOf(first))?.['description']).toBe(
    'Proposed as a pull request of environments; merging it deploys',
  );
  const second = await deliver('two', '2');
  await vi.waitFor(async () => expect(await deploymentOf(second)).toMatchObject({ state: 'queued' }), {
    timeout: 10_000,
  });
  const [pull] = await pulls();
  expect(await pulls()).toHaveLength(1);
  expect(pull).toMatchObject({ title: `staging: hello-staging at ${second.slice(0, 12)}` });
  expect(releases()).toEqual([]);
  await forge.api('POST', `/repos/environments/pulls/${String(pull?.['number'])}/merge`, {});
  await forge.server.delivered();
  await serves('2');
}, 60_000);

test('a commit that holds something else is not applied at all, says where, and the next good one is', async () => {
  await createEnvironment({});
  await deliver('one', '1');
  await serves('1');
  await env.git('pull', '-q', 'origin', 'main');
  const secretFile = 'apiVersion: v1\nkind: Secret\nmetadata: { name: x, namespace: kube-system }\n';
  await push('hostile', { 'staging/secret.yaml': secretFile });
  await vi.waitFor(() => expect(ready()).toMatchObject({ status: 'False', reason: 'InvalidFiles' }), {
    timeout: 10_000,
  });
  expect(ready().message).toContain('staging/secret.yaml: must hold one HelmRelease and its OCIRepository');
  expect(kube.objects(resources.secrets).map(({ metadata }) => metadata.name)).toEqual(['token']);
  await env.git('rm', '-q', 'staging/secret.yaml');
  await push('mended', {});
  await vi.waitFor(() => expect(ready()).toMatchObject({ status: 'True', reason: 'Applied' }), { timeout: 10_000 });
}, 60_000);

test('an environment whose repository is not there says so at the commit, and goes on when it is', async () => {
  await createEnvironment({ git: { repository: 'later' } });
  const sha = await deliver('one', '1');
  await vi.waitFor(async () => expect(await deploymentOf(sha)).toMatchObject({ state: 'failure' }), {
    timeout: 10_000,
  });
  expect((await deploymentOf(sha))?.['description']).toContain('There is no Repository "later" in namespace default');
  expect(ready()).toMatchObject({ status: 'False', reason: 'RepositoryNotReady' });
}, 60_000);
