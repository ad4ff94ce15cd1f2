import { expect, test } from 'vitest';
import { FakeCluster, makeTemplate, makeWorkflow } from './testing.ts';
import type { Template, WorkflowSpec } from './workflow-types.ts';

function play(main: object, more: Partial<WorkflowSpec> = {}, templates: readonly Template[] = []): FakeCluster {
  const all = [{ name: 'main', ...main } as Template, makeTemplate('work'), ...templates];
  const cluster = new FakeCluster(makeWorkflow({ entrypoint: 'main', templates: all, ...more }));
  cluster.settle();
  return cluster;
}

test('a group whose member is too late waits for the others and leaves none of them behind', () => {
  const late = makeTemplate('late', { timeout: '10s' });
  const steps = [
    [
      { name: 'a', template: 'late' },
      { name: 'b', template: 'work' },
    ],
    [{ name: 'c', template: 'work' }],
  ];
  const cluster = play({ steps }, {}, [late as Template]);
  for (const name of ['wf[0].a', 'wf[0].b']) cluster.report(name, { phase: 'Running' });
  cluster.now += 11_000;
  cluster.settle();
  expect(cluster.workflow.status?.phase).toBe('Running');
  cluster.report('wf[0].b', { phase: 'Succeeded' });
  cluster.settle();
  expect(cluster.workflow.status).toMatchObject({ phase: 'Failed', message: "child 'wf[0].a' timedout" });
  expect(cluster.created).toEqual(['wf[0].a', 'wf[0].b']);
});

test('the parallelism of a dag counts its pods, not the group that holds a fan-out together', () => {
  const cluster = play({ parallelism: 1, dag: { tasks: [{ name: 'each', template: 'work', withItems: [1, 2] }] } });
  expect(cluster.created).toEqual(['wf.each(0:1)']);
  cluster.report('wf.each(0:1)', { phase: 'Succeeded' });
  cluster.settle();
  expect(cluster.created).toEqual(['wf.each(0:1)', 'wf.each(1:2)']);
});

test('a retried pod that vanishes before it runs is made again, also under a limit of one', () => {
  const cluster = play({ container: { image: 'a' }, retryStrategy: { limit: 1 } }, { parallelism: 1 });
  cluster.pods.clear();
  cluster.settle();
  expect(cluster.created).toEqual(['wf(0)', 'wf(0)']);
});

test('Terminate brings an exit handler that has begun to its end', () => {
  const main = { steps: [[{ name: 'a', template: 'work', hooks: { exit: { template: 'flaky' } } }]] };
  const flaky = makeTemplate('flaky', { retryStrategy: { limit: 3 } }) as Template;
  const cluster = play(main, {}, [flaky]);
  cluster.report('wf[0].a', { phase: 'Succeeded' });
  cluster.settle();
  cluster.workflow = { ...cluster.workflow, spec: { ...cluster.workflow.spec, shutdown: 'Terminate' } };
  cluster.settle();
  expect(cluster.node('wf[0].a.onExit')?.phase).toBe('Failed');
  expect(cluster.workflow.status?.phase).not.toBe('Running');
});

test('a limit of N is N + 1 attempts, and the Retry node says that none are left', () => {
  const cluster = play({ container: { image: 'a' }, retryStrategy: { limit: 2 } });
  for (const attempt of [0, 1, 2]) {
    cluster.report(`wf(${attempt})`, { phase: 'Failed', exitCode: 1 });
    cluster.settle();
  }
  expect(cluster.created).toHaveLength(3);
  expect(cluster.workflow.status).toMatchObject({ phase: 'Failed', message: 'No more retries left' });
});

test('an empty list is one skipped node, and what depends on it goes on', () => {
  const tasks = [
    { name: 'none', template: 'work', withParam: '[]' },
    { name: 'after', template: 'work', depends: 'none' },
  ];
  const cluster = play({ dag: { tasks } });
  expect(cluster.node('wf.none')).toMatchObject({ phase: 'Skipped', message: 'Skipped, empty params' });
  expect(cluster.created).toEqual(['wf.after']);
});

test('expressions have the time of the pass and lots that are drawn the same again', () => {
  const args = ['{{=now().Year()}} {{=sprig.uuidv4()}}'];
  const spec = { entrypoint: 'work', templates: [{ name: 'work', container: { image: 'a', args } }] };
  const [once, again] = [0, 1].map(() => {
    const [create] = new FakeCluster(makeWorkflow(spec)).decide().actions.filter(({ kind }) => kind === 'CreatePod');
    return create?.kind === 'CreatePod' ? create.template.container?.args?.[0] : undefined;
  });
  expect(once).toMatch(/^2023 [0-9a-f]{8}-[0-9a-f]{4}-4/);
  expect(again).toBe(once);
});

test('fields of 3.x and unknown ones are taken or left, and told in a condition', () => {
  const work = makeTemplate('work', { synchronization: { mutex: { name: 'm' } }, retriesStrategy: {} }) as Template;
  const cluster = new FakeCluster(makeWorkflow({ entrypoint: 'work', templates: [work] }));
  cluster.settle();
  const warning = cluster.workflow.status?.conditions?.find(({ type }) => type === 'SpecWarning');
  expect(warning?.message).toContain('mutex is of Argo Workflows 3.x');
  expect(warning?.message).toContain('unknown field "retriesStrategy"; did you mean "retryStrategy"?');
});

test.for([
  { name: 'a fan-out of a million', loop: { withSequence: { count: 1_000_000 } }, says: /100000 are the most/ },
  { name: 'a list that is no list', loop: { withParam: '{}' }, says: /not a list/ },
  {
    name: 'an expression bomb',
    loop: { withParam: '{{=toJson(map(1..9999999, {map(1..9999999, {1})}))}}' },
    says: /budget|steps/,
  },
])('$name ends with a message, not with the process', ({ loop, says }) => {
  const cluster = play({ steps: [[{ name: 'each', template: 'work', ...loop }]] });
  expect(cluster.workflow.status?.phase).toMatch(/Failed|Error/);
  expect(JSON.stringify(cluster.workflow.status)).toMatch(says);
});
