import { keys, type KubeObject, resources } from '@sluice/model';
import { FakeKube } from '@sluice/reconcile/testing';
import { silentLog } from '@sluice/runtime';
import { type NodeStatus, retryWorkflow, type Workflow, type WorkflowSpec } from '@sluice/workflow';
import { expect, onTestFinished, test } from 'vitest';
import { defaultConfig } from '../src/config.ts';
import { start } from '../src/start.ts';

type Behaviour = (node: string) => {
  readonly exitCode?: number;
  readonly result?: string;
  readonly parameters?: Readonly<Record<string, string>>;
};

const nodeName = 'workflows.argoproj.io/node-name';

/** Nodes that end every pod as told, as soon as they see it: Running first, then the end with captured outputs. */
function runFakeNodes(kube: FakeKube, behave: Behaviour, signal: AbortSignal): Promise<void> {
  const seen = new Set<string>();
  const follow = async (): Promise<void> => {
    for await (const event of kube.watch(resources.pods, { sendInitialEvents: true, signal })) {
      if (event.type !== 'ADDED' || seen.has(event.object.metadata.uid ?? '')) continue;
      seen.add(event.object.metadata.uid ?? '');
      await endPod(kube, event.object, behave(event.object.metadata.annotations?.[nodeName] ?? ''));
    }
  };
  return follow().catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}

async function endPod(
  kube: FakeKube,
  pod: KubeObject,
  { exitCode = 0, result, parameters }: ReturnType<Behaviour>,
): Promise<void> {
  const key = { namespace: pod.metadata.namespace ?? '', name: pod.metadata.name };
  const captures = pod.metadata.annotations?.[keys.outputs] !== undefined;
  const message = captures
    ? JSON.stringify({ ...(result === undefined ? {} : { result }), ...(parameters ? { parameters } : {}) })
    : '';
  const write = (status: object) =>
    kube.patch(resources.pods, key, { type: 'merge', body: { status } }, { subresource: 'status' });
  await write({
    phase: 'Running',
    podIP: '127.64.0.2',
    containerStatuses: [{ name: 'main', ready: true, state: { running: {} } }],
  });
  const terminated = {
    exitCode,
    reason: exitCode === 0 ? 'Completed' : 'Error',
    message,
    finishedAt: '2026-01-01T00:00:01Z',
  };
  await write({
    phase: exitCode === 0 ? 'Succeeded' : 'Failed',
    containerStatuses: [{ name: 'main', ready: false, state: { running: null, terminated } }],
  });
}

function makeWorkflow(spec: WorkflowSpec): Workflow {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Workflow',
    metadata: { name: 'run', namespace: 'ci', uid: 'uid-run' },
    spec,
  };
}

/** Start the controller and fake nodes over a fake API. */
async function startWorld(behave: Behaviour = () => ({}), config: Partial<typeof defaultConfig> = {}) {
  const kube = new FakeKube();
  const stop = new AbortController();
  const nodes = runFakeNodes(kube, behave, stop.signal);
  const running = await start({ ...defaultConfig, ...config }, { kube, log: silentLog });
  onTestFinished(async () => {
    await running.close();
    stop.abort();
    await nodes;
  });
  return kube;
}

/** How many pods have not ended. */
function livePods(kube: FakeKube | undefined): number {
  return (kube?.objects(resources.pods) ?? []).filter(
    ({ status }) => !['Succeeded', 'Failed'].includes((status as { phase?: string } | undefined)?.phase ?? ''),
  ).length;
}

/** Resolves with the workflow once it has ended. */
async function ended(kube: FakeKube, name = 'run'): Promise<Workflow> {
  const signal = AbortSignal.timeout(20_000);
  for await (const event of kube.watch<Workflow>(resources.workflows, { sendInitialEvents: true, signal })) {
    if (event.type === 'BOOKMARK' || event.object.metadata.name !== name) continue;
    if (event.object.metadata.labels?.['workflows.argoproj.io/completed'] === 'true') return event.object;
  }
  throw new Error('the watch ended first');
}

function nodesOf(workflow: Workflow): Record<string, NodeStatus> {
  return Object.fromEntries(Object.values(workflow.status?.nodes ?? {}).map((node) => [node.name, node]));
}

const container = { image: 'tools', command: ['true'] };

test('runs a dag to its end, passing a result from task to task', async () => {
  const kube = await startWorld((node) => ({ result: node.endsWith('.a') ? 'forty-two' : '' }));
  const use = {
    name: 'use',
    inputs: { parameters: [{ name: 'text' }] },
    container: { ...container, args: ['{{inputs.parameters.text}}'] },
  };
  const tasks = [
    { name: 'a', template: 'make' },
    {
      name: 'b',
      template: 'use',
      depends: 'a',
      arguments: { parameters: [{ name: 'text', value: '{{tasks.a.outputs.result}}' }] },
    },
  ];
  await kube.create(
    resources.workflows,
    makeWorkflow({
      entrypoint: 'main',
      templates: [{ name: 'main', dag: { tasks } }, { name: 'make', container }, use],
    }),
  );
  const workflow = await ended(kube);
  expect(workflow.status?.phase).toBe('Succeeded');
  expect(nodesOf(workflow)['run.b']?.inputs?.parameters).toEqual([{ name: 'text', value: 'forty-two' }]);
  expect(kube.objects(resources.pods)).toHaveLength(2);
});

test('an odd number of status writes is not worth a step: two at most for each of ten sequential steps', async () => {
  const kube = await startWorld();
  const steps = Array.from({ length: 10 }, (_, index) => [{ name: `s${index}`, template: 'make' }]);
  await kube.create(
    resources.workflows,
    makeWorkflow({
      entrypoint: 'main',
      templates: [
        { name: 'main', steps },
        { name: 'make', container },
      ],
    }),
  );
  const workflow = await ended(kube);
  expect(workflow.status?.phase).toBe('Succeeded');
  expect(kube.count('create', resources.pods)).toBe(10);
  expect(kube.count('patch', resources.workflows)).toBeLessThanOrEqual(20);
});

test('a fan-out of 300 makes every pod once and writes the status a few times', async () => {
  const kube = await startWorld();
  const withItems = Array.from({ length: 300 }, (_, index) => index);
  const steps = [[{ name: 'each', template: 'make', withItems }]];
  await kube.create(
    resources.workflows,
    makeWorkflow({
      entrypoint: 'main',
      templates: [
        { name: 'main', steps },
        { name: 'make', container },
      ],
    }),
  );
  const workflow = await ended(kube);
  expect(workflow.status?.phase).toBe('Succeeded');
  expect(kube.count('create', resources.pods)).toBe(300);
  expect(kube.count('patch', resources.workflows)).toBeLessThanOrEqual(25);
});

test('a controller that is started later goes on from what is stored', async () => {
  const kube = new FakeKube();
  const steps = [[{ name: 'first', template: 'make' }], [{ name: 'second', template: 'make' }]];
  await kube.create(
    resources.workflows,
    makeWorkflow({
      entrypoint: 'main',
      templates: [
        { name: 'main', steps },
        { name: 'make', container },
      ],
    }),
  );
  const first = await start(defaultConfig, { kube, log: silentLog });
  const signal = AbortSignal.timeout(20_000);
  for await (const event of kube.watch(resources.pods, { sendInitialEvents: true, signal }))
    if (event.type === 'ADDED') break;
  await first.close();
  const stop = new AbortController();
  const nodes = runFakeNodes(kube, () => ({}), stop.signal);
  const second = await start(defaultConfig, { kube, log: silentLog });
  onTestFinished(async () => {
    await second.close();
    stop.abort();
    await nodes;
  });
  expect((await ended(kube)).status?.phase).toBe('Succeeded');
  expect(kube.objects(resources.pods)).toHaveLength(2);
});

test('a workflow that asks for something unsupported fails by name and makes no pod', async () => {
  const kube = await startWorld();
  await kube.create(
    resources.workflows,
    makeWorkflow({
      entrypoint: 'main',
      templates: [{ name: 'main', plugin: { hello: {} } }],
    }),
  );
  const workflow = await ended(kube);
  expect(workflow.status?.phase).toBe('Failed');
  expect(workflow.status?.message).toContain('templates.main.plugin');
  expect(kube.objects(resources.pods)).toHaveLength(0);
});

test('runs that share a mutex go one after the other, each woken by the one before', async () => {
  const overlaps: number[] = [];
  const world: { kube?: FakeKube } = {};
  const kube = await startWorld(() => {
    overlaps.push(livePods(world.kube));
    return {};
  });
  world.kube = kube;
  const names = ['one', 'two', 'three', 'four', 'five'];
  const template = { name: 'main', container, synchronization: { mutexes: [{ name: 'm' }] } };
  for (const name of names) {
    const { metadata, ...rest } = makeWorkflow({ entrypoint: 'main', templates: [template] });
    await kube.create(resources.workflows, { ...rest, metadata: { ...metadata, name, uid: `uid-${name}` } });
  }
  const runs = await Promise.all(names.map((name) => ended(kube, name)));
  expect(runs.map(({ status }) => status?.phase)).toEqual(names.map(() => 'Succeeded'));
  expect(runs.map(({ status }) => status?.synchronization)).toEqual(names.map(() => undefined));
  expect(overlaps).toEqual(names.map(() => 1));
});

test('a run retried by hand takes the name of the failed pod for a new one and goes on', async () => {
  let tries = 0;
  const kube = await startWorld(() => ({ exitCode: tries++ === 0 ? 1 : 0 }));
  await kube.create(
    resources.workflows,
    makeWorkflow({ entrypoint: 'main', templates: [{ name: 'main', container }] }),
  );
  const failed = await ended(kube);
  expect(failed.status?.phase).toBe('Failed');
  const before = kube.objects(resources.pods)[0]?.metadata.uid;
  const retry = retryWorkflow(failed, {}, Date.now());
  if (!retry.ok) throw new Error(retry.message);
  await kube.patch(resources.workflows, { namespace: 'ci', name: 'run' }, { type: 'merge', body: retry.patch });
  expect((await ended(kube)).status?.phase).toBe('Succeeded');
  const pods = kube.objects(resources.pods);
  expect(pods).toHaveLength(1);
  expect(pods[0]?.metadata.uid).not.toBe(before);
});

test('a CronWorkflow makes up its missed run once, its end is counted, a malformed neighbour holds nobody up', async () => {
  const kube = new FakeKube();
  const missed = new Date(Math.floor(Date.now() / 60_000) * 60_000 - 60_000);
  const spec = {
    schedules: ['* * * * *'],
    startingDeadlineSeconds: 600,
    workflowSpec: { entrypoint: 'main', templates: [{ name: 'main', container }] },
  };
  const annotations = { 'cronworkflows.argoproj.io/last-used-schedule': '* * * * *' };
  const status = { lastScheduledTime: missed.toISOString() };
  const base = { apiVersion: 'argoproj.io/v1alpha1', kind: 'CronWorkflow' };
  kube.put(resources.cronWorkflows, { ...base, metadata: { name: 'bad', namespace: 'ci' }, spec: { schedules: 7 } });
  kube.put(resources.cronWorkflows, {
    ...base,
    metadata: { name: 'tick', namespace: 'ci', annotations },
    spec,
    status,
  });
  const stop = new AbortController();
  const nodes = runFakeNodes(kube, () => ({}), stop.signal);
  const running = await start(defaultConfig, { kube, log: silentLog });
  onTestFinished(async () => {
    await running.close();
    stop.abort();
    await nodes;
  });
  const signal = AbortSignal.timeout(20_000);
  for await (const event of kube.watch(resources.cronWorkflows, { sendInitialEvents: true, signal })) {
    if (event.type === 'BOOKMARK' || event.object.metadata.name !== 'tick') continue;
    if ((event.object.status as { succeeded?: number }).succeeded === 1) break;
  }
  const runs = kube.objects<Workflow>(resources.workflows);
  expect(runs[0]?.metadata.ownerReferences?.[0]).toMatchObject({ kind: 'CronWorkflow', name: 'tick' });
  const bad = kube.objects(resources.cronWorkflows).find(({ metadata }) => metadata.name === 'bad');
  expect(JSON.stringify(bad?.status)).toContain('SpecError');
});

test('with a parallelism of one, runs go one after the other', async () => {
  const seen: string[] = [];
  const overlaps: number[] = [];
  const world: { kube?: FakeKube } = {};
  const kube = await startWorld(
    (node) => {
      seen.push(node);
      overlaps.push(livePods(world.kube));
      return {};
    },
    { parallelism: 1 },
  );
  world.kube = kube;
  for (const name of ['one', 'two', 'three']) {
    const { metadata, ...rest } = makeWorkflow({ entrypoint: 'main', templates: [{ name: 'main', container }] });
    await kube.create(resources.workflows, { ...rest, metadata: { ...metadata, name, uid: `uid-${name}` } });
  }
  const runs = await Promise.all(['one', 'two', 'three'].map((name) => ended(kube, name)));
  expect(runs.map(({ status }) => status?.phase)).toEqual(['Succeeded', 'Succeeded', 'Succeeded']);
  expect(seen).toHaveLength(3);
  expect(overlaps).toEqual([1, 1, 1]);
});
