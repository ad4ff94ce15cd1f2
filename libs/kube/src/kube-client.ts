import type { KubeObject, ObjectKey, Resource } from '@sluice/model';
import { apiVersionOf, keyOf } from '@sluice/model';
import type {
  DeleteOptions,
  KubeApi,
  ListOptions,
  ListResult,
  LogOptions,
  Patch,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from '@sluice/reconcile';
import type { HttpHandler } from '@sluice/runtime';
import { type ApiRequest, Requester, type RequesterOptions } from './requester.ts';
import { collectionPath, objectPath, queryText } from './resource-path.ts';
import { isMissingObject } from './status-error.ts';
import { toChunks, untilAborted } from './stream.ts';
import { watchEvents } from './watch-events.ts';

export type KubeApiOptions = {
  /** Takes requests to the API server: `httpTransport(…)`, or the handler of a server in this process. */
  readonly transport: HttpHandler;
  /** Owner of the fields of creates, replaces and patches that name none. Default `sluice`. */
  readonly fieldManager?: string;
  /** Time limit of a request that is not a stream, and of the headers of one that is. Default 30 s. */
  readonly timeoutMs?: number;
} & Pick<RequesterOptions, 'rateLimit' | 'metrics' | 'tracer' | 'host'>;

const patchTypes: Readonly<Record<Patch['type'], string>> = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
};

const plainAccept = 'application/json';
const metadataAccept = {
  object: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
  list: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
} as const;

/** The Kubernetes API over a transport. */
export function createKubeApi(options: KubeApiOptions): KubeApi {
  return new RestKubeApi(options);
}

class RestKubeApi implements KubeApi {
  readonly #requester: Requester;
  readonly #fieldManager: string;

  constructor(options: KubeApiOptions) {
    this.#requester = new Requester({ ...options, timeoutMs: options.timeoutMs ?? 30_000 });
    this.#fieldManager = options.fieldManager ?? 'sluice';
  }

  async get<T extends KubeObject>(resource: Resource, key: ObjectKey, signal?: AbortSignal): Promise<T | undefined> {
    try {
      return await this.#object<T>({ method: 'GET', path: objectPath(resource, key), signal });
    } catch (error) {
      if (isMissingObject(error)) return undefined;
      throw error;
    }
  }

  async list<T extends KubeObject>(resource: Resource, options: ListOptions = {}): Promise<ListResult<T>> {
    const { namespace, labelSelector, fieldSelector, limit, resourceVersion, signal } = options;
    const query = { labelSelector, fieldSelector, limit, continue: options.continue, resourceVersion };
    const path = collectionPath(resource, namespace) + queryText(query);
    const accept = options.metadataOnly ? metadataAccept.list : plainAccept;
    const list = (await this.#requester.json({ method: 'GET', path, accept, signal })) as {
      readonly items?: readonly T[] | null;
      readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
    };
    // Items of a list carry neither apiVersion nor kind at the real server: one shape for all, as watches send it.
    const typed = { apiVersion: apiVersionOf(resource), kind: resource.kind };
    const items = (list.items ?? []).map((item) => (item.kind && !options.metadataOnly ? item : { ...item, ...typed }));
    const token = list.metadata?.continue;
    return { items, resourceVersion: list.metadata?.resourceVersion ?? '', ...(token && { continue: token }) };
  }

  watch<T extends KubeObject>(resource: Resource, options: WatchOptions): AsyncIterable<WatchEvent<T>> {
    const { namespace, labelSelector, fieldSelector, resourceVersion, sendInitialEvents, timeoutSeconds } = options;
    const query = {
      watch: true,
      allowWatchBookmarks: true,
      labelSelector,
      fieldSelector,
      resourceVersion,
      timeoutSeconds,
      ...(sendInitialEvents && { sendInitialEvents, resourceVersionMatch: 'NotOlderThan' }),
    };
    const path = collectionPath(resource, namespace) + queryText(query);
    const accept = options.metadataOnly ? metadataAccept.object : plainAccept;
    const events = watchEvents<T>(this.#chunks(path, options.signal, accept), `watch of ${resource.plural}`);
    return options.metadataOnly ? retyped(events, resource) : events;
  }

  async create<T extends KubeObject>(resource: Resource, object: T, options: WriteOptions = {}): Promise<T> {
    const { subresource, signal, fence } = options;
    const { namespace } = object.metadata;
    if (resource.namespaced && !namespace) throw new Error(`create ${resource.kind}: a namespace is needed`);
    const path = subresource ? objectPath(resource, keyOf(object), subresource) : collectionPath(resource, namespace);
    return this.#object<T>({ method: 'POST', path: path + this.#writeQuery(options), body: object, signal, fence });
  }

  async replace<T extends KubeObject>(resource: Resource, object: T, options: WriteOptions = {}): Promise<T> {
    const path = objectPath(resource, keyOf(object), options.subresource) + this.#writeQuery(options);
    const { signal, fence } = options;
    return this.#object<T>({ method: 'PUT', path, body: object, signal, fence });
  }

  async apply<T extends KubeObject>(
    resource: Resource,
    object: KubeObject,
    options: WriteOptions & { readonly fieldManager: string },
  ): Promise<T> {
    const { managedFields: _, ...metadata } = object.metadata;
    const query = this.#writeQuery(options, { force: true });
    return this.#object<T>({
      method: 'PATCH',
      path: objectPath(resource, keyOf(object), options.subresource) + query,
      contentType: 'application/apply-patch+yaml',
      body: { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind, metadata },
      signal: options.signal,
      fence: options.fence,
    });
  }

  async patch<T extends KubeObject>(
    resource: Resource,
    key: ObjectKey,
    patch: Patch,
    options: WriteOptions = {},
  ): Promise<T> {
    return this.#object<T>({
      method: 'PATCH',
      path: objectPath(resource, key, options.subresource) + this.#writeQuery(options),
      contentType: patchTypes[patch.type],
      body: patch.body,
      signal: options.signal,
      fence: options.fence,
    });
  }

  async delete(resource: Resource, key: ObjectKey, options: DeleteOptions = {}): Promise<void> {
    const { propagationPolicy, gracePeriodSeconds, uid, resourceVersion, signal, fence } = options;
    const preconditions = { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) };
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      ...(propagationPolicy && { propagationPolicy }),
      ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
      ...((uid || resourceVersion) && { preconditions }),
    };
    try {
      await this.#requester.json({ method: 'DELETE', path: objectPath(resource, key), body, signal, fence });
    } catch (error) {
      if (!isMissingObject(error)) throw error;
    }
  }

  async *logs(pod: ObjectKey, options: LogOptions = {}): AsyncGenerator<Uint8Array> {
    const { signal = new AbortController().signal, ...query } = options;
    const resource: Resource = { group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true };
    yield* this.#chunks(objectPath(resource, pod, 'log') + queryText(query), signal);
  }

  /** Chunks of a streamed answer. The request ends with the signal, or when the consumer stops reading. */
  async *#chunks(path: string, signal: AbortSignal, accept = '*/*'): AsyncGenerator<Uint8Array> {
    const cut = new AbortController();
    const both = cut.signal;
    const stop = (): void => cut.abort(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    try {
      const response = await this.#requester.stream({ method: 'GET', path, accept }, both);
      yield* untilAborted(toChunks(response.body), both);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      signal.removeEventListener('abort', stop);
      cut.abort();
    }
  }

  async #object<T extends KubeObject>(request: ApiRequest): Promise<T> {
    return (await this.#requester.json(request)) as T;
  }

  #writeQuery(options: WriteOptions, more: Readonly<Record<string, boolean>> = {}): string {
    const { fieldManager = this.#fieldManager, dryRun } = options;
    return queryText({ fieldManager, ...(dryRun && { dryRun: 'All' }), ...more });
  }
}

/** Events of objects whose kind the server gives as PartialObjectMetadata. */
async function* retyped<T extends KubeObject>(
  events: AsyncIterable<WatchEvent<T>>,
  resource: Resource,
): AsyncGenerator<WatchEvent<T>> {
  const typed = { apiVersion: apiVersionOf(resource), kind: resource.kind };
  for await (const event of events) {
    yield event.type === 'BOOKMARK' ? event : { ...event, object: { ...event.object, ...typed } };
  }
}
