import type { KubeObject, ObjectKey, Resource } from '@sluice/model';

/** A watch event. `BOOKMARK` carries only a resourceVersion; `initialEventsEnd` marks the end of initial events. */
export type WatchEvent<T extends KubeObject = KubeObject> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string; readonly initialEventsEnd: boolean };

export type ListOptions = {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  /** Objects come without spec and status. */
  readonly metadataOnly?: boolean;
  readonly signal?: AbortSignal;
};

export type WatchOptions = {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Start after this version; absent with `sendInitialEvents`. */
  readonly resourceVersion?: string;
  /** Send what exists as ADDED, then a BOOKMARK with `initialEventsEnd`, then changes. */
  readonly sendInitialEvents?: boolean;
  /** Ask the server to end the stream after this time. */
  readonly timeoutSeconds?: number;
  /** Objects come without spec and status. */
  readonly metadataOnly?: boolean;
  readonly signal: AbortSignal;
};

export type ListResult<T extends KubeObject> = {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  readonly continue?: string;
};

/** Asked before every attempt of a write, the first and each repetition; throws to have nothing sent. */
export type Fence = () => void;

export type WriteOptions = {
  readonly fieldManager?: string;
  readonly subresource?: string;
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
  readonly fence?: Fence;
};

export type Patch =
  | { readonly type: 'merge'; readonly body: unknown }
  | { readonly type: 'strategic'; readonly body: unknown }
  | { readonly type: 'json'; readonly body: readonly JsonPatchOperation[] };

export type JsonPatchOperation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string }
  | { readonly op: 'move' | 'copy'; readonly path: string; readonly from: string };

export type DeleteOptions = {
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly gracePeriodSeconds?: number;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly signal?: AbortSignal;
  readonly fence?: Fence;
};

export type LogOptions = {
  readonly container?: string;
  readonly follow?: boolean;
  readonly tailLines?: number;
  readonly sinceSeconds?: number;
  readonly timestamps?: boolean;
  readonly limitBytes?: number;
  readonly previous?: boolean;
  readonly signal?: AbortSignal;
};

/**
 * The Kubernetes API as our controllers use it. Everything except `get` and `delete` of a missing object throws
 * {@link KubeApiError} for an answer that is not 2xx, and an Error for a lost connection. Objects are plain JSON.
 */
export type KubeApi = {
  /** undefined when there is none. */
  get<T extends KubeObject>(resource: Resource, key: ObjectKey, signal?: AbortSignal): Promise<T | undefined>;
  list<T extends KubeObject>(resource: Resource, options?: ListOptions): Promise<ListResult<T>>;
  /** Ends when the server closes the stream or `signal` fires; throws KubeApiError code 410 when the version is gone. */
  watch<T extends KubeObject>(resource: Resource, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  create<T extends KubeObject>(resource: Resource, object: T, options?: WriteOptions): Promise<T>;
  /** Whole-object replace, guarded by `metadata.resourceVersion`. Prefer `apply` and `patch`. */
  replace<T extends KubeObject>(resource: Resource, object: T, options?: WriteOptions): Promise<T>;
  /** Server-side apply; conflicts are forced. `fieldManager` says who owns what is in `object`. */
  apply<T extends KubeObject>(
    resource: Resource,
    object: KubeObject,
    options: WriteOptions & { readonly fieldManager: string },
  ): Promise<T>;
  patch<T extends KubeObject>(resource: Resource, key: ObjectKey, patch: Patch, options?: WriteOptions): Promise<T>;
  /** A missing object counts as deleted. */
  delete(resource: Resource, key: ObjectKey, options?: DeleteOptions): Promise<void>;
  /** Log of a container, in chunks as they come. */
  logs(pod: ObjectKey, options?: LogOptions): AsyncIterable<Uint8Array>;
};

/** An answer of the API server that is not 2xx. `reason` as in metav1.Status: NotFound, AlreadyExists, Conflict ... */
export class KubeApiError extends Error {
  override readonly name = 'KubeApiError';
  readonly code: number;
  readonly reason: string;
  /** The whole Status object as sent. */
  readonly status: unknown;
  /** From the Retry-After header, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  constructor(code: number, reason: string, message: string, status?: unknown, retryAfterMs?: number) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/** True for an answer with this reason. */
export function isKubeError(error: unknown, ...reasons: readonly string[]): error is KubeApiError {
  return error instanceof KubeApiError && reasons.includes(error.reason);
}
