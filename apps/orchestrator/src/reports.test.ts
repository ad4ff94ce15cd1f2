import { keys, resources, type KubeObject } from '@sluice/model';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Harness, namespace, pipelineText, sha } from './testing.ts';

const withoutDeploy = { '.sluice/ci.yaml': pipelineText.replace(/  deploy:[^]*/, '') };

let harness: Harness;

beforeEach(async () => {
  vi.useFakeTimers({ now: Date.parse('2026-11-23T10:00:00Z') });
  harness = new Harness();
  harness.commit(sha('a'), withoutDeploy);
  await harness.start();
  await harness.push(sha('a'));
  await harness.settle(300);
});
afterEach(async () => {
  await harness.stop();
  vi.useRealTimers();
});

const node = (id: string, phase: string) => ({
  [id]: {
    id,
    name: id,
    displayName: id,
    type: 'Pod',
    phase,
    startedAt: '2026-11-23T10:00:00Z',
    ...(phase === 'Running' ? {} : { finishedAt: '2026-11-23T10:00:05Z' }),
  },
});

test('a check goes from queued over running to success', async () => {
  expect(harness.forge.check('ci', sha('a'))?.status).toBe('queued');
  await harness.setStatus(sha('a'), {
    phase: 'Running',
    startedAt: '2026-11-23T10:00:00Z',
    nodes: node('unit', 'Running'),
  });
  await harness.settle(300);
  expect(harness.forge.check('ci', sha('a'))?.status).toBe('in_progress');
  await harness.succeed(sha('a'));
  expect(harness.forge.check('ci', sha('a'))).toMatchObject({ status: 'completed', conclusion: 'success' });
  expect(harness.forge.checks.size).toBe(1);
});

test('a failing step shows the last fifty lines of its log', async () => {
  const log = Array.from({ length: 80 }, (_, i) => `line ${i}\n`).join('');
  const metadata = {
    name: 'pod-1',
    namespace,
    labels: { 'workflows.argoproj.io/workflow': harness.workflow(sha('a')).metadata.name },
    annotations: { 'workflows.argoproj.io/node-id': 'unit' },
  };
  harness.kube.put(resources.pods, { apiVersion: 'v1', kind: 'Pod', metadata });
  harness.kube.setLogs({ namespace, name: 'pod-1' }, log);
  await harness.setStatus(sha('a'), {
    phase: 'Failed',
    finishedAt: '2026-11-23T10:00:06Z',
    nodes: node('unit', 'Failed'),
  });
  const check = harness.forge.check('ci', sha('a'));
  expect(check).toMatchObject({ conclusion: 'failure', title: 'Step "unit" failed' });
  expect(check?.text).toContain('line 30\n');
  expect(check?.text).toContain('line 79');
  expect(check?.text).not.toContain('line 29\n');
});

test('secrets of the run and of its repository are masked in the log, in the title and in the summary', async () => {
  const data = (value: string) => ({ value: Buffer.from(value).toString('base64') });
  const secret = (name: string, value: string) =>
    harness.kube.put(resources.secrets, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace },
      data: data(value),
    } as KubeObject);
  secret('npm', 'the-npm-token');
  secret('hello-webhook', 'the-hook-secret');
  const { name } = harness.workflow(sha('a')).metadata;
  const env = [{ name: 'T', valueFrom: { secretKeyRef: { name: 'npm', key: 'value' } } }];
  const body = { spec: { templates: [{ name: 'unit', script: { env } }] } };
  await harness.kube.patch(resources.workflows, { namespace, name }, { type: 'merge', body });
  await harness.settle(31_000);
  const metadata = {
    name: 'pod-1',
    namespace,
    labels: { 'workflows.argoproj.io/workflow': name },
    annotations: { 'workflows.argoproj.io/node-id': 'unit' },
  };
  harness.kube.put(resources.pods, { apiVersion: 'v1', kind: 'Pod', metadata });
  const encoded = Buffer.from('x the-npm-token x').toString('base64');
  harness.kube.setLogs({ namespace, name: 'pod-1' }, `the-npm-token\n${encoded}\nthe-hook-secret\n`);
  await harness.setStatus(sha('a'), {
    phase: 'Failed',
    finishedAt: '2026-11-23T10:00:06Z',
    nodes: { unit: { ...node('unit', 'Failed').unit, message: 'sent the-npm-token away' } },
  });
  const check = harness.forge.check('ci', sha('a'))!;
  expect(check.title).toContain('sent *** away');
  const said = JSON.stringify(check);
  for (const value of ['the-npm-token', 'the-hook-secret', encoded]) expect(said).not.toContain(value);
});

test('a pod that is gone costs the log, not the report', async () => {
  await harness.setStatus(sha('a'), {
    phase: 'Failed',
    finishedAt: '2026-11-23T10:00:06Z',
    nodes: node('unit', 'Failed'),
  });
  expect(harness.forge.check('ci', sha('a'))).toMatchObject({ conclusion: 'failure' });
});

test('a burst of changes is one report, the end is reported at once', async () => {
  const before = harness.forge.writes.length;
  for (let i = 0; i < 20; i++)
    await harness.setStatus(sha('a'), {
      phase: 'Running',
      startedAt: '2026-11-23T10:00:00Z',
      nodes: node(`step-${i}`, 'Succeeded'),
    });
  expect(harness.forge.writes.length - before).toBe(1);
  await harness.succeed(sha('a'));
  expect(harness.forge.writes.slice(before)).toEqual(['ci in_progress', 'ci success']);
});

test('an outage of the forge only delays the final state', async () => {
  harness.forge.failures = 3;
  await harness.succeed(sha('a'));
  await harness.settle(5_000);
  expect(harness.forge.check('ci', sha('a'))).toMatchObject({ conclusion: 'success' });
});

test('after a restart what is finished is not reported again, what changed meanwhile is', async () => {
  await harness.succeed(sha('a'));
  harness.commit(sha('b'), withoutDeploy);
  await harness.push(sha('b'), { before: sha('a') });
  await harness.stop();
  const before = harness.forge.writes.length;
  await harness.setStatus(sha('b'), {
    phase: 'Error',
    message: 'no such template',
    finishedAt: '2026-11-23T10:00:06Z',
  });
  await harness.start();
  expect(harness.forge.writes.slice(before)).toEqual(['ci failure']);
  expect(harness.forge.check('ci', sha('b'))?.title).toBe('Failed: no such template');
});

test('a run that is tried again is reported again', async () => {
  await harness.setStatus(sha('a'), { phase: 'Failed', finishedAt: '2026-11-23T10:00:06Z' });
  await harness.setStatus(sha('a'), { phase: 'Running', finishedAt: null });
  await harness.settle(300);
  expect(harness.forge.check('ci', sha('a'))?.status).toBe('in_progress');
  await harness.succeed(sha('a'));
  expect(harness.forge.check('ci', sha('a'))?.conclusion).toBe('success');
});

test('a Workflow that belongs to no repository is left alone', async () => {
  const before = harness.forge.writes.length;
  await harness.kube.create(resources.workflows, {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Workflow',
    metadata: { name: 'x', namespace },
  });
  await harness.kube.create(resources.workflows, {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Workflow',
    metadata: { name: 'y', namespace, labels: { [keys.repository]: 'gone', [keys.sha]: sha('a') } },
  });
  await harness.settle(1_000);
  expect(harness.forge.writes).toHaveLength(before);
});

test('a hundred runs that begin and end while the forge is slow cost it little more than one report each', async () => {
  const files = Object.fromEntries(
    Array.from({ length: 100 }, (_, i) => [
      `.sluice/p${i}.yaml`,
      withoutDeploy['.sluice/ci.yaml'].replace('name: ci', `name: p${i}`),
    ]),
  );
  harness.commit(sha('b'), files);
  harness.forge.latencyMs = 1_000;
  harness.forge.writes.length = 0;
  await harness.push(sha('b'));
  const runs = harness.workflows().filter(({ metadata }) => metadata.labels?.[keys.sha] === sha('b'));
  expect(runs).toHaveLength(100);
  for (const phase of ['Running', 'Succeeded']) {
    const body = { status: { phase, finishedAt: phase === 'Running' ? null : '2026-11-23T10:00:09Z' } };
    for (const { metadata } of runs) {
      await harness.kube.patch(resources.workflows, { namespace, name: metadata.name }, { type: 'merge', body });
    }
    await harness.settle(2_000);
  }
  await harness.settle(60_000);
  const last = runs.map(({ metadata }) => harness.forge.check(metadata.labels?.[keys.pipeline] ?? '', sha('b')));
  expect(new Set(last.map((check) => check?.conclusion))).toEqual(new Set(['success']));
  expect(harness.forge.writes.length).toBeLessThan(150);
});
