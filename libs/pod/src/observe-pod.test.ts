import { expect, test } from 'vitest';
import { type ObservedPod, observePod, type PodOutcome } from './observe-pod.ts';

const metadata = { name: 'p' };
const ended = (exitCode: number, message?: string) => ({
  terminated: { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', ...(message ? { message } : {}) },
});
const pod = (status: NonNullable<ObservedPod['status']>): ObservedPod => ({ metadata, status });

const cases: readonly { readonly name: string; readonly pod: ObservedPod; readonly want: Partial<PodOutcome> }[] = [
  { name: 'a pod without a status is pending', pod: { metadata }, want: { phase: 'Pending' } },
  {
    name: 'a pod that cannot pull its image says so',
    pod: pod({
      phase: 'Pending',
      containerStatuses: [{ name: 'main', state: { waiting: { reason: 'ErrImagePull', message: 'no such image' } } }],
    }),
    want: { phase: 'Pending', message: 'ErrImagePull: no such image' },
  },
  {
    name: 'the message of the pod itself comes first',
    pod: pod({ phase: 'Failed', message: 'evicted', containerStatuses: [{ name: 'main', state: ended(1) }] }),
    want: { phase: 'Failed', message: 'evicted', exitCode: 1 },
  },
  {
    name: 'a failing init container is an error of the pod, not of the program',
    pod: pod({ phase: 'Failed', initContainerStatuses: [{ name: 'init', state: ended(2) }] }),
    want: { phase: 'Error', message: 'init: Error (exit code 2)' },
  },
  {
    name: 'the exit code of the main container is in the message',
    pod: pod({
      phase: 'Failed',
      containerStatuses: [
        { name: 'side', state: ended(137) },
        { name: 'main', state: ended(3) },
      ],
    }),
    want: { phase: 'Failed', message: 'main: Error (exit code 3)', exitCode: 3 },
  },
  {
    name: 'a killed sidecar does not fail a main container that succeeded',
    pod: pod({
      phase: 'Failed',
      containerStatuses: [
        { name: 'main', state: ended(0) },
        { name: 'side', state: ended(143) },
      ],
    }),
    want: { phase: 'Succeeded' },
  },
  {
    name: 'outputs come from the termination message and do not show up as a message',
    pod: pod({ phase: 'Failed', containerStatuses: [{ name: 'main', state: ended(1, '{"result":"half"}') }] }),
    want: { phase: 'Failed', result: 'half', message: 'main: Error (exit code 1)' },
  },
  {
    name: 'outputs that could not be captured make a success an error',
    pod: pod({
      phase: 'Succeeded',
      containerStatuses: [{ name: 'main', state: ended(0, '{"error":"no such file: /tmp/x"}') }],
    }),
    want: { phase: 'Error', message: 'no such file: /tmp/x' },
  },
  {
    name: 'a main container that ended while a sidecar runs has ended',
    pod: pod({
      phase: 'Running',
      containerStatuses: [
        { name: 'main', state: ended(0) },
        { name: 'side', ready: true, state: { running: {} } },
      ],
    }),
    want: { phase: 'Succeeded', lingering: true },
  },
];

test.for(cases)('$name', ({ pod: seen, want }) => {
  expect(observePod(seen)).toMatchObject(want);
});

test('a native sidecar is ended by the node: its pod is not in the way and keeps its log', () => {
  const seen = pod({
    phase: 'Running',
    initContainerStatuses: [{ name: 'side', ready: true, state: { running: {} } }],
    containerStatuses: [{ name: 'main', state: ended(0) }],
  });
  expect(observePod(seen)).toMatchObject({ phase: 'Succeeded' });
  expect(observePod(seen)).not.toHaveProperty('lingering');
});
