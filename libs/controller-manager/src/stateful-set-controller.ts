import { keyOf, keyText, type KubeObject, type ObjectKey, resources } from '@sluice/model';
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
import {
  cleanRevisions,
  controllerRevisions,
  ensureRevision,
  type Revision,
  revisionLabel,
  templateOf,
} from './controller-revision.ts';
import { deleteObject, ignoreGone, type ManagerContext, namespaceOf, writeStatus } from './manager-context.ts';
import { nextAvailableInMs } from './pod-state.ts';
import { isNamespaceTerminating } from './replica-set-controller.ts';
import {
  buildClaims,
  buildStatefulPod,
  decideStatefulSet,
  ordinalOf,
  type StatefulSet,
  statefulSetStatus,
} from './stateful-set.ts';
import type { Pod, PodTemplate } from './workload.ts';

/** Keeps pods with stable names and claims. Names are fixed, so that a stale cache can make no pod twice. */
export function statefulSetController(context: ManagerContext): Controller {
  const { kube, informers, log, events, now } = context;
  const sets = informers.informer<StatefulSet>(resources.statefulSets);
  const pods = informers.informer<Pod>(resources.pods);
  const revisions = informers.informer<Revision>(controllerRevisions);

  async function reconcile(key: ObjectKey, signal: AbortSignal): Promise<ReconcileResult> {
    const set = sets.get(key);
    if (!set || set.metadata.deletionTimestamp) return {};
    const claims = decideClaims(set, set.spec?.selector, pods.list(namespaceOf(key)));
    const owned = (await claimChildren(kube, resources.pods, set, claims)).filter(
      (pod) => ordinalOf(set, pod) !== undefined,
    );
    const stored = revisions.list(namespaceOf(key)).filter((revision) => isControlledBy(revision, set));
    const update = await ensureRevision(context, set, stored, signal);
    const current = stored.find(({ metadata }) => metadata.name === set.status?.currentRevision) ?? update;
    const { create, remove } = decideStatefulSet(set, owned, hashOf(update), now());
    for (const pod of remove) {
      if (isGivenUp(set, pod)) await bequeathClaims(set, pod, signal);
      await deleteObject(context, resources.pods, pod, signal);
      events.event(
        set,
        'Normal',
        'SuccessfulDelete',
        `delete Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name}`,
      );
    }
    for (const { ordinal, updated } of create) {
      const revision = updated ? update : current;
      const template = updated ? set.spec?.template : withoutPatchMark(templateOf(revision));
      if (!(await createPod(set, ordinal, template, hashOf(revision), signal))) return {};
    }
    const names = { current: current.metadata.name, update: update.metadata.name };
    const hashes = { updateHash: hashOf(update), currentHash: hashOf(current) };
    const status = statefulSetStatus(set, owned, { ...names, ...hashes }, now());
    await writeStatus(context, resources.statefulSets, set, status, signal);
    await cleanRevisions(context, set, stored, new Set([names.current, names.update]), signal);
    const requeueAfterMs = nextAvailableInMs(owned, set.spec?.minReadySeconds ?? 0, now());
    return requeueAfterMs === undefined ? {} : { requeueAfterMs };
  }

  /** Claims that go with a pod which is given up: the pod becomes their owner. */
  async function bequeathClaims(set: StatefulSet, pod: Pod, signal: AbortSignal): Promise<void> {
    const ownerReferences = [{ ...ownerReferenceTo(pod), controller: false }];
    for (const claim of buildClaims(set, ordinalOf(set, pod) ?? 0)) {
      const patch = { type: 'merge', body: { metadata: { ownerReferences } } } as const;
      await ignoreGone(kube.patch(resources.persistentVolumeClaims, keyOf(claim), patch, { signal }));
    }
  }

  async function createPod(
    set: StatefulSet,
    ordinal: number,
    template: PodTemplate | undefined,
    hash: string,
    signal: AbortSignal,
  ): Promise<boolean> {
    try {
      for (const claim of buildClaims(set, ordinal)) await createOnce(resources.persistentVolumeClaims, claim, signal);
      const pod = buildStatefulPod(set, template, ordinal, hash);
      if (await createOnce(resources.pods, pod, signal)) {
        const message = `create Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name} successful`;
        events.event(set, 'Normal', 'SuccessfulCreate', message);
      }
      return true;
    } catch (error) {
      if (isKubeError(error, 'Forbidden') && isNamespaceTerminating(error.status)) return false;
      const why = error instanceof Error ? error.message : String(error);
      events.event(set, 'Warning', 'FailedCreate', `create Pod ${set.metadata.name}-${ordinal} failed: ${why}`);
      throw error;
    }
  }

  async function createOnce(
    resource: typeof resources.pods,
    object: KubeObject,
    signal: AbortSignal,
  ): Promise<boolean> {
    try {
      await kube.create(resource, object, { signal });
      return true;
    } catch (error) {
      if (isKubeError(error, 'AlreadyExists')) return false;
      throw error;
    }
  }

  return createController({
    name: 'statefulset',
    informers,
    log,
    reconcile,
    watches: [
      { resource: resources.statefulSets },
      { resource: resources.pods, keysOf: ownerOrSelectorKeys(sets, ownerKeys('StatefulSet', 'apps')) },
      { resource: controllerRevisions, keysOf: ownerKeys('StatefulSet', 'apps') },
    ],
  });
}

/** A pod beyond the wanted number whose claims are not to be kept. */
function isGivenUp({ spec, ...set }: StatefulSet, pod: Pod): boolean {
  if (spec?.persistentVolumeClaimRetentionPolicy?.whenScaled !== 'Delete') return false;
  const ordinal = ordinalOf(set, pod) ?? 0;
  const first = spec.ordinals?.start ?? 0;
  return ordinal < first || ordinal >= first + (spec.replicas ?? 1);
}

function hashOf(revision: Revision): string {
  return revision.metadata.labels?.[revisionLabel] ?? keyText(revision.metadata);
}

/** Revisions hold the template as a patch that replaces it. */
export function withoutPatchMark(template: PodTemplate | undefined): PodTemplate | undefined {
  if (!template) return undefined;
  const { $patch: _, ...rest } = template as PodTemplate & { readonly $patch?: string };
  return rest;
}
