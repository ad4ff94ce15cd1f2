import type { NodeStatus, Workflow } from '@sluice/workflow';
import { expect, test } from 'vitest';
import { freshest, RunMemories } from './run-memory.ts';

function run(resourceVersion: string, phases: Readonly<Record<string, NodeStatus['phase']>>): Workflow {
  const nodes = Object.entries(phases).map(([id, phase]) => [
    id,
    { id, name: id, displayName: id, type: 'Pod', phase },
  ]);
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Workflow',
    metadata: { name: 'run', uid: 'u', resourceVersion },
    status: { phase: 'Running', nodes: Object.fromEntries(nodes) },
  };
}

function phasesOf(workflow: Workflow): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(Object.values(workflow.status?.nodes ?? {}).map(({ id, phase }) => [id, phase]));
}

test('what somebody else wrote meanwhile is kept beside what is not written yet', () => {
  const memory = new RunMemories().of('u');
  freshest(memory, run('1', { ask: 'Running', work: 'Pending' }));
  memory.latest = run('1', { ask: 'Running', work: 'Running', next: 'Pending' });
  for (const id of ['work', 'next']) memory.unsaved.add(id);
  const seen = freshest(memory, run('2', { ask: 'Succeeded', work: 'Pending' }));
  expect(phasesOf(seen)).toEqual({ ask: 'Succeeded', work: 'Running', next: 'Pending' });
  expect([...memory.unsaved]).toEqual(['work', 'next']);
});

test('a cache that lags behind our own write changes nothing', () => {
  const memory = new RunMemories().of('u');
  memory.stored = run('5', { work: 'Succeeded' });
  expect(phasesOf(freshest(memory, run('4', { work: 'Running' })))).toEqual({ work: 'Succeeded' });
});
