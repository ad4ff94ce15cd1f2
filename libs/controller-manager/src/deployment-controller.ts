import { keyOf, type ObjectKey, resources } from '@sluice/model';
import {
  type Controller,
  createController,
  isControlledBy,
  isKubeError,
  ownerKeys,
  ownerReferenceTo,
  type ReconcileResult,
} from '@sluice/reconcile';
import { claimChildren, decideClaims, ownerOrSelectorKeys } from './claim-children.ts';
import { deploymentStatus, progressDeadlineInMs } from './deployment-status.ts';
import { deleteObject, ignoreGone, type ManagerContext, namespaceOf, writeStatus } from './manager-context.ts';
import { isEnded } from './pod-state.ts';
import {
  decideCleanup,
  decideRecreate,
  decideRollingUpdate,
  decideScaling,
  desiredAnnotation,
  firstReplicas,
  isRecreate,
  maxReplicas,
  maxReplicasAnnotation,
  revisionAnnotation,
  revisionHistoryAnnotation,
  revisionOf,
  type Rollout,
  type ScaleChange,
  toRollout,
  wantedBy,
} from './rollout.ts';
import { hashLabel, sameTemplate, templateHash } from './template-hash.ts';
import type { Deployment, Pod, ReplicaSet } from './workload.ts';

/** Rolls deployments out by means of ReplicaSets. */
export function deploymentController(context: ManagerContext): Controller {
  const { kube, informers, log, events, now } = context;
  const deployments = informers.informer<Deployment>(resources.deployments);
  const sets = informers.informer<ReplicaSet>(resources.replicaSets);
  const pods = informers.informer<Pod>(resources.pods);

  async function reconcile(key: ObjectKey, signal: AbortSignal): Promise<ReconcileResult> {
    const deployment = deployments.get(key);
    if (!deployment) return {};
    const claims = decideClaims(deployment, deployment.spec?.selector, sets.list(namespaceOf(key)));
    const owned = await claimChildren(kube, resources.replicaSets, deployment, claims);
    let rollout = toRollout(deployment, owned);
    if (!deployment.metadata.deletionTimestamp) rollout = await roll(deployment, rollout, signal);
    const status = deploymentStatus(deployment, rollout, now());
    await writeStatus(context, resources.deployments, deployment, status, signal);
    const requeueAfterMs = progressDeadlineInMs(deployment, status, now());
    return requeueAfterMs === undefined ? {} : { requeueAfterMs };
  }

  async function roll(deployment: Deployment, rollout: Rollout, signal: AbortSignal): Promise<Rollout> {
    const scaling = decideScaling(deployment, rollout);
    if (scaling) return scale(deployment, rollout, scaling, signal);
    if (deployment.spec?.paused) return rollout;
    let next = rollout;
    if (!next.current && (!isRecreate(deployment) || !oldPodsRun(rollout))) {
      next = { ...next, current: await createSet(deployment, next, signal) };
    }
    if (next.current) next = { ...next, current: await stampRevision(deployment, next.current, next.old, signal) };
    const changes = isRecreate(deployment)
      ? decideRecreate(deployment, next, oldPodsRun(next))
      : decideRollingUpdate(deployment, next);
    next = await scale(deployment, next, changes, signal);
    for (const set of decideCleanup(deployment, next.old)) {
      await deleteObject(context, resources.replicaSets, set, signal);
    }
    return next;
  }

  function oldPodsRun({ old }: Rollout): boolean {
    return old.some((set) => pods.byIndex('owner', set.metadata.uid ?? '').some((pod) => !isEnded(pod)));
  }

  async function createSet(deployment: Deployment, { old }: Rollout, signal: AbortSignal): Promise<ReplicaSet> {
    const collisions = deployment.status?.collisionCount ?? 0;
    const set = buildReplicaSet(deployment, old, collisions);
    try {
      const created = await kube.create(resources.replicaSets, set, { signal });
      const count = wantedBy(created);
      const message = `Scaled up replica set ${created.metadata.name} from 0 to ${count}`;
      if (count > 0) events.event(deployment, 'Normal', 'ScalingReplicaSet', message);
      return created;
    } catch (error) {
      if (!isKubeError(error, 'AlreadyExists')) throw error;
      const there = await kube.get<ReplicaSet>(resources.replicaSets, keyOf(set), signal);
      const ours = there && isControlledBy(there, deployment);
      if (ours && sameTemplate(there.spec?.template, deployment.spec?.template)) return there;
      // The name belongs to something else: take another one next time.
      await writeStatus(context, resources.deployments, deployment, { collisionCount: collisions + 1 }, signal);
      throw error;
    }
  }

  /** The present set carries the highest revision, and the deployment shows it. */
  async function stampRevision(
    deployment: Deployment,
    current: ReplicaSet,
    old: readonly ReplicaSet[],
    signal: AbortSignal,
  ): Promise<ReplicaSet> {
    const highest = Math.max(0, ...old.map(revisionOf));
    let stamped = current;
    if (revisionOf(current) <= highest) {
      const before = revisionOf(current);
      const history = [current.metadata.annotations?.[revisionHistoryAnnotation], before || undefined].filter(Boolean);
      const annotations = {
        [revisionAnnotation]: String(highest + 1),
        ...(history.length > 0 && { [revisionHistoryAnnotation]: history.join(',') }),
      };
      const body = { metadata: { annotations } };
      stamped = await kube.patch(resources.replicaSets, keyOf(current), { type: 'merge', body }, { signal });
    }
    const revision = stamped.metadata.annotations?.[revisionAnnotation];
    if (deployment.metadata.annotations?.[revisionAnnotation] !== revision) {
      const body = { metadata: { annotations: { [revisionAnnotation]: revision } } };
      await ignoreGone(kube.patch(resources.deployments, keyOf(deployment), { type: 'merge', body }, { signal }));
    }
    return stamped;
  }

  async function scale(
    deployment: Deployment,
    rollout: Rollout,
    changes: readonly ScaleChange[],
    signal: AbortSignal,
  ): Promise<Rollout> {
    const after = new Map<ReplicaSet, ReplicaSet>();
    for (const { set, replicas } of changes) {
      const annotations = sizeAnnotations(deployment);
      const body = { metadata: { annotations }, ...(replicas !== wantedBy(set) && { spec: { replicas } }) };
      const patch = { type: 'merge', body } as const;
      const patched = await ignoreGone(kube.patch<ReplicaSet>(resources.replicaSets, keyOf(set), patch, { signal }));
      if (patched) after.set(set, patched);
      if (replicas === wantedBy(set)) continue;
      const direction = replicas > wantedBy(set) ? 'up' : 'down';
      const message = `Scaled ${direction} replica set ${set.metadata.name} from ${wantedBy(set)} to ${replicas}`;
      events.event(deployment, 'Normal', 'ScalingReplicaSet', message);
    }
    const replaced = (set: ReplicaSet): ReplicaSet => after.get(set) ?? set;
    return { current: rollout.current && replaced(rollout.current), old: rollout.old.map(replaced) };
  }

  return createController({
    name: 'deployment',
    informers,
    log,
    reconcile,
    watches: [
      { resource: resources.deployments },
      { resource: resources.replicaSets, keysOf: ownerOrSelectorKeys(deployments, ownerKeys('Deployment', 'apps')) },
      // Recreate waits for the pods of old sets to end.
      {
        resource: resources.pods,
        keysOf: (pod) => {
          const set = ownerKeys('ReplicaSet', 'apps')(pod)[0];
          const owner = set && sets.get(set);
          const parent = owner && ownerKeys('Deployment', 'apps')(owner)[0];
          const deployment = parent && deployments.get(parent);
          return deployment && isRecreate(deployment) ? [parent] : [];
        },
      },
    ],
  });
}

function sizeAnnotations(deployment: Deployment): Record<string, string> {
  return {
    [desiredAnnotation]: String(deployment.spec?.replicas ?? 1),
    [maxReplicasAnnotation]: String(maxReplicas(deployment)),
  };
}

/** The set of the present template. Its name is made of the template, so that making it twice is making it once. */
export function buildReplicaSet(deployment: Deployment, old: readonly ReplicaSet[], collisions: number): ReplicaSet {
  const { name, namespace } = deployment.metadata;
  const { selector, template, minReadySeconds } = deployment.spec ?? {};
  const hash = templateHash(template, collisions);
  const labels = { ...template?.metadata?.labels, [hashLabel]: hash };
  const { 'kubectl.kubernetes.io/last-applied-configuration': _, ...annotations } =
    deployment.metadata.annotations ?? {};
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${name}-${hash}`,
      ...(namespace !== undefined && { namespace }),
      labels,
      annotations: {
        ...annotations,
        ...sizeAnnotations(deployment),
        [revisionAnnotation]: String(Math.max(0, ...old.map(revisionOf)) + 1),
      },
      ownerReferences: [ownerReferenceTo(deployment)],
    },
    spec: {
      replicas: firstReplicas(deployment, old),
      ...(minReadySeconds !== undefined && { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector?.matchLabels, [hashLabel]: hash } },
      template: { ...template, metadata: { ...template?.metadata, labels } },
    },
  };
}
