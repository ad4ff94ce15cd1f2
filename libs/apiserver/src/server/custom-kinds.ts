import type { KubeObject } from '@sluice/model';
import { kindsOfCrd } from '../kinds/crd-kinds.ts';
import { textAt, withMetadata } from '../objects/json.ts';
import { storageId } from '../registry/kind-registry.ts';
import type { Api } from '../rest/api.ts';
import { deleteObject, plainDelete } from '../rest/delete.ts';
import { StatusError } from '../http/status-error.ts';
import { cleanupFinalizer, isEstablished } from '../strategies/custom-resource-definition.ts';

const definitions = 'customresourcedefinitions.apiextensions.k8s.io';

/** Keeps the registry in step with the stored definitions, and empties those that are being deleted. */
export function serveCustomKinds(api: Api): () => void {
  const collection = api.objects.collection(definitions);
  for (const { object } of collection.list('')) register(api, object);
  const stop = collection.listen(({ type, entry }) => {
    if (type === 'DELETED') unregister(api, entry.object);
    else register(api, entry.object);
  });
  return stop;
}

function register(api: Api, definition: KubeObject): void {
  if (isEstablished(definition)) api.registry.setCustom(definition.metadata.name, kindsOfCrd(definition));
  if (definition.metadata.deletionTimestamp === undefined) return;
  empty(api, definition).catch((error: unknown) => {
    api.log.error('emptying a deleted custom resource definition failed', { name: definition.metadata.name, error });
  });
}

function unregister(api: Api, definition: KubeObject): void {
  api.registry.removeCustom(definition.metadata.name);
  api.watches.end(storageOf(definition));
}

function storageOf(definition: KubeObject): string {
  const group = textAt(definition, 'spec', 'group');
  return storageId({ group, plural: textAt(definition, 'spec', 'names', 'plural') });
}

/** Delete all objects of a definition, wait until their finalizers let them go, then let the definition go. */
async function empty(api: Api, definition: KubeObject): Promise<void> {
  if (!(definition.metadata.finalizers ?? []).includes(cleanupFinalizer)) return;
  const objects = api.objects.collection(storageOf(definition));
  const [kind] = api.registry.versionsOf(storageOf(definition));
  for (const { key } of kind ? objects.list('') : []) {
    if (kind) await ignoreMissing(deleteObject(api, kind, key, plainDelete));
  }
  if (objects.size > 0) await emptied(objects);
  await ignoreMissing(
    api.objects.write(definitions, definition.metadata.name, (current) => {
      if (!current) throw new StatusError(404, 'NotFound', 'gone');
      const rest = (current.object.metadata.finalizers ?? []).filter((finalizer) => finalizer !== cleanupFinalizer);
      const object = withMetadata(current.object, { finalizers: rest.length > 0 ? rest : undefined });
      return rest.length > 0 ? { type: 'put', object } : { type: 'remove', object };
    }),
  );
}

function emptied(objects: ReturnType<Api['objects']['collection']>): Promise<void> {
  return new Promise((resolve) => {
    const stop = objects.listen(() => {
      if (objects.size > 0) return;
      stop();
      resolve();
    });
  });
}

async function ignoreMissing(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof StatusError && error.reason === 'NotFound')) throw error;
  }
}
