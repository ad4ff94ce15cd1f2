import { rollingBounds, type Rollout, sum, wantedBy } from './rollout.ts';
import { type Deployment, type DeploymentStatus, timeText, type WorkloadCondition } from './workload.ts';

type Progress = Pick<WorkloadCondition, 'status' | 'reason' | 'message'>;

/** The status that the sets make, with the conditions Available and Progressing. Pure. */
export function deploymentStatus(deployment: Deployment, rollout: Rollout, nowMs: number): DeploymentStatus {
  const { current, old } = rollout;
  const sets = [...old, ...(current ? [current] : [])];
  const wanted = deployment.spec?.replicas ?? 1;
  const replicas = sum(sets, (set) => set.status?.replicas ?? 0);
  const available = sum(sets, (set) => set.status?.availableReplicas ?? 0);
  const counts: DeploymentStatus = {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas,
    updatedReplicas: current?.status?.replicas ?? 0,
    readyReplicas: sum(sets, (set) => set.status?.readyReplicas ?? 0),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, sum(sets, wantedBy) - available),
  };
  const enough = available >= wanted - rollingBounds(deployment).unavailable;
  const before = deployment.status?.conditions ?? [];
  const availability: Progress = enough
    ? { status: 'True', reason: 'MinimumReplicasAvailable', message: 'Deployment has minimum availability.' }
    : {
        status: 'False',
        reason: 'MinimumReplicasUnavailable',
        message: 'Deployment does not have minimum availability.',
      };
  const progress = decideProgress(deployment, counts, rollout, nowMs);
  const conditions = [
    withTimes(before, 'Available', availability, nowMs, false),
    ...(progress ? [withTimes(before, 'Progressing', progress, nowMs, hasProgressed(deployment.status, counts))] : []),
  ];
  const others = before.filter(({ type }) => type !== 'Available' && type !== 'Progressing');
  return { ...counts, conditions: [...others, ...conditions] };
}

/** True once the present template serves with all its pods and nothing old is left. */
export function isComplete(deployment: Deployment, counts: DeploymentStatus): boolean {
  const wanted = deployment.spec?.replicas ?? 1;
  return counts.updatedReplicas === wanted && counts.replicas === wanted && counts.availableReplicas === wanted;
}

/** Milliseconds until a rollout that stands still is called failed; undefined when that cannot happen. */
export function progressDeadlineInMs(
  deployment: Deployment,
  status: DeploymentStatus,
  nowMs: number,
): number | undefined {
  const seconds = deployment.spec?.progressDeadlineSeconds ?? 600;
  const progressing = status.conditions?.find(({ type }) => type === 'Progressing');
  if (deployment.spec?.paused || seconds >= 2_147_483_647) return undefined;
  if (!progressing || progressing.status !== 'True' || progressing.reason === 'NewReplicaSetAvailable')
    return undefined;
  return Math.max(1, lastUpdateMs(progressing) + seconds * 1_000 - nowMs);
}

function decideProgress(
  deployment: Deployment,
  counts: DeploymentStatus,
  { current }: Rollout,
  nowMs: number,
): Progress | undefined {
  const { paused = false, progressDeadlineSeconds: seconds = 600 } = deployment.spec ?? {};
  if (seconds >= 2_147_483_647) return undefined;
  const before = deployment.status?.conditions?.find(({ type }) => type === 'Progressing');
  if (paused) return { status: 'Unknown', reason: 'DeploymentPaused', message: 'Deployment is paused' };
  if (!current) {
    const message = `Deployment "${deployment.metadata.name}" has no ReplicaSet for its template yet.`;
    return before ?? { status: 'True', reason: 'ReplicaSetUpdated', message };
  }
  const name = `ReplicaSet "${current.metadata.name}"`;
  if (isComplete(deployment, counts)) {
    return { status: 'True', reason: 'NewReplicaSetAvailable', message: `${name} has successfully progressed.` };
  }
  if (!before || before.reason === 'DeploymentPaused') {
    return { status: 'True', reason: 'NewReplicaSetCreated', message: `Created new ${name.replace('R', 'r')}` };
  }
  const moved = hasProgressed(deployment.status, counts);
  const otherSet = !(before.message ?? '').includes(`"${current.metadata.name}"`);
  if (moved || otherSet) return { status: 'True', reason: 'ReplicaSetUpdated', message: `${name} is progressing.` };
  // A deployment that has once been complete and lost a pod is not rolling out: there is no deadline for it.
  if (before.reason === 'NewReplicaSetAvailable') return before;
  if (before.reason === 'ProgressDeadlineExceeded' || nowMs >= lastUpdateMs(before) + seconds * 1_000) {
    return { status: 'False', reason: 'ProgressDeadlineExceeded', message: `${name} has timed out progressing.` };
  }
  return before;
}

function hasProgressed(before: DeploymentStatus | undefined, after: DeploymentStatus): boolean {
  const old = (status: DeploymentStatus): number => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (after.updatedReplicas ?? 0) > (before?.updatedReplicas ?? 0) ||
    old(after) < old(before ?? {}) ||
    (after.readyReplicas ?? 0) > (before?.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before?.availableReplicas ?? 0)
  );
}

function withTimes(
  conditions: readonly WorkloadCondition[],
  type: string,
  after: Progress,
  nowMs: number,
  touched: boolean,
): WorkloadCondition {
  const before = conditions.find((condition) => condition.type === type);
  const { status, reason, message } = after;
  const same = before?.status === status && before.reason === reason && before.message === message;
  if (before && same && !touched) return before;
  const now = timeText(nowMs);
  const lastTransitionTime = before?.status === status ? (before.lastTransitionTime ?? now) : now;
  return {
    type,
    status,
    ...(reason !== undefined && { reason }),
    ...(message !== undefined && { message }),
    lastUpdateTime: now,
    lastTransitionTime,
  };
}

function lastUpdateMs(condition: WorkloadCondition): number {
  const at = Date.parse(condition.lastUpdateTime ?? condition.lastTransitionTime ?? '');
  return Number.isNaN(at) ? 0 : at;
}
