import { expect, test } from 'vitest';
import { resubmitWorkflow, retryNumberOf, retryWorkflow } from './rerun.ts';
import { FakeCluster, makeTemplate, makeWorkflow } from './testing.ts';
import type { Workflow, WorkflowSpec } from './workflow-types.ts';

const failed = { phase: 'Failed', message: 'main: Error (exit code 1)', exitCode: 1 } as const;

/** A JSON merge patch, as the API applies it. */
function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const base = typeof target === 'object' && target !== null && !Array.isArray(target) ? target : {};
  const result: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}

function retry(cluster: FakeCluster, options: Parameters<typeof retryWorkflow>[1] = {}): void {
  const result = retryWorkflow(cluster.workflow, options, cluster.now);
  if (!result.ok) throw new Error(result.message);
  cluster.workflow = merged(cluster.workflow, result.patch) as Workflow;
  for (const id of cluster.pods.keys()) if (!cluster.workflow.status?.nodes?.[id]) cluster.pods.delete(id);
  cluster.settle();
}

const chain: WorkflowSpec = {
  entrypoint: 'main',
  onExit: 'step',
  templates: [
    makeTemplate('step'),
    {
      name: 'main',
      dag: {
        tasks: [
          { name: 'a', template: 'step' },
          { name: 'b', template: 'step', depends: 'a' },
          { name: 'c', template: 'step', depends: 'b' },
          { name: 'd', template: 'step', depends: 'a' },
        ],
      },
    },
  ],
};

function failedChain(): FakeCluster {
  const cluster = new FakeCluster(makeWorkflow(chain));
  cluster.settle();
  cluster.report('wf.a', { phase: 'Succeeded' });
  cluster.settle();
  cluster.report('wf.b', failed);
  cluster.report('wf.d', { phase: 'Succeeded' });
  cluster.settle();
  cluster.report('wf.onExit', { phase: 'Succeeded' });
  cluster.settle();
  expect(cluster.workflow.status?.phase).toBe('Failed');
  return cluster;
}

test('a retry runs what failed and what was omitted behind it, and nothing that succeeded', () => {
  const cluster = failedChain();
  const before = cluster.created.length;
  retry(cluster);
  expect(cluster.created.slice(before)).toEqual(['wf.b']);
  expect(cluster.node('wf.a')?.phase).toBe('Succeeded');
  expect(cluster.node('wf.onExit')).toBeUndefined();
  cluster.report('wf.b', { phase: 'Succeeded' });
  cluster.settle();
  cluster.report('wf.c', { phase: 'Succeeded' });
  cluster.settle();
  cluster.report('wf.onExit', { phase: 'Succeeded' });
  cluster.settle();
  expect(cluster.workflow.status).toMatchObject({ phase: 'Succeeded', progress: '5/5' });
  expect(cluster.node('wf')?.progress).toBe('4/4');
});

test('each retry has its own number, so that pods of before do not count', () => {
  const cluster = failedChain();
  expect(retryNumberOf(cluster.workflow)).toBe(0);
  retry(cluster);
  expect(retryNumberOf(cluster.workflow)).toBe(1);
});

test('a node that used up its attempts begins anew', () => {
  const main = makeTemplate('main', { retryStrategy: { limit: 1 } });
  const cluster = new FakeCluster(makeWorkflow({ entrypoint: 'main', templates: [main] }));
  cluster.settle();
  cluster.report('wf(0)', failed);
  cluster.settle();
  cluster.report('wf(1)', failed);
  cluster.settle();
  expect(cluster.workflow.status).toMatchObject({ phase: 'Failed', message: 'No more retries left' });
  retry(cluster);
  expect(cluster.node('wf(0)')?.phase).toBe('Pending');
  expect(cluster.node('wf(1)')).toBeUndefined();
  expect(cluster.workflow.status?.message ?? '').toBe('');
});

test('an attempt that failed before another succeeded does not run again', () => {
  const templates = [
    makeTemplate('flaky', { retryStrategy: { limit: 1 } }),
    makeTemplate('bad'),
    { name: 'main', steps: [[{ name: 'flaky', template: 'flaky' }], [{ name: 'bad', template: 'bad' }]] },
  ];
  const cluster = new FakeCluster(makeWorkflow({ entrypoint: 'main', templates }));
  cluster.settle();
  cluster.report('wf[0].flaky(0)', failed);
  cluster.settle();
  cluster.report('wf[0].flaky(1)', { phase: 'Succeeded' });
  cluster.settle();
  cluster.report('wf[1].bad', failed);
  cluster.settle();
  const before = cluster.created.length;
  retry(cluster);
  expect(cluster.created.slice(before)).toEqual(['wf[1].bad']);
  expect(cluster.node('wf[0].flaky(0)')?.phase).toBe('Failed');
});

test('restartSuccessful runs the named node and what came after it', () => {
  const cluster = failedChain();
  const before = cluster.created.length;
  retry(cluster, { restartSuccessful: true, nodeFieldSelector: 'displayName=a' });
  expect(cluster.created.slice(before)).toEqual(['wf.a']);
  expect(cluster.node('wf.d')).toBeUndefined();
});

test.for([
  { name: 'a run that goes on', phase: 'Running', options: {}, message: 'must have ended' },
  { name: 'a success without naming nodes', phase: 'Succeeded', options: {}, message: 'restartSuccessful' },
  {
    name: 'a selector that would change nothing',
    phase: 'Failed',
    options: { nodeFieldSelector: 'displayName=a' },
    message: 'needs restartSuccessful',
  },
  {
    name: 'a selector that nothing matches',
    phase: 'Succeeded',
    options: { restartSuccessful: true, nodeFieldSelector: 'displayName=nobody' },
    message: 'no node matches',
  },
] as const)('a retry is refused for $name', ({ phase, options, message }) => {
  const result = retryWorkflow(makeWorkflow(chain, { status: { phase } }), options, 0);
  expect(result).toMatchObject({ ok: false, message: expect.stringContaining(message) });
});

test('a memoized resubmission goes on from what the old run had done, under new names', () => {
  const old = failedChain();
  const made = resubmitWorkflow(old.workflow, 'wf-2', { memoized: true }, old.now);
  if (!made.ok) throw new Error(made.message);
  const next = new FakeCluster({ ...made.workflow, metadata: { ...made.workflow.metadata, uid: 'uid-2' } });
  next.settle();
  expect(next.created).toEqual(['wf-2.b']);
  expect(next.node('wf-2.a')).toMatchObject({ phase: 'Succeeded', boundaryID: 'wf-2' });
});

test('a plain resubmission starts from nothing and says where it came from', () => {
  const old = failedChain();
  const stopped = { ...old.workflow, spec: { ...chain, shutdown: 'Stop' } };
  const made = resubmitWorkflow(stopped, 'wf-2', { parameters: { tag: 'v2' } }, old.now);
  if (!made.ok) throw new Error(made.message);
  expect(made.workflow.status).toBeUndefined();
  expect(made.workflow.spec?.shutdown).toBeUndefined();
  expect(made.workflow.spec?.arguments?.parameters).toEqual([{ name: 'tag', value: 'v2' }]);
  expect(made.workflow.metadata.labels).toMatchObject({ 'workflows.argoproj.io/resubmitted-from-workflow': 'wf' });
});

test('only a run that failed can be resubmitted memoized', () => {
  const old = makeWorkflow(chain, { status: { phase: 'Succeeded' } });
  expect(resubmitWorkflow(old, 'wf-2', { memoized: true }, 0).ok).toBe(false);
});
