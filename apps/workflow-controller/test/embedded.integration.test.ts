import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { startApiServer } from '@sluice/apiserver';
import { createKubeApi } from '@sluice/kube';
import { customResourceDefinitions, resources } from '@sluice/model';
import { noImages, startNodeAgent } from '@sluice/node-agent';
import type { KubeApi } from '@sluice/reconcile';
import { Closers, silentLog } from '@sluice/runtime';
import { memoryStore } from '@sluice/store';
import type { Template, Workflow } from '@sluice/workflow';
import { expect, onTestFinished, test } from 'vitest';
import { defaultConfig } from '../src/config.ts';
import { start } from '../src/start.ts';

/** The embedded cluster with a node that runs pods as plain processes, and the controller. */
async function startCluster(): Promise<KubeApi> {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-controller-'));
  const closers = new Closers();
  closers.add(() => rmSync(directory, { recursive: true, force: true }));
  onTestFinished(() => closers.close());
  const store = memoryStore();
  const server = await startApiServer({
    store,
    host: '127.0.0.1',
    port: 0,
    directory: join(directory, 'api'),
    log: silentLog,
    now: Date.now,
  });
  closers.add(() => server.close());
  const kube = createKubeApi({ transport: server.handle });
  for (const definition of customResourceDefinitions())
    await kube.apply(resources.customResourceDefinitions, definition, { fieldManager: 'test' });
  const tools = { pathDirectories: [dirname(process.execPath)], readOnlyPaths: [] };
  const agent = await startNodeAgent({ kube, directory, runtime: 'process', images: noImages, tools, log: silentLog });
  closers.add(() => agent.close());
  const controller = await start(defaultConfig, { kube, log: silentLog });
  closers.add(() => controller.close());
  return kube;
}

async function run(kube: KubeApi, templates: readonly Template[], onExit?: string): Promise<Workflow> {
  const spec = { entrypoint: 'main', templates, ...(onExit ? { onExit } : {}) };
  await kube.create(resources.workflows, {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Workflow',
    metadata: { name: 'real', namespace: 'default' },
    spec,
  });
  const signal = AbortSignal.timeout(25_000);
  for await (const event of kube.watch<Workflow>(resources.workflows, {
    namespace: 'default',
    sendInitialEvents: true,
    signal,
  })) {
    if (event.type !== 'BOOKMARK' && event.object.metadata.labels?.['workflows.argoproj.io/completed'] === 'true')
      return event.object;
  }
  throw new Error('the watch ended first');
}

const shell = (script: string) => ({ image: 'tools', command: ['sh', '-c'], args: [script] });

test('real processes: a script’s result fans out, a file becomes a global output, a failure is retried, the exit handler runs', async () => {
  const kube = await startCluster();
  const tasks = [
    { name: 'make', template: 'list' },
    {
      name: 'each',
      template: 'say',
      depends: 'make',
      withParam: '{{tasks.make.outputs.result}}',
      arguments: { parameters: [{ name: 'm', value: '{{item}}' }] },
    },
    { name: 'file', template: 'file', depends: 'make' },
    { name: 'flaky', template: 'flaky', depends: 'make' },
    {
      name: 'use',
      template: 'say',
      depends: 'each && file && flaky',
      arguments: {
        parameters: [{ name: 'm', value: '{{tasks.file.outputs.parameters.digest}} {{tasks.each.outputs.result}}' }],
      },
    },
  ];
  const workflow = await run(
    kube,
    [
      { name: 'main', dag: { tasks } },
      { name: 'list', script: { image: 'tools', command: ['sh'], source: `echo '["a","b c"]'` } },
      {
        name: 'say',
        inputs: { parameters: [{ name: 'm' }] },
        container: { image: 'tools', command: ['echo', '{{inputs.parameters.m}}'] },
      },
      {
        name: 'file',
        container: shell('echo sha256:42 > /tmp/digest'),
        outputs: { parameters: [{ name: 'digest', globalName: 'the-digest', valueFrom: { path: '/tmp/digest' } }] },
      },
      { name: 'flaky', retryStrategy: { limit: 2 }, container: shell('test {{retries}} -ge 1') },
    ],
    'list',
  );
  expect(workflow.status).toMatchObject({
    phase: 'Succeeded',
    outputs: { parameters: [{ name: 'the-digest', value: 'sha256:42' }] },
  });
  const inputs = Object.fromEntries(
    Object.values(workflow.status?.nodes ?? {}).map((node) => [node.name, node.inputs?.parameters?.[0]?.value]),
  );
  expect(inputs['real.each(1:b c)']).toBe('b c');
  expect(inputs['real.use']).toBe('sha256:42 ["a","b c"]');
  expect(Object.keys(inputs)).toContain('real.onExit');
});

test('real processes: the exit code of a failing step is in the message of its node', async () => {
  const kube = await startCluster();
  const workflow = await run(kube, [{ name: 'main', container: shell('exit 7') }]);
  expect(workflow.status).toMatchObject({ phase: 'Failed', message: 'main: Error (exit code 7)' });
});
