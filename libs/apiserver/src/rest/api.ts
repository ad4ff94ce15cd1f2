import type { KubeObject } from '@sluice/model';
import type { HttpRequest, Log } from '@sluice/runtime';
import type { ResourceQuotas } from '../admission/resource-quota.ts';
import type { Representation } from '../http/accept.ts';
import type { ResourcePath } from '../http/request-path.ts';
import type { KindInfo } from '../kinds/kind.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import type { KindRegistry } from '../registry/kind-registry.ts';
import type { Admission } from '../webhooks/admission.ts';
import type { Conversions } from '../webhooks/conversions.ts';
import type { OpenWatches } from './open-watches.ts';

/** Who asks. */
export type User = {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
};

/** What is special about one kind. Everything here is synchronous and runs while the object is locked. */
export type Strategy = {
  /** After defaulting: what the server fills in. */
  readonly prepareCreate?: (object: KubeObject) => KubeObject;
  /** After defaulting: what the server carries over or recomputes. */
  readonly prepareUpdate?: (object: KubeObject, old: KubeObject) => KubeObject;
  /** A prepared object was not stored: give back what it reserved. */
  readonly abandon?: (object: KubeObject) => void;
  /** Why the object may not be deleted at all. */
  readonly refuseDelete?: (object: KubeObject) => string | undefined;
  /** Seconds that the object lives on after a deletion that asks for `asked`; 0 for at once. */
  readonly graceSeconds?: (object: KubeObject, asked: number | undefined) => number;
  /** The object when its deletion begins. */
  readonly markDeleted?: (object: KubeObject) => KubeObject;
  /** Something besides metadata.finalizers that keeps a deleted object. */
  readonly isHeld?: (object: KubeObject) => boolean;
};

/** Everything that a request is answered with. */
export type Api = {
  readonly objects: ObjectStore;
  readonly registry: KindRegistry;
  readonly strategyOf: (kind: KindInfo) => Strategy;
  readonly watches: OpenWatches;
  readonly admission: Admission;
  readonly conversions: Conversions;
  readonly quotas: ResourceQuotas;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly newId: () => string;
  /** Refuses, by throwing, an object that is about to be stored for the one who asks. */
  readonly checkStored?: (kind: KindInfo, object: KubeObject) => void;
};

/** A request for a resource, taken apart. */
export type ResourceRequest = {
  readonly http: HttpRequest;
  readonly path: ResourcePath;
  readonly query: URLSearchParams;
  readonly kind: KindInfo;
  readonly user: User;
  readonly representation: Representation;
};

/** RFC 3339 without fractions, as metav1.Time. */
export function timeText(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}
