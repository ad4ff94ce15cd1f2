import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startTestForge, type TestForge, type WorkingCopy } from '@sluice/git-server/testing';
import { apiVersionOf, keys, resources, type KubeObject, type Repository } from '@sluice/model';
import type { CompiledWorkflow } from '@sluice/pipeline';
import { FakeKube } from '@sluice/reconcile/testing';
import { silentLog, type Running } from '@sluice/runtime';
import { validate } from '@sluice/workflow';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { connectMirrors, createForges } from '../src/adapters.ts';
import { orchestratorDefaults } from '../src/config.ts';
import type { DeliveryJob } from '@sluice/events';
import { start } from '../src/start.ts';
import { namespace, pipelineText } from '../src/testing.ts';

// The real forge, git and mirror; only the cluster is a fake, so nothing runs by itself.
let root: string;
let forge: TestForge;
let copy: WorkingCopy;
let kube: FakeKube;
let running: Running;
let handle: (job: DeliveryJob) => Promise<void>;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-orchestrator-'));
  forge = await startTestForge({
    deliver: async ({ event, delivery, body }) => {
      const repository = { namespace, name: 'hello' };
      await handle({
        route: 'r',
        repository,
        event,
        delivery,
        body: Buffer.from(body).toString('base64'),
        receivedAt: '',
      });
    },
  });
  await forge.api('POST', '/repos', { name: 'hello', webhook: { url: 'http://127.0.0.1:9/hooks/r', secret: 's' } });
  copy = await forge.workingCopy('hello');
  kube = new FakeKube();
  kube.put(resources.repositories, repository());
  const data = { token: Buffer.from(forge.token).toString('base64') };
  kube.put(resources.secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'hello', namespace },
    data,
  } as KubeObject);
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
});
afterEach(async () => {
  await running.close();
  await forge.close();
  await rm(root, { recursive: true, force: true });
});

function repository(): Repository {
  return {
    apiVersion: apiVersionOf(resources.repositories),
    kind: 'Repository',
    metadata: { name: 'hello', namespace },
    spec: {
      forge: { type: 'local', apiUrl: forge.url, repository: 'hello', secretRef: { name: 'hello' } },
      url: `${forge.url}/hello.git`,
      defaultBranch: 'main',
      webhook: { route: 'r', secretRef: { name: 'hello' } },
    },
  };
}

async function workflowOf(sha: string): Promise<CompiledWorkflow> {
  await forge.server.delivered();
  const found = kube
    .objects<CompiledWorkflow>(resources.workflows)
    .filter(({ metadata }) => metadata.labels?.[keys.sha] === sha);
  expect(found).toHaveLength(1);
  return found[0]!;
}

async function checksOf(sha: string): Promise<Record<string, unknown>[]> {
  return (await forge.api('GET', `/repos/hello/commits/${sha}/checks`)).list;
}

async function finish(workflow: KubeObject, phase: string): Promise<void> {
  const { name } = workflow.metadata;
  const status = { phase, startedAt: '2026-11-23T10:00:00Z', finishedAt: '2026-11-23T10:00:09Z' };
  await kube.patch(resources.workflows, { namespace, name }, { type: 'merge', body: { status } });
}

test('a push with git becomes a Workflow that the engine accepts, its end a check at the forge', async () => {
  const sha = await copy.commit('first', { '.sluice/ci.yaml': pipelineText, 'server.mjs': '' });
  await copy.git('push', '-q', 'origin', 'main');
  const workflow = await workflowOf(sha);
  expect(validate(workflow as never, workflow.spec as never, {} as never)).toEqual([]);
  await finish(workflow, 'Failed');
  await vi.waitFor(async () =>
    expect(await checksOf(sha)).toMatchObject([{ name: 'ci', status: 'completed', conclusion: 'failure' }]),
  );
});

test('the checkout step fetches exactly the pushed commit', async () => {
  const sha = await copy.commit('first', { '.sluice/ci.yaml': pipelineText, 'server.mjs': '// one\n' });
  await copy.git('push', '-q', 'origin', 'main');
  await copy.commit('second', { 'server.mjs': '// two\n' });
  await copy.git('push', '-q', 'origin', 'main');
  type Script = { source: string; env: { name: string; value: string }[] };
  const templates = (await workflowOf(sha)).spec['templates'] as unknown as { name: string; script: Script }[];
  const { script } = templates.find(({ name }) => name === 'checkout')!;
  const cwd = join(root, 'workspace');
  await mkdir(cwd);
  const env = Object.fromEntries(script.env.map(({ name, value }) => [name, value]));
  const options = { cwd, env: { ...env, PATH: process.env['PATH'], HOME: root } };
  for (let attempt = 1; attempt <= 2; attempt++) {
    const { stdout } = await promisify(execFile)('sh', ['-e', '-c', script.source], options);
    expect(stdout).toBe(`checked out ${sha}\n`);
  }
  expect(await readFile(join(cwd, 'src/server.mjs'), 'utf8')).toBe('// one\n');
});

test('a pull request by push runs on its head, and its merge on the target branch', async () => {
  const base = await copy.commit('first', { '.sluice/ci.yaml': pipelineText });
  await copy.git('push', '-q', 'origin', 'main');
  await workflowOf(base);
  const head = await copy.commit('change', { 'server.mjs': '// change\n' });
  await copy.git('push', '-q', 'origin', 'HEAD:refs/for/main');
  expect((await workflowOf(head)).metadata.labels).toMatchObject({
    [keys.event]: 'pull_request',
    [keys.pullRequest]: '1',
  });
  const { sha } = (await forge.api('POST', '/repos/hello/pulls/1/merge', {})).body;
  await forge.server.delivered();
  const runs = kube
    .objects(resources.workflows)
    .filter(({ metadata }) => metadata.labels?.[keys.sha] === sha && metadata.labels?.[keys.event] === 'push');
  expect(runs.map(({ metadata }) => metadata.annotations?.[keys.deploy])).toEqual([expect.stringContaining('staging')]);
});

test('a pipeline file that cannot be read is a failing check at its line', async () => {
  const sha = await copy.commit('first', { '.sluice/ci.yaml': pipelineText.replace('steps:', 'stepps:') });
  await copy.git('push', '-q', 'origin', 'main');
  await forge.server.delivered();
  const annotation = { path: '.sluice/ci.yaml', startLine: 6, startColumn: 3 };
  expect(await checksOf(sha)).toMatchObject([{ name: 'sluice', conclusion: 'failure', annotations: [{}, annotation] }]);
});
