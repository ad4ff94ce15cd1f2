import { keyOf, keyText, type ObjectKey, resources } from '@sluice/model';
import {
  type Controller,
  createController,
  Expectations,
  isControlledBy,
  isKubeError,
  ownerKeys,
  type ReconcileResult,
} from '@sluice/reconcile';
import { claimChildren, decideClaims, ownerOrSelectorKeys } from './claim-children.ts';
import {
  cleanRevisions,
  controllerRevisions,
  ensureRevision,
  type Revision,
  revisionLabel,
} from './controller-revision.ts';
import { buildPod } from './create-pods.ts';
import { type DaemonSet, daemonSetStatus, decideDaemonSet, wantedNodes } from './daemon-set.ts';
import { deleteObject, type ManagerContext, namespaceOf, writeStatus } from './manager-context.ts';
import { nextAvailableInMs } from './pod-state.ts';
import { isNamespaceTerminating } from './replica-set-controller.ts';
import type { Node } from './scheduling.ts';
import type { Pod } from './workload.ts';

/** Keeps one pod on every node that a DaemonSet wants. */
export function daemonSetController(context: ManagerContext): Controller {
  const { kube, informers, log, events, now } = context;
  const sets = informers.informer<DaemonSet>(resources.daemonSets);
  const pods = informers.informer<Pod>(resources.pods);
  const nodes = informers.informer<Node>(resources.nodes);
  const revisions = informers.informer<Revision>(controllerRevisions);
  const expectations = new Expectations(pods, { now });

  async function reconcile(key: ObjectKey, signal: AbortSignal): Promise<ReconcileResult> {
    const set = sets.get(key);
    if (!set) expectations.forget(keyText(key));
    if (!set || set.metadata.deletionTimestamp) return {};
    const claims = decideClaims(set, set.spec?.selector, pods.list(namespaceOf(key)));
    const owned = await claimChildren(kube, resources.pods, set, claims);
    if (!expectations.satisfied(keyText(key))) return {};
    const stored = revisions.list(namespaceOf(key)).filter((revision) => isControlledBy(revision, set));
    const revision = await ensureRevision(context, set, stored, signal);
    const hash = revision.metadata.labels?.[revisionLabel] ?? '';
    const wanted = wantedNodes(set, nodes.list());
    const { create, remove } = decideDaemonSet(set, owned, wanted, hash, now());
    for (const pod of remove) {
      await deleteObject(context, resources.pods, pod, signal);
      expectations.deleted(keyText(key), pod);
    }
    for (const node of create) await createPod(set, node, hash, signal);
    await writeStatus(context, resources.daemonSets, set, daemonSetStatus(set, owned, wanted, hash, now()), signal);
    await cleanRevisions(context, set, stored, new Set([revision.metadata.name]), signal);
    const requeueAfterMs = nextAvailableInMs(owned, set.spec?.minReadySeconds ?? 0, now());
    return requeueAfterMs === undefined ? {} : { requeueAfterMs };
  }

  async function createPod(set: DaemonSet, nodeName: string, hash: string, signal: AbortSignal): Promise<void> {
    const template = set.spec?.template;
    const pod = buildPod(set, template, { labels: { [revisionLabel]: hash }, spec: { ...template?.spec, nodeName } });
    try {
      const created = await kube.create(resources.pods, pod, { signal });
      expectations.created(keyText(set.metadata), created);
      events.event(set, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata.name}`);
    } catch (error) {
      if (isKubeError(error, 'Forbidden') && isNamespaceTerminating(error.status)) return;
      throw error;
    }
  }

  return createController({
    name: 'daemonset',
    informers,
    log,
    reconcile,
    watches: [
      { resource: resources.daemonSets },
      { resource: resources.pods, keysOf: ownerOrSelectorKeys(sets, ownerKeys('DaemonSet', 'apps')) },
      // Heartbeats of nodes pass by here too: a pass over an unchanged set writes nothing.
      { resource: resources.nodes, keysOf: () => sets.list().map(keyOf) },
      { resource: controllerRevisions, keysOf: ownerKeys('DaemonSet', 'apps') },
    ],
  });
}
