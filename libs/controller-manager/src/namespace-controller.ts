import { type KubeObject, type ObjectKey, resources } from '@sluice/model';
import { type Controller, createController, type ReconcileResult } from '@sluice/reconcile';
import { deleteObject, ignoreGone, type ManagerContext } from './manager-context.ts';
import type { ObjectCatalogue } from './object-catalogue.ts';

type Namespace = KubeObject<{ readonly finalizers?: readonly string[] }>;

const finalizer = 'kubernetes';
const maxEventsAPass = 500;

/** Empties namespaces that are being deleted, then lets them go. */
export function namespaceController(context: ManagerContext, catalogue: ObjectCatalogue): Controller {
  const { kube, informers, log } = context;
  const namespaces = informers.informer<Namespace>(resources.namespaces);

  async function reconcile(key: ObjectKey, signal: AbortSignal): Promise<ReconcileResult> {
    const namespace = namespaces.get(key);
    if (!namespace?.metadata.deletionTimestamp || !namespace.spec?.finalizers?.includes(finalizer)) return {};
    const contents = catalogue.contents(key.name);
    for (const { resource, object } of contents) {
      if (!object.metadata.deletionTimestamp) await deleteObject(context, resource, object, signal);
    }
    // The deletion of each brings the namespace back.
    if (contents.length > 0) return {};
    const left = await remaining(key.name, signal);
    if (left > 0) return { requeueAfterMs: 50 };
    if (!(await deleteEvents(key.name, signal))) return { requeueAfterMs: 1 };
    const spec = { finalizers: (namespace.spec.finalizers ?? []).filter((name) => name !== finalizer) };
    await ignoreGone(kube.replace(resources.namespaces, { ...namespace, spec }, { subresource: 'finalize', signal }));
    return {};
  }

  /** The caches are empty; they may be behind. */
  async function remaining(namespace: string, signal: AbortSignal): Promise<number> {
    const kinds = catalogue.resources().filter(({ namespaced }) => namespaced);
    const lists = await Promise.all(
      kinds.map((resource) => kube.list(resource, { namespace, limit: 1, metadataOnly: true, signal })),
    );
    return lists.reduce((sum, { items }) => sum + items.length, 0);
  }

  async function deleteEvents(namespace: string, signal: AbortSignal): Promise<boolean> {
    const { items } = await kube.list(resources.events, {
      namespace,
      limit: maxEventsAPass,
      metadataOnly: true,
      signal,
    });
    for (const event of items) await deleteObject(context, resources.events, event, signal);
    return items.length === 0;
  }

  const controller = createController({
    name: 'namespace',
    informers,
    log,
    reconcile,
    concurrency: 2,
    watches: [{ resource: resources.namespaces }],
  });
  catalogue.subscribe((_resource, { type, object }) => {
    const { namespace } = object.metadata;
    if (!namespace) return;
    const found = namespaces.get({ name: namespace });
    if (found?.metadata.deletionTimestamp && (type === 'deleted' || type === 'added')) {
      controller.enqueue({ name: namespace });
    }
  });
  return controller;
}
