import type { KubeObject, ObjectKey, Resource } from '@sluice/model';
import { keyOf } from '@sluice/model';
import {
  controllerOf,
  isControlledBy,
  isKubeError,
  type KubeApi,
  type Informer,
  type LabelSelector,
  matchesLabelSelector,
  ownerReferenceTo,
} from '@sluice/reconcile';

export type ChildClaims<T extends KubeObject> = {
  /** Children that are the parent's now. */
  readonly owned: readonly T[];
  /** Objects without a controller that the parent takes. */
  readonly adopt: readonly T[];
  /** Children that the selector does not select any more. */
  readonly release: readonly T[];
};

/** Which of the candidates are, become and cease to be children of the parent. Pure. A parent in deletion takes none. */
export function decideClaims<T extends KubeObject>(
  parent: KubeObject,
  selector: LabelSelector | undefined,
  candidates: readonly T[],
): ChildClaims<T> {
  const owned: T[] = [];
  const adopt: T[] = [];
  const release: T[] = [];
  for (const child of candidates) {
    const matches = matchesLabelSelector(selector, child.metadata.labels);
    if (isControlledBy(child, parent)) (matches ? owned : release).push(child);
    else if (
      matches &&
      !controllerOf(child) &&
      !parent.metadata.deletionTimestamp &&
      !child.metadata.deletionTimestamp
    ) {
      adopt.push(child);
    }
  }
  return { owned, adopt, release };
}

/** Carry the claims out. Returns all children that the parent has then, adopted ones as the server answered. */
export async function claimChildren<T extends KubeObject>(
  kube: KubeApi,
  resource: Resource,
  parent: KubeObject,
  claims: ChildClaims<T>,
): Promise<readonly T[]> {
  const adopted: T[] = [];
  for (const child of claims.adopt) {
    const references = [...(child.metadata.ownerReferences ?? []), ownerReferenceTo(parent)];
    const after = await setOwners<T>(kube, resource, child, references);
    if (after) adopted.push(after);
  }
  for (const child of claims.release) {
    const others = (child.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== parent.metadata.uid);
    await setOwners(kube, resource, child, others);
  }
  return [...claims.owned, ...adopted];
}

async function setOwners<T extends KubeObject>(
  kube: KubeApi,
  resource: Resource,
  child: T,
  ownerReferences: readonly object[],
): Promise<T | undefined> {
  const { uid, resourceVersion } = child.metadata;
  const key: ObjectKey = keyOf(child);
  const body = { metadata: { uid, resourceVersion, ownerReferences } };
  try {
    return await kube.patch<T>(resource, key, { type: 'merge', body });
  } catch (error) {
    if (isKubeError(error, 'NotFound')) return undefined;
    throw error;
  }
}

/**
 * For the watch of a child kind: the controller of a child, or, for an orphan, every parent that would adopt it.
 */
export function ownerOrSelectorKeys<T extends KubeObject<{ readonly selector?: LabelSelector }>>(
  parents: Informer<T>,
  ownerKeysOf: (object: KubeObject) => readonly ObjectKey[],
): (object: KubeObject) => readonly ObjectKey[] {
  return (child) => {
    if (controllerOf(child)) return ownerKeysOf(child);
    const candidates = parents.list(child.metadata.namespace ?? '');
    return candidates.filter(({ spec }) => matchesLabelSelector(spec?.selector, child.metadata.labels)).map(keyOf);
  };
}
