import { expect, test } from 'vitest';
import { makePod, type PodBuilder } from '../testing/pod-builder.ts';
import { type ContainerState, newContainerState, newPodState, type PodState } from './pod-state.ts';
import { buildPodStatus, podPhase } from './pod-status.ts';
import { defaultBackoff } from './restart-backoff.ts';

const prepared: PodState = {
  ...newPodState,
  preparation: { phase: 'ready', failures: 0 },
  startedAt: 0,
  ip: '127.64.0.1',
};
const running: ContainerState = { ...newContainerState, phase: 'running', started: true, ready: true, startedAt: 0 };
const ended = (code: number, crashes = 1): ContainerState => ({
  ...newContainerState,
  phase: 'exited',
  crashes,
  startedAt: 0,
  exit: { code, reason: code === 0 ? 'Completed' : 'Error', startedAt: 0, finishedAt: 1_000 },
});

function statusOf(pod: PodBuilder, containers: Record<string, ContainerState>, finished = false, now = 0) {
  const input = { pod: pod.build(), state: { ...prepared, containers }, finished, previous: undefined };
  return buildPodStatus({ ...input, hostIp: '127.0.0.1', now, backoff: defaultBackoff });
}

function condition(status: ReturnType<typeof statusOf>, type: string) {
  return status.conditions?.find((found) => found.type === type);
}

const one = makePod().sh('true');

const phases: {
  name: string;
  pod: PodBuilder;
  containers: Record<string, ContainerState>;
  finished?: boolean;
  want: string;
}[] = [
  { name: 'a pod that has not begun is Pending', pod: one, containers: {}, want: 'Pending' },
  { name: 'a pod with a running container is Running', pod: one, containers: { main: running }, want: 'Running' },
  {
    name: 'a pod in its init containers is Pending',
    pod: makePod().init('a').sh('b'),
    containers: { init0: running },
    want: 'Pending',
  },
  {
    name: 'a finished pod of good ends has Succeeded',
    pod: one,
    containers: { main: ended(0) },
    finished: true,
    want: 'Succeeded',
  },
  {
    name: 'a finished pod with a bad end has Failed',
    pod: one,
    containers: { main: ended(3) },
    finished: true,
    want: 'Failed',
  },
  {
    name: 'a pod between two runs is Running',
    pod: one.spec({ restartPolicy: 'Always' }),
    containers: { main: ended(1, 3) },
    want: 'Running',
  },
];
test.for(phases)('$name', ({ pod, containers, finished = false, want }) => {
  expect(podPhase(pod.build().spec ?? { containers: [] }, { ...prepared, containers }, finished)).toBe(want);
});

test('a container in back-off waits with CrashLoopBackOff and shows its last end', () => {
  const status = statusOf(one.spec({ restartPolicy: 'Always' }), { main: ended(1, 3) });
  const [main] = status.containerStatuses ?? [];
  expect(main?.state.waiting?.reason).toBe('CrashLoopBackOff');
  expect(main?.state.waiting?.message).toMatch(/^back-off 20s restarting failed container=main pod=pod_default\(uid-/);
  expect(main?.lastState.terminated?.exitCode).toBe(1);
});

test('a ready pod is Ready, and the time of a condition stays while its status does', () => {
  const before = statusOf(one, { main: running }, false, 0);
  expect(condition(before, 'Ready')).toMatchObject({ status: 'True', lastTransitionTime: '1970-01-01T00:00:00Z' });
  const input = { pod: one.build(), state: { ...prepared, containers: { main: running } }, finished: false };
  const after = buildPodStatus({
    ...input,
    previous: before,
    hostIp: '127.0.0.1',
    now: 60_000,
    backoff: defaultBackoff,
  });
  expect(condition(after, 'Ready')?.lastTransitionTime).toBe('1970-01-01T00:00:00Z');
});

test('a pod that is to be deleted is not Ready', () => {
  const ending = { reason: 'Deleted', since: 0, graceMs: 1, drainUntil: 0 } as const;
  const state = { ...prepared, containers: { main: running }, ending };
  const input = { pod: one.build(), state, finished: false, previous: undefined, hostIp: '127.0.0.1', now: 0 };
  const status = buildPodStatus({ ...input, backoff: defaultBackoff });
  expect(condition(status, 'Ready')).toMatchObject({ status: 'False', reason: 'ContainersNotReady' });
});

test('a readiness gate without its condition keeps the pod unready', () => {
  const gated = one.spec({ readinessGates: [{ conditionType: 'example.com/lb' }] });
  expect(condition(statusOf(gated, { main: running }), 'Ready')?.reason).toBe('ReadinessGatesNotReady');
});

test('conditions that others wrote are kept', () => {
  const pod = one.build();
  const theirs = { type: 'example.com/lb', status: 'True', lastTransitionTime: 'x' } as const;
  const input = { pod: { ...pod, status: { conditions: [theirs] } }, state: prepared, finished: false };
  const status = buildPodStatus({
    ...input,
    previous: undefined,
    hostIp: '127.0.0.1',
    now: 0,
    backoff: defaultBackoff,
  });
  expect(status.conditions).toContainEqual(theirs);
});

test('an Unfinished init container is named by the condition Initialized', () => {
  const status = statusOf(makePod().init('a').sh('b'), {});
  expect(condition(status, 'Initialized')?.message).toBe('containers with incomplete status: [init0]');
  expect(status.containerStatuses?.[0]?.state.waiting?.reason).toBe('PodInitializing');
});
