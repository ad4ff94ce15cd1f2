import { expect, test } from 'vitest';
import { at, epochMs, makeDeployment, makeSet } from './builders.ts';
import { deploymentStatus, progressDeadlineInMs } from './deployment-status.ts';
import { toRollout } from './rollout.ts';
import type { Deployment, DeploymentStatus, ReplicaSet } from './workload.ts';

function status(deployment: Deployment, sets: ReplicaSet[], seconds: number): DeploymentStatus {
  return deploymentStatus(deployment, toRollout(deployment, sets), epochMs + seconds * 1_000);
}

function condition({ conditions }: DeploymentStatus, type: string) {
  return conditions?.find((candidate) => candidate.type === type);
}

test('counts pods of all sets and those of the present template', () => {
  const after = status(
    makeDeployment(),
    [makeSet('old', 2, { image: 'app:0' }), makeSet('new', 2, { available: 1 })],
    0,
  );
  expect(after).toMatchObject({ replicas: 4, updatedReplicas: 2, availableReplicas: 3, unavailableReplicas: 1 });
  expect(condition(after, 'Available')).toMatchObject({ status: 'True', reason: 'MinimumReplicasAvailable' });
});

test('goes from created over updated to available', () => {
  let deployment = makeDeployment();
  const reasons: (string | undefined)[] = [];
  for (const available of [0, 1, 3]) {
    const next = status(deployment, [makeSet('new', 3, { available })], available);
    reasons.push(condition(next, 'Progressing')?.reason);
    deployment = { ...deployment, status: next };
  }
  expect(reasons).toEqual(['NewReplicaSetCreated', 'ReplicaSetUpdated', 'NewReplicaSetAvailable']);
});

test('a rollout that stands still for its deadline has failed, and says when to look', () => {
  const sets = [makeSet('new', 3, { available: 0 })];
  const begun = makeDeployment({ progressDeadlineSeconds: 60 });
  const first = status(begun, sets, 0);
  const deployment = { ...begun, status: first };
  expect(progressDeadlineInMs(deployment, first, epochMs + 20_000)).toBe(40_000);
  expect(condition(status(deployment, sets, 59), 'Progressing')?.status).toBe('True');
  expect(condition(status(deployment, sets, 60), 'Progressing')).toMatchObject({
    status: 'False',
    reason: 'ProgressDeadlineExceeded',
    lastTransitionTime: at(60),
  });
});

test('a complete deployment that loses a pod does not run into the deadline', () => {
  const complete = { ...makeDeployment(), status: status(makeDeployment(), [makeSet('new', 3)], 0) };
  const later = status(complete, [makeSet('new', 3, { available: 2 })], 10_000);
  expect(condition(later, 'Progressing')?.reason).toBe('NewReplicaSetAvailable');
  expect(progressDeadlineInMs(complete, later, epochMs)).toBeUndefined();
});

test('a paused deployment has no deadline', () => {
  const paused = makeDeployment({ paused: true });
  const after = status(paused, [makeSet('new', 3, { available: 0 })], 0);
  expect(condition(after, 'Progressing')).toMatchObject({ status: 'Unknown', reason: 'DeploymentPaused' });
  expect(progressDeadlineInMs(paused, after, epochMs)).toBeUndefined();
});

test('an unchanged world makes the same status', () => {
  const sets = [makeSet('new', 3)];
  const settled = { ...makeDeployment(), status: status(makeDeployment(), sets, 0) };
  expect(status(settled, sets, 1_000)).toEqual(settled.status);
});
