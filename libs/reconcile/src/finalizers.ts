import type { KubeObject, Resource } from '@sluice/model';
import { keyOf, keyText } from '@sluice/model';
import { isKubeError, KubeApiError, type JsonPatchOperation, type KubeApi } from './kube-api.ts';

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
  return patchAsRead<T>(kube, resource, object, [...guards, change]);
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
    await patchAsRead(kube, resource, object, body);
  } catch (error) {
    if (!isKubeError(error, 'NotFound')) throw error;
  }
}

/** A JSON patch whose tests say what was read. Throws Conflict, as other guarded writes do, when they no longer hold. */
async function patchAsRead<T extends KubeObject>(
  kube: KubeApi,
  resource: Resource,
  object: KubeObject,
  body: readonly JsonPatchOperation[],
): Promise<T> {
  const key = keyOf(object);
  try {
    return await kube.patch<T>(resource, key, { type: 'json', body });
  } catch (error) {
    // The server refuses it like an invalid object, but names no field as the cause.
    const status = error instanceof KubeApiError ? (error.status as Status | undefined) : undefined;
    if (!isKubeError(error, 'Invalid') || status?.details?.causes?.length) throw error;
    const message = `${object.kind} ${keyText(key)} has changed since it was read: ${error.message}`;
    throw new KubeApiError(409, 'Conflict', message, error.status);
  }
}

type Status = { readonly details?: { readonly causes?: readonly unknown[] } };
