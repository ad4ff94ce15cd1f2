import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type ApiServer, startApiServer } from '@sluice/apiserver';
import { createArtifactMover, localPlugin } from '@sluice/artifacts';
import { createKubeApi } from '@sluice/kube';
import { customResourceDefinitions, resources } from '@sluice/model';
import { type NodeAgentOptions, noImages, startNodeAgent } from '@sluice/node-agent';
import type { KubeApi } from '@sluice/reconcile';
import { Closers, silentLog } from '@sluice/runtime';
import { memoryStore } from '@sluice/store';
import type { Template, Workflow, WorkflowSpec } from '@sluice/workflow';
import { onTestFinished } from 'vitest';
import { defaultConfig } from '../src/config.ts';
import { start } from '../src/start.ts';

export type Cluster = {
  readonly kube: KubeApi;
  /** Where the artifacts of the default repository lie. */
  readonly artifacts: string;
  /** The log of a pod's container. */
  log(pod: string, container?: string): Promise<string>;
  /** Run a Workflow named `real` in the namespace `default` to its end. */
  run(templates: readonly Template[], spec?: Partial<WorkflowSpec>): Promise<Workflow>;
};

/** The embedded cluster with a node that runs pods as plain processes, and the controller. Ends with the test. */
export async function startCluster(
  options: { readonly tasks?: (api: ApiServer) => NodeAgentOptions['tasks']; readonly host?: string } = {},
): Promise<Cluster> {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-controller-'));
  const closers = new Closers();
  closers.add(() => rmSync(directory, { recursive: true, force: true }));
  onTestFinished(() => closers.close());
  const podLogs: NonNullable<Parameters<typeof startApiServer>[0]['podLogs']> = (pod, wanted) => {
    if (!agent) throw new Error('the node has not started yet');
    return agent.podLogs(pod, wanted);
  };
  let agent: Awaited<ReturnType<typeof startNodeAgent>> | undefined;
  const server = await startApiServer({
    store: memoryStore(),
    host: '127.0.0.1',
    port: 0,
    directory: join(directory, 'api'),
    podLogs,
    log: silentLog,
    now: Date.now,
  });
  closers.add(() => server.close());
  const kube = createKubeApi({ transport: server.handle });
  for (const definition of customResourceDefinitions())
    await kube.apply(resources.customResourceDefinitions, definition, { fieldManager: 'test' });
  const store = join(directory, 'store');
  const tools = { pathDirectories: [dirname(process.execPath)], readOnlyPaths: [] };
  const artifacts = createArtifactMover({
    directory: store,
    scratch: join(directory, 'scratch'),
    gitBinary: '/usr/bin/git',
    resolveHost: () => options.host,
  });
  const tasks = options.tasks?.(server);
  const node = await startNodeAgent({
    kube,
    directory,
    runtime: 'process',
    images: noImages,
    tools,
    artifacts,
    ...(tasks ? { tasks } : {}),
    log: silentLog,
  });
  agent = node;
  closers.add(() => node.close());
  const config = { ...defaultConfig, artifactRepository: { plugin: { name: localPlugin } } };
  const controller = await start(config, { kube, log: silentLog });
  closers.add(() => controller.close());
  return {
    kube,
    artifacts: store,
    log: (pod, container = 'main') => readLog(kube, pod, container),
    run: (templates, spec = {}) => runToEnd(kube, { entrypoint: 'main', templates, ...spec }),
  };
}

async function readLog(kube: KubeApi, name: string, container: string): Promise<string> {
  let text = '';
  for await (const chunk of kube.logs({ namespace: 'default', name }, { container }))
    text += Buffer.from(chunk).toString('utf8');
  return text;
}

async function runToEnd(kube: KubeApi, spec: WorkflowSpec): Promise<Workflow> {
  await kube.create<Workflow>(resources.workflows, {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Workflow',
    metadata: { name: 'real', namespace: 'default' },
    spec,
  });
  const signal = AbortSignal.timeout(25_000);
  const options = { namespace: 'default', sendInitialEvents: true, signal };
  for await (const event of kube.watch<Workflow>(resources.workflows, options))
    if (event.type !== 'BOOKMARK' && event.object.metadata.labels?.['workflows.argoproj.io/completed'] === 'true')
      return event.object;
  throw new Error('the watch ended first');
}

/** A container that runs a shell script. */
export function shell(script: string) {
  return { image: 'tools', command: ['sh', '-c'], args: [script] };
}
