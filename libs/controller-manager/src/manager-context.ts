import type { KubeObject, ObjectKey, Resource } from '@sluice/model';
import { keyOf } from '@sluice/model';
import { type EventRecorder, type InformerSet, isKubeError, type KubeApi } from '@sluice/reconcile';
import type { Log } from '@sluice/runtime';
import { sameJson } from './workload.ts';

/** What every controller is made of. */
export type ManagerContext = {
  readonly kube: KubeApi;
  readonly informers: InformerSet;
  readonly events: EventRecorder;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now: () => number;
};

/** Write a status that differs from the one read; an object that has gone meanwhile is nothing to do. */
export async function writeStatus(
  { kube }: Pick<ManagerContext, 'kube'>,
  resource: Resource,
  object: KubeObject,
  status: object,
  signal: AbortSignal,
): Promise<void> {
  const before = (object.status ?? {}) as Record<string, unknown>;
  const changes = Object.entries(status).filter(([name, value]) => !sameJson(before[name], value));
  if (changes.length === 0) return;
  // A merge patch: null removes, lists are replaced.
  const body = {
    metadata: { uid: object.metadata.uid },
    status: Object.fromEntries(changes.map(([name, value]) => [name, value ?? null])),
  };
  await ignoreGone(kube.patch(resource, keyOf(object), { type: 'merge', body }, { subresource: 'status', signal }));
}

/** Delete this very object, not one that was made under its name since. */
export async function deleteObject(
  { kube }: Pick<ManagerContext, 'kube'>,
  resource: Resource,
  object: KubeObject,
  signal: AbortSignal,
  propagationPolicy: 'Background' | 'Foreground' | 'Orphan' = 'Background',
): Promise<void> {
  const { uid } = object.metadata;
  try {
    await kube.delete(resource, keyOf(object), { ...(uid && { uid }), propagationPolicy, signal });
  } catch (error) {
    // Another object has the name: the one that was meant is gone.
    if (!isKubeError(error, 'Conflict', 'NotFound')) throw error;
  }
}

/** Let NotFound pass. */
export async function ignoreGone<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (isKubeError(error, 'NotFound')) return undefined;
    throw error;
  }
}

/** The key of the object with its namespace as text; '' for cluster-scoped ones. */
export function namespaceOf(key: ObjectKey): string {
  return key.namespace ?? '';
}
