import { expect, test } from 'vitest';
import { makePod, type PodBuilder } from '../testing/pod-builder.ts';
import { decidePod, type PodAction } from './decide-pod.ts';
import { type ContainerState, newContainerState, newPodState, type PodState } from './pod-state.ts';

const prepared: PodState = { ...newPodState, preparation: { phase: 'ready', failures: 0 }, startedAt: 0 };
const running: ContainerState = {
  ...newContainerState,
  phase: 'running',
  started: true,
  hasStarted: true,
  ready: true,
  startedAt: 0,
};
const ended = (code: number, crashes = 1, finishedAt = 0): ContainerState => ({
  ...newContainerState,
  phase: 'exited',
  crashes,
  exit: { code, reason: code === 0 ? 'Completed' : 'Error', startedAt: 0, finishedAt },
});
const withStates = (containers: Record<string, ContainerState>, state: PodState = prepared): PodState => ({
  ...state,
  containers,
});
const deleted = (state: PodState, drainUntil = 0): PodState => ({
  ...state,
  ending: { reason: 'Deleted', since: 0, graceMs: 5_000, drainUntil },
});

const one = makePod().sh('true');
const always = one.spec({ restartPolicy: 'Always' });
const onFailure = one.spec({ restartPolicy: 'OnFailure' });
const withInit = makePod().init('a').init('b').sh('true');
const withSidecar = makePod().init('side', { restartPolicy: 'Always' }).sh('true');
const start = (container: string, restart = false): PodAction => ({ kind: 'start', container, restart });
const stop = (container: string, reason: string): PodAction => ({ kind: 'stop', container, graceMs: 5_000, reason });

const cases: {
  name: string;
  pod: PodBuilder;
  state: PodState;
  now?: number;
  want: PodAction[];
  wantLook?: number;
  wantFinished?: boolean;
}[] = [
  { name: 'prepares volumes first', pod: one, state: newPodState, want: [{ kind: 'prepare' }] },
  {
    name: 'does not prepare twice at once',
    pod: one,
    state: { ...newPodState, preparation: { phase: 'busy', failures: 0 } },
    want: [],
  },
  {
    name: 'waits before it prepares again',
    pod: one,
    state: { ...newPodState, preparation: { phase: 'failed', failures: 1, notBefore: 700 } },
    want: [],
    wantLook: 700,
  },
  { name: 'starts the container of a prepared pod', pod: one, state: prepared, want: [start('main')] },
  { name: 'does nothing while it runs', pod: one, state: withStates({ main: running }), want: [] },
  {
    name: 'never starts a finished container of a Never pod again',
    pod: one,
    state: withStates({ main: ended(1) }),
    want: [{ kind: 'release' }],
    wantFinished: true,
  },
  {
    name: 'restarts an Always container at once after its first end, even a good one',
    pod: always,
    state: withStates({ main: ended(0) }),
    want: [start('main', true)],
  },
  {
    name: 'waits ten seconds after the second end in a row',
    pod: always,
    state: withStates({ main: ended(1, 2, 1_000) }),
    now: 2_000,
    want: [],
    wantLook: 11_000,
  },
  {
    name: 'waits at most five minutes',
    pod: always,
    state: withStates({ main: ended(1, 50, 0) }),
    now: 1,
    want: [],
    wantLook: 300_000,
  },
  {
    name: 'lets an OnFailure container that ended well rest',
    pod: onFailure,
    state: withStates({ main: ended(0) }),
    want: [{ kind: 'release' }],
    wantFinished: true,
  },
  {
    name: 'restarts an OnFailure container',
    pod: onFailure,
    state: withStates({ main: ended(2) }),
    want: [start('main', true)],
  },
  { name: 'runs init containers one after the other', pod: withInit, state: prepared, want: [start('init0')] },
  {
    name: 'starts the second init container after the first',
    pod: withInit,
    state: withStates({ init0: ended(0) }),
    want: [start('init1')],
  },
  {
    name: 'fails a Never pod whose init container failed',
    pod: withInit,
    state: withStates({ init0: ended(1) }),
    want: [{ kind: 'release' }],
    wantFinished: true,
  },
  {
    name: 'tries a failed init container of an OnFailure pod again',
    pod: withInit.spec({ restartPolicy: 'OnFailure' }),
    state: withStates({ init0: ended(1) }),
    want: [start('init0', true)],
  },
  {
    name: 'holds main containers until a sidecar has started',
    pod: withSidecar,
    state: withStates({ init0: { ...running, started: false, hasStarted: false } }),
    want: [],
  },
  {
    name: 'starts main beside a sidecar',
    pod: withSidecar,
    state: withStates({ init0: running }),
    want: [start('main')],
  },
  {
    name: 'stops the sidecar once main has ended',
    pod: withSidecar,
    state: withStates({ init0: running, main: ended(0) }),
    want: [stop('init0', 'Completed')],
  },
  {
    name: 'restarts a sidecar that died while main runs, even in a Never pod',
    pod: withSidecar,
    state: withStates({ init0: { ...ended(1), hasStarted: true }, main: running }),
    want: [start('init0', true)],
  },
  {
    name: 'does not restart the sidecar once main has ended',
    pod: withSidecar,
    state: withStates({ init0: { ...ended(143), hasStarted: true }, main: ended(0) }),
    want: [{ kind: 'release' }],
    wantFinished: true,
  },
  {
    name: 'stops main before sidecars when the pod is deleted',
    pod: withSidecar,
    state: deleted(withStates({ init0: running, main: running })),
    want: [stop('main', 'Deleted')],
  },
  {
    name: 'signals nothing while proxies still send',
    pod: one,
    state: deleted(withStates({ main: running }), 250),
    want: [],
    wantLook: 250,
  },
  {
    name: 'does not stop a container twice',
    pod: one,
    state: deleted(withStates({ main: { ...running, stopping: true } })),
    want: [],
  },
  {
    name: 'removes the object once nothing lives',
    pod: one,
    state: deleted(withStates({ main: ended(143) })),
    want: [{ kind: 'delete' }],
    wantFinished: true,
  },
  {
    name: 'removes the object of a pod that never began',
    pod: one,
    state: deleted(newPodState),
    want: [{ kind: 'delete' }],
    wantFinished: true,
  },
  {
    name: 'ends a pod past its active deadline',
    pod: one.spec({ activeDeadlineSeconds: 10 }),
    state: withStates({ main: running }),
    now: 10_000,
    want: [stop('main', 'DeadlineExceeded')],
  },
  {
    name: 'looks again at the active deadline',
    pod: one.spec({ activeDeadlineSeconds: 10 }),
    state: withStates({ main: running }),
    now: 4_000,
    want: [],
    wantLook: 10_000,
  },
  {
    name: 'keeps the end of a pod that ended before its deadline',
    pod: one.spec({ activeDeadlineSeconds: 10 }),
    state: withStates({ main: ended(0) }),
    now: 60_000,
    want: [{ kind: 'release' }],
    wantFinished: true,
  },
];

test.for(cases)('$name', ({ pod, state, now = 0, want, wantLook, wantFinished = false }) => {
  const decision = decidePod(pod.build(), state, now);
  expect(decision.actions).toEqual(want);
  expect(decision.nextLook).toBe(wantLook);
  expect(decision.finished).toBe(wantFinished);
});

test('the same input decides the same', () => {
  for (const { pod, state, now = 0 } of cases) {
    expect(decidePod(pod.build(), state, now)).toEqual(decidePod(pod.build(), state, now));
  }
});
