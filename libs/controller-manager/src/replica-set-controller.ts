import { keyText, type ObjectKey, resources } from '@sluice/model';
import {
  type Controller,
  createController,
  Expectations,
  isKubeError,
  ownerKeys,
  type ReconcileResult,
} from '@sluice/reconcile';
import { claimChildren, decideClaims, ownerOrSelectorKeys } from './claim-children.ts';
import { buildPod, inGrowingBatches } from './create-pods.ts';
import { deleteObject, type ManagerContext, namespaceOf, writeStatus } from './manager-context.ts';
import { isActive, nextAvailableInMs } from './pod-state.ts';
import { decideReplicas, replicaSetStatus } from './replica-set.ts';
import type { Pod, ReplicaSet } from './workload.ts';

/** Keeps the number of pods of every ReplicaSet. */
export function replicaSetController(context: ManagerContext): Controller {
  const { kube, informers, log, events, now } = context;
  const sets = informers.informer<ReplicaSet>(resources.replicaSets);
  const pods = informers.informer<Pod>(resources.pods);
  const expectations = new Expectations(pods, { now });

  async function reconcile(key: ObjectKey, signal: AbortSignal): Promise<ReconcileResult> {
    const set = sets.get(key);
    if (!set) {
      expectations.forget(keyText(key));
      return {};
    }
    const claims = decideClaims(set, set.spec?.selector, pods.list(namespaceOf(key)));
    const owned = await claimChildren(kube, resources.pods, set, claims);
    if (!expectations.satisfied(keyText(key))) return {};
    // The echo of what was made or deleted brings the key back, with a cache that shows it: the status waits for that.
    if (!set.metadata.deletionTimestamp && (await scale(set, owned, signal))) return {};
    await writeStatus(context, resources.replicaSets, set, replicaSetStatus(set, owned, now()), signal);
    const requeueAfterMs = nextAvailableInMs(owned.filter(isActive), set.spec?.minReadySeconds ?? 0, now());
    return requeueAfterMs === undefined ? {} : { requeueAfterMs };
  }

  async function scale(set: ReplicaSet, owned: readonly Pod[], signal: AbortSignal): Promise<boolean> {
    const owner = keyText(set.metadata);
    const { create, remove } = decideReplicas(set, owned);
    try {
      await inGrowingBatches(Array.from({ length: create }), async () => {
        const pod = await kube.create<Pod>(resources.pods, buildPod(set, set.spec?.template), { signal });
        expectations.created(owner, pod);
      });
    } catch (error) {
      // Nothing can be made in a namespace that is going away; the set goes with it.
      if (isKubeError(error, 'Forbidden') && isNamespaceTerminating(error.status)) return false;
      events.event(
        set,
        'Warning',
        'FailedCreate',
        `Error creating pod: ${error instanceof Error ? error.message : ''}`,
      );
      throw error;
    }
    for (const pod of remove) {
      await deleteObject(context, resources.pods, pod, signal);
      expectations.deleted(owner, pod);
    }
    return create > 0 || remove.length > 0;
  }

  return createController({
    name: 'replicaset',
    informers,
    log,
    reconcile,
    concurrency: 4,
    watches: [
      { resource: resources.replicaSets },
      { resource: resources.pods, keysOf: ownerOrSelectorKeys(sets, ownerKeys('ReplicaSet', 'apps')) },
    ],
  });
}

/** True for the answer to a create in a namespace that is being deleted. */
export function isNamespaceTerminating(status: unknown): boolean {
  const causes = (
    status as { readonly details?: { readonly causes?: readonly { readonly reason?: string }[] } } | undefined
  )?.details?.causes;
  return causes?.some(({ reason }) => reason === 'NamespaceTerminating') ?? false;
}
