import type { KubeObject, OwnerReference } from '@sluice/model';

/** What is known about the owner that a reference names. */
export type OwnerState = 'present' | 'absent' | 'waiting' | 'unknown';

/** What is to be done with an object because of its owners. */
export type OwnershipDecision =
  | { readonly action: 'keep' }
  | { readonly action: 'delete'; readonly propagation: 'Background' | 'Foreground' }
  | { readonly action: 'disown'; readonly ownerReferences: readonly OwnerReference[] };

/** The finalizer of an object that stays until its dependents have gone. */
export const foregroundFinalizer = 'foregroundDeletion';
/** The finalizer of an object whose dependents shall be left without it. */
export const orphanFinalizer = 'orphan';

/**
 * An object goes when none of its owners is left. `waiting` owners are being deleted in the foreground: they wait for the
 * object. While one owner is left, references to those that are gone are dropped. Pure.
 */
export function decideOwnership(
  object: KubeObject,
  stateOf: (reference: OwnerReference) => OwnerState,
  hasDependents: boolean,
): OwnershipDecision {
  const references = object.metadata.ownerReferences ?? [];
  if (references.length === 0 || object.metadata.deletionTimestamp) return { action: 'keep' };
  const states = references.map((reference) => ({ reference, state: stateOf(reference) }));
  if (states.some(({ state }) => state === 'unknown')) return { action: 'keep' };
  const solid = states.filter(({ state }) => state === 'present').map(({ reference }) => reference);
  if (solid.length === references.length) return { action: 'keep' };
  if (solid.length > 0) return { action: 'disown', ownerReferences: solid };
  const waiting = states.some(({ state }) => state === 'waiting');
  return { action: 'delete', propagation: waiting && hasDependents ? 'Foreground' : 'Background' };
}

/** True for an object that is being deleted and waits for its dependents. */
export function isWaitingForDependents({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).includes(foregroundFinalizer);
}

/** True for an object that is being deleted and leaves its dependents behind. */
export function isOrphaning({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).includes(orphanFinalizer);
}

/** True when the dependent holds up the deletion of the owner. */
export function blocksOwner(dependent: KubeObject, ownerUid: string): boolean {
  return (dependent.metadata.ownerReferences ?? []).some(
    ({ uid, blockOwnerDeletion }) => uid === ownerUid && blockOwnerDeletion === true,
  );
}
