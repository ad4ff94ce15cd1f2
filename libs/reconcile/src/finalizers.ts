import type { KubeObject, Resource } from '@sluice/model';
import { keyOf } from '@sluice/model';
import { isKubeError, type JsonPatchOperation, type KubeApi } from './kube-api.ts';

/** True when the object carries the finalizer. */
export function hasFinalizer(object: KubeObject, finalizer: string): boolean {
  return object.metadata.finalizers?.includes(finalizer) ?? false;
}

/**
 * Add a finalizer by a JSON patch that tests uid and resourceVersion. Returns the stored object; the same object when it
 * carried the finalizer already. Throws when somebody else wrote meanwhile: let the reconcile be retried.
 */
export async function addFinalizer<T extends KubeObject>(
  kube: KubeApi,
  resource: Resource,
  object: T,
  finalizer: string,
): Promise<T> {
  if (hasFinalizer(object, finalizer)) return object;
  const { uid, resourceVersion } = object.metadata;
  const guards: JsonPatchOperation[] = [
    { op: 'test', path: '/metadata/uid', value: uid },
    { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion },
  ];
  const change: JsonPatchOperation = object.metadata.finalizers?.length
    ? { op: 'add', path: '/metadata/finalizers/-', value: finalizer }
    : { op: 'add', path: '/metadata/finalizers', value: [finalizer] };
  return kube.patch<T>(resource, keyOf(object), { type: 'json', body: [...guards, change] });
}

/** Remove a finalizer by a JSON patch that tests uid and place. An object that has gone, or lacks it, counts as done. */
export async function removeFinalizer(
  kube: KubeApi,
  resource: Resource,
  object: KubeObject,
  finalizer: string,
): Promise<void> {
  const index = object.metadata.finalizers?.indexOf(finalizer) ?? -1;
  if (index < 0) return;
  const path = `/metadata/finalizers/${index}`;
  const body: JsonPatchOperation[] = [
    { op: 'test', path: '/metadata/uid', value: object.metadata.uid },
    { op: 'test', path, value: finalizer },
    { op: 'remove', path },
  ];
  try {
    await kube.patch(resource, keyOf(object), { type: 'json', body });
  } catch (error) {
    if (!isKubeError(error, 'NotFound')) throw error;
  }
}
