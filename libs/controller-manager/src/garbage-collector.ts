import {
  keyOf,
  keyText,
  type KubeObject,
  type ObjectKey,
  type OwnerReference,
  parseKey,
  type Resource,
} from '@sluice/model';
import { type Controller, createController, type ReconcileResult, removeFinalizer } from '@sluice/reconcile';
import {
  blocksOwner,
  decideOwnership,
  foregroundFinalizer,
  isOrphaning,
  isWaitingForDependents,
  orphanFinalizer,
  type OwnerState,
} from './garbage.ts';
import { deleteObject, ignoreGone, type ManagerContext } from './manager-context.ts';
import { type ObjectCatalogue, resourceId } from './object-catalogue.ts';

/** Deletes what has lost its owners, and carries foreground and orphaning deletions out. */
export function garbageCollector(context: ManagerContext, catalogue: ObjectCatalogue): Controller {
  const { kube, log, informers } = context;

  /** Keys name the kind too: `kind` as namespace, namespace and name as name. */
  async function reconcile(
    { namespace: id = '', name: text }: ObjectKey,
    signal: AbortSignal,
  ): Promise<ReconcileResult> {
    const kind = catalogue.byId(id);
    const object = kind?.informer.get(parseKey(text));
    if (!kind || !object) return {};
    if (isOrphaning(object)) await orphan(kind.resource, object, signal);
    else if (isWaitingForDependents(object)) await deleteDependents(kind.resource, object);
    else await checkOwners(kind.resource, object, signal);
    return {};
  }

  async function checkOwners(resource: Resource, object: KubeObject, signal: AbortSignal): Promise<void> {
    const references = object.metadata.ownerReferences ?? [];
    if (references.length === 0) return;
    const states = new Map<OwnerReference, OwnerState>();
    for (const reference of references) states.set(reference, await stateOf(reference, object, signal));
    const dependents = catalogue.dependents(object.metadata.uid ?? '').length > 0;
    const decision = decideOwnership(object, (reference) => states.get(reference) ?? 'unknown', dependents);
    if (decision.action === 'delete') return deleteObject(context, resource, object, signal, decision.propagation);
    if (decision.action === 'disown') await setOwners(resource, object, decision.ownerReferences, signal);
  }

  /** The cache may not know an owner yet: that one is gone is believed of the server only. */
  async function stateOf(reference: OwnerReference, object: KubeObject, signal: AbortSignal): Promise<OwnerState> {
    const kind = catalogue.byKind(reference.apiVersion, reference.kind);
    if (!kind) return 'unknown';
    const { namespace } = object.metadata;
    if (kind.resource.namespaced && !namespace) return 'unknown';
    const key = kind.resource.namespaced && namespace ? { namespace, name: reference.name } : { name: reference.name };
    const cached = kind.informer.get(key);
    const owner = cached?.metadata.uid === reference.uid ? cached : await kube.get(kind.resource, key, signal);
    if (owner?.metadata.uid !== reference.uid) return 'absent';
    return isWaitingForDependents(owner) && reference.blockOwnerDeletion === true ? 'waiting' : 'present';
  }

  async function deleteDependents(resource: Resource, owner: KubeObject): Promise<void> {
    const dependents = catalogue.dependents(owner.metadata.uid ?? '');
    for (const { resource: kind, object } of dependents) catalogueKeys(kind, object).forEach(enqueue);
    if (dependents.some(({ object }) => blocksOwner(object, owner.metadata.uid ?? ''))) return;
    await removeFinalizer(kube, resource, owner, foregroundFinalizer);
  }

  async function orphan(resource: Resource, owner: KubeObject, signal: AbortSignal): Promise<void> {
    for (const { resource: kind, object } of catalogue.dependents(owner.metadata.uid ?? '')) {
      const others = (object.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== owner.metadata.uid);
      await setOwners(kind, object, others, signal);
    }
    await removeFinalizer(kube, resource, owner, orphanFinalizer);
  }

  async function setOwners(
    resource: Resource,
    object: KubeObject,
    ownerReferences: readonly OwnerReference[],
    signal: AbortSignal,
  ): Promise<void> {
    const { uid, resourceVersion } = object.metadata;
    const body = { metadata: { uid, resourceVersion, ownerReferences } };
    await ignoreGone(kube.patch(resource, keyOf(object), { type: 'merge', body }, { signal }));
  }

  const controller = createController({
    name: 'garbage-collector',
    informers,
    log,
    reconcile,
    concurrency: 8,
    watches: [],
  });
  const enqueue = (key: ObjectKey): void => controller.enqueue(key);
  catalogue.subscribe((resource, event) => {
    const { object } = event;
    const { uid = '', ownerReferences = [] } = object.metadata;
    if (event.type === 'deleted') {
      for (const { resource: kind, object: dependent } of catalogue.dependents(uid)) {
        catalogueKeys(kind, dependent).forEach(enqueue);
      }
      // An owner that waits for its dependents has one less.
      for (const { apiVersion, kind, name } of ownerReferences) {
        const owner = catalogue.byKind(apiVersion, kind);
        const { namespace } = object.metadata;
        const key = owner?.resource.namespaced && namespace ? { namespace, name } : { name };
        const found = owner?.informer.get(key);
        if (owner && found && isWaitingForDependents(found)) catalogueKeys(owner.resource, found).forEach(enqueue);
      }
    } else if (needsLook(event)) catalogueKeys(resource, object).forEach(enqueue);
  });
  return controller;
}

function needsLook(event: {
  readonly type: string;
  readonly object: KubeObject;
  readonly previous?: KubeObject;
}): boolean {
  const { object, previous } = event;
  if (isOrphaning(object) || isWaitingForDependents(object)) return true;
  const references = object.metadata.ownerReferences ?? [];
  if (references.length === 0) return false;
  // Owners change seldom and versions often: look again only when the references are others.
  return !previous || JSON.stringify(previous.metadata.ownerReferences) !== JSON.stringify(references);
}

function catalogueKeys(resource: Resource, object: KubeObject): ObjectKey[] {
  return [{ namespace: resourceId(resource), name: keyText(keyOf(object)) }];
}
