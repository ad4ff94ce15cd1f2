import { keys } from '@sluice/model';
import { expect, test } from 'vitest';
import { buildPod } from './build-pod.ts';
import type { BuildPodInput, PodTemplate } from './pod-template.ts';

const container = { image: 'tools', command: ['sh', '-c'], args: ['true'] };

function build(template: PodTemplate, change: Partial<BuildPodInput> = {}) {
  const built = buildPod({
    workflow: { name: 'run', namespace: 'ci', uid: 'u1' },
    spec: {},
    node: { id: 'run-1', name: 'run.a', podName: 'run-a-1' },
    template,
    captureResult: false,
    now: 0,
    outputs: 'native',
    ...change,
  });
  if (!built.ok) throw new Error(built.problems.map(({ message }) => message).join('; '));
  return built.value;
}

test('a node whose outputs nobody reads is the user’s container and nothing else', () => {
  const pod = build({ container });
  expect(pod.spec).toEqual({ restartPolicy: 'Never', containers: [{ name: 'main', ...container }] });
  expect(pod.metadata.annotations).not.toHaveProperty([keys.outputs]);
});

test('outputs that are read are asked of the node by annotation', () => {
  const outputs = { parameters: [{ name: 'digest', valueFrom: { path: '/out/digest' } }] };
  const pod = build({ container, outputs }, { captureResult: true });
  expect(JSON.parse(pod.metadata.annotations[keys.outputs] ?? '')).toEqual({
    container: 'main',
    result: true,
    parameters: [{ name: 'digest', path: '/out/digest' }],
  });
});

test('a script is a file in the pod that shows the pod’s own annotation, so that no executor is needed', () => {
  const pod = build({ script: { image: 'node', command: ['node'], source: 'console.log("$HOME")' } });
  expect(pod.spec).toMatchObject({
    containers: [{ command: ['node'], args: ['/argo/staging/script'], volumeMounts: [{ mountPath: '/argo/staging' }] }],
    volumes: [{ downwardAPI: { items: [{ fieldRef: { fieldPath: "metadata.annotations['sluice.dev/script']" } }] } }],
  });
  expect(pod.metadata.annotations['sluice.dev/script']).toBe('console.log("$HOME")');
});

test('only volumes that are mounted are part of the pod', () => {
  const volumes = [
    { name: 'used', emptyDir: {} },
    { name: 'unused', emptyDir: {} },
  ];
  const pod = build(
    { container: { ...container, volumeMounts: [{ name: 'used', mountPath: '/w' }] } },
    { spec: { volumes } },
  );
  expect(pod.spec['volumes']).toEqual([{ name: 'used', emptyDir: {} }]);
});

test('the nearest of two deadlines counts, in whole seconds', () => {
  expect(build({ container, activeDeadlineSeconds: 60 }, { deadlineAt: 10_500 }).spec['activeDeadlineSeconds']).toBe(
    11,
  );
});

test('a wrapper without a command is refused with the way to mend it', () => {
  expect(() => build({ container: { image: 'tools' } }, { outputs: 'wrapper', captureResult: true })).toThrow(
    'command must be given',
  );
});
