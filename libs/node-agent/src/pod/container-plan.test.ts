import { keys } from '@sluice/model';
import { expect, test } from 'vitest';
import { decidePod } from './decide-pod.ts';
import { makePod } from '../testing/pod-builder.ts';
import type { Pod } from './pod-spec.ts';
import { newContainerState, newPodState, type PodState } from './pod-state.ts';

const plan = { main: ['a', 'b'], order: { b: { after: ['a'] }, a: { retries: 1, retryDelayMs: 5 } } };

function makePlanned(names: readonly string[], annotation: unknown): Pod {
  const pod = makePod().build();
  return {
    ...pod,
    metadata: { ...pod.metadata, annotations: { [keys.containers]: JSON.stringify(annotation) } },
    spec: { restartPolicy: 'Never', containers: names.map((name) => ({ name, image: 'x' })) },
  };
}

const exited = (code: number, restarts = 0) => ({
  ...newContainerState,
  phase: 'exited' as const,
  restarts,
  exit: { code, reason: '', startedAt: 0, finishedAt: 100 },
});
const running = { ...newContainerState, phase: 'running' as const };

function actions(pod: Pod, containers: PodState['containers'], now = 1_000): unknown {
  const state: PodState = { ...newPodState, preparation: { phase: 'ready', failures: 0 }, containers };
  return decidePod(pod, state, now).actions.map(({ kind, ...rest }) => [
    kind,
    'container' in rest ? rest.container : '',
  ]);
}

test('a container starts once those before it have ended well', () => {
  const pod = makePlanned(['a', 'b'], plan);
  expect(actions(pod, {})).toEqual([['start', 'a']]);
  expect(actions(pod, { a: running })).toEqual([]);
  expect(actions(pod, { a: exited(0) })).toEqual([['start', 'b']]);
});

test('a failure is tried again as often as the plan says; then those that wait for it are left out', () => {
  const pod = makePlanned(['a', 'b'], plan);
  expect(actions(pod, { a: exited(1) }, 102)).toEqual([]);
  expect(actions(pod, { a: exited(1) }, 105)).toEqual([['start', 'a']]);
  expect(actions(pod, { a: exited(1, 1) })).toEqual([['omit', 'b']]);
});

test('the other containers are stopped once the main ones have ended', () => {
  const pod = makePlanned(['main', 'side'], { main: ['main'] });
  expect(actions(pod, { main: running, side: running })).toEqual([]);
  expect(actions(pod, { main: exited(0), side: running })).toEqual([['stop', 'side']]);
});

test('a plan that cannot be read is none', () => {
  for (const broken of ['text', { main: 'a' }, null])
    expect(actions(makePlanned(['a'], broken), {})).toEqual([['start', 'a']]);
});
