import type { KubeObject, ObjectKey, Resource } from '@sluice/model';
import type { EventRecorder, Informer, KubeApi, OperatorController, Reconcile, WatchSource } from '@sluice/reconcile';
import type { AccessRule } from './access.ts';

/** What a controller is given. Every write is fenced: refused once the lease is lost. */
export type ControllerPorts = {
  readonly kube: KubeApi;
  /** The cache of a kind that the controller declared. Throws for one that it did not. */
  readonly cache: <T extends KubeObject = KubeObject>(resource: Resource) => Informer<T>;
  readonly events: EventRecorder;
  /** Milliseconds since 1970. */
  readonly now: () => number;
};

export type ControllerSettings = Pick<
  OperatorController,
  'concurrency' | 'timeoutMs' | 'resyncMs' | 'baseBackoffMs' | 'maxBackoffMs'
>;

/** A controller and everything that it touches. Made by `defineController`, `defineComposite` and `definePlan`. */
export type ControllerDefinition = {
  readonly name: string;
  readonly settings: ControllerSettings;
  readonly watches: readonly WatchSource[];
  readonly access: readonly AccessRule[];
  readonly start: (ports: ControllerPorts) => Reconcile;
};

/** Settings of an options object; the rest is dropped. */
export function settingsOf(options: ControllerSettings): ControllerSettings {
  const { concurrency, timeoutMs, resyncMs, baseBackoffMs, maxBackoffMs } = options;
  return {
    ...(concurrency !== undefined && { concurrency }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(resyncMs !== undefined && { resyncMs }),
    ...(baseBackoffMs !== undefined && { baseBackoffMs }),
    ...(maxBackoffMs !== undefined && { maxBackoffMs }),
  };
}

/**
 * A cache of a kind that is read besides the parent. `concerns` says whether a change of one of its objects is a reason to look at
 * a parent again.
 */
export type Related<Parent extends KubeObject> = {
  readonly resource: Resource;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly concerns: (parent: Parent, object: KubeObject) => boolean;
};

/** Watches of related kinds. `parents` answers once the controller has been started. */
export function watchesOfRelated<Parent extends KubeObject>(
  related: readonly Related<Parent>[],
  parents: () => readonly Parent[],
): readonly WatchSource[] {
  return related.map(({ concerns, ...source }) => ({
    ...source,
    keysOf: (object: KubeObject): readonly ObjectKey[] =>
      parents()
        .filter((parent) => concerns(parent, object))
        .map(({ metadata: { namespace, name } }) => (namespace ? { namespace, name } : { name })),
  }));
}
