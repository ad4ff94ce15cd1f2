import type { KubeObject, ObjectKey, Resource } from '@sluice/model';

/** What a reconciler returns: when to look again, or nothing. */
export type ReconcileResult = { readonly requeueAfterMs?: number };

/** Works from the present state of the object named by the key. Throws to be retried with backoff. */
export type Reconcile = (key: ObjectKey, signal: AbortSignal) => Promise<ReconcileResult>;

/** A kind to watch, and which keys of the controller a change of such an object concerns. */
export type WatchSource = {
  readonly resource: Resource;
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Objects without spec and status. */
  readonly metadataOnly?: boolean;
  /** Default: the object's own key. `ownerKeys(kind)` maps to controller owners. */
  readonly keysOf?: (object: KubeObject) => readonly ObjectKey[];
};
