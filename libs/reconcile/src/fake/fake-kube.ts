import type { KubeObject, ObjectKey, Resource } from '@sluice/model';
import { apiVersionOf, keyOf, keyText } from '@sluice/model';
import type {
  DeleteOptions,
  Fence,
  KubeApi,
  ListOptions,
  ListResult,
  LogOptions,
  Patch,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from '../kube-api.ts';
import { KubeApiError } from '../kube-api.ts';
import { deepFreeze } from '../object-cache.ts';
import { jsonPatch, mergePatch } from './merge.ts';
import { matcherOf } from './matcher.ts';
import { WatchStream } from './watch-stream.ts';

/** What the fake was asked to do. */
export type FakeRequest = {
  readonly verb: 'get' | 'list' | 'watch' | 'create' | 'replace' | 'apply' | 'patch' | 'delete' | 'logs';
  readonly resource: string;
  readonly subresource: string | undefined;
  readonly key: string;
};

type Failure = {
  readonly verb?: FakeRequest['verb'];
  readonly resource?: Resource;
  readonly subresource?: string;
  readonly key?: string;
  /** Which matching call fails, from 1. Default 1. */
  readonly nth?: number;
  /** How many calls fail from then on. Default 1. */
  readonly times?: number;
  readonly error: Error;
};

type Tree = Record<string, unknown>;
type Stored = KubeObject & Tree;
type Change = {
  readonly version: number;
  readonly before: KubeObject | undefined;
  readonly after: KubeObject | undefined;
};

/** Kinds without a status subresource: their status is written with the object. */
const withoutStatus = new Set(['argoproj.io', '']);
const coreWithStatus = new Set([
  'pods',
  'services',
  'nodes',
  'namespaces',
  'persistentvolumes',
  'persistentvolumeclaims',
]);

/**
 * An in-memory API server for unit tests: storage, versions, watches, selectors, finalizers, generations, subresources
 * `status`, `binding`, `eviction` and `finalize`. Apply and strategic patch merge maps and replace lists. No validation, no
 * defaulting, no garbage collection, no graceful pod deletion. Objects are frozen. Calls can be made to fail.
 */
export class FakeKube implements KubeApi {
  /** Every call so far. */
  readonly requests: FakeRequest[] = [];
  readonly #now: () => number;
  readonly #objects = new Map<string, Map<string, KubeObject>>();
  readonly #changes = new Map<string, Change[]>();
  readonly #watches = new Map<string, Set<WatchStream>>();
  readonly #failures: { readonly failure: Failure; seen: number }[] = [];
  readonly #logs = new Map<string, string>();
  #version = 1;
  #serial = 0;
  #oldest = 0;

  constructor(options: { readonly now?: () => number } = {}) {
    this.#now = options.now ?? Date.now;
  }

  // --- for tests ---------------------------------------------------------------------------------------------------

  /** Calls of a verb, of one resource and subresource if given. */
  count(verb: FakeRequest['verb'], resource?: Resource, subresource?: string): number {
    return this.requests.filter(
      (request) =>
        request.verb === verb &&
        (!resource || request.resource === resource.plural) &&
        (subresource === undefined || request.subresource === subresource),
    ).length;
  }

  /** Number of calls that change something. */
  writes(): number {
    return this.requests.filter(({ verb }) => !['get', 'list', 'watch', 'logs'].includes(verb)).length;
  }

  /** Make the n-th matching call from now fail. */
  fail(failure: Failure): void {
    this.#failures.push({ failure, seen: 0 });
  }

  /** Store objects as they are, status included, as if they had always been there. Returns the first as stored. */
  put<T extends KubeObject>(resource: Resource, ...objects: readonly T[]): T {
    const stored = objects.map((object) => {
      const before = this.#find(resource, keyOf(object));
      const uid = object.metadata.uid ?? before?.metadata.uid ?? this.#newUid();
      const metadata = { generation: 1, creationTimestamp: this.#time(), ...object.metadata, uid };
      return this.#commit(resource, before, { ...object, metadata });
    });
    return stored[0] as T;
  }

  /** All objects of a kind, without counting as a request. */
  objects<T extends KubeObject>(resource: Resource, namespace?: string): readonly T[] {
    const all = [...(this.#objects.get(tableOf(resource))?.values() ?? [])] as T[];
    return namespace === undefined ? all : all.filter((object) => object.metadata.namespace === namespace);
  }

  /** One object, without counting as a request. Throws when there is none. */
  object<T extends KubeObject>(resource: Resource, key: ObjectKey): T {
    const found = this.#find(resource, key);
    if (!found) throw new Error(`no ${resource.kind} ${keyText(key)}`);
    return found as T;
  }

  /** Close all watches, as a server does, or with an error. */
  dropWatches(error?: Error): void {
    for (const streams of this.#watches.values()) for (const stream of streams) stream.end(error);
  }

  /** Keep the events of all open watches of a kind back: caches grow stale. Returns how to let them go. */
  holdWatches(resource: Resource): () => void {
    const streams = [...(this.#watches.get(tableOf(resource)) ?? [])];
    for (const stream of streams) stream.hold(true);
    return () => {
      for (const stream of streams) stream.hold(false);
    };
  }

  /** Forget all changes so far: watches that start before now get 410. */
  expireHistory(): void {
    this.#changes.clear();
    this.#oldest = this.#version;
  }

  /** Open watches of a kind. */
  openWatches(resource: Resource): number {
    return this.#watches.get(tableOf(resource))?.size ?? 0;
  }

  /** What `logs` answers for a container of a pod. */
  setLogs(pod: ObjectKey, text: string, container = ''): void {
    this.#logs.set(`${keyText(pod)}/${container}`, text);
  }

  // --- KubeApi -----------------------------------------------------------------------------------------------------

  async get<T extends KubeObject>(resource: Resource, key: ObjectKey): Promise<T | undefined> {
    await this.#enter({ verb: 'get', resource: resource.plural, subresource: undefined, key: keyText(key) });
    return this.#find(resource, key) as T | undefined;
  }

  async list<T extends KubeObject>(resource: Resource, options: ListOptions = {}): Promise<ListResult<T>> {
    options.signal?.throwIfAborted();
    const key = options.namespace ?? '';
    await this.#enter({ verb: 'list', resource: resource.plural, subresource: undefined, key });
    const matches = matcherOf(options);
    const all = this.objects<T>(resource).filter(matches);
    all.sort((a, b) => (keyText(keyOf(a)) < keyText(keyOf(b)) ? -1 : 1));
    const from = options.continue ? Number(options.continue.split('@')[0]) : 0;
    const version = options.continue ? (options.continue.split('@')[1] ?? '') : String(this.#version);
    if (options.continue && Number(version) < this.#oldest) throw expired();
    const items = options.limit ? all.slice(from, from + options.limit) : all.slice(from);
    const end = from + items.length;
    const more = end < all.length ? { continue: `${end}@${version}` } : {};
    return { items, resourceVersion: version, ...more };
  }

  async *watch<T extends KubeObject>(resource: Resource, options: WatchOptions): AsyncGenerator<WatchEvent<T>> {
    const key = options.namespace ?? '';
    await this.#enter({ verb: 'watch', resource: resource.plural, subresource: undefined, key });
    if (options.signal.aborted) return;
    const table = tableOf(resource);
    const stream = new WatchStream(matcherOf(options));
    const streams = this.#watches.get(table) ?? new Set();
    this.#watches.set(table, streams.add(stream));
    const stop = (): void => stream.end();
    options.signal.addEventListener('abort', stop, { once: true });
    try {
      this.#replay(resource, options, stream);
      for await (const event of stream.events()) {
        if (options.signal.aborted) return;
        yield event as WatchEvent<T>;
      }
    } finally {
      options.signal.removeEventListener('abort', stop);
      streams.delete(stream);
    }
  }

  async create<T extends KubeObject>(resource: Resource, object: T, options: WriteOptions = {}): Promise<T> {
    const { subresource } = options;
    const name = object.metadata.name || `${object.metadata.generateName ?? ''}${this.#suffix()}`;
    const key = keyOf({ metadata: { ...object.metadata, name } });
    await this.#enter({ verb: 'create', resource: resource.plural, subresource, key: keyText(key) }, options.fence);
    if (subresource) return this.#createSub(resource, key, object, subresource) as T;
    if (resource.namespaced && !key.namespace) throw new KubeApiError(400, 'BadRequest', 'a namespace is needed');
    if (this.#find(resource, key)) {
      throw new KubeApiError(409, 'AlreadyExists', `${resource.plural} "${key.name}" already exists`);
    }
    return this.#store(resource, name, object, options.dryRun) as T;
  }

  async replace<T extends KubeObject>(resource: Resource, object: T, options: WriteOptions = {}): Promise<T> {
    const { subresource } = options;
    const key = keyOf(object);
    await this.#enter({ verb: 'replace', resource: resource.plural, subresource, key: keyText(key) }, options.fence);
    const before = this.#mustFind(resource, key);
    const { resourceVersion } = object.metadata;
    if (resourceVersion && resourceVersion !== before.metadata.resourceVersion) throw conflict(key);
    return this.#change(resource, before, object, options) as T;
  }

  async apply<T extends KubeObject>(resource: Resource, object: KubeObject, options: WriteOptions): Promise<T> {
    const { subresource } = options;
    const key = keyOf(object);
    await this.#enter({ verb: 'apply', resource: resource.plural, subresource, key: keyText(key) }, options.fence);
    const before = this.#find(resource, key);
    if (!before && subresource) this.#mustFind(resource, key);
    if (!before) return this.#store(resource, key.name, object, options.dryRun) as T;
    const { uid, resourceVersion } = object.metadata;
    if (uid && uid !== before.metadata.uid) throw conflict(key);
    if (resourceVersion && resourceVersion !== before.metadata.resourceVersion) throw conflict(key);
    return this.#change(resource, before, mergePatch(before, object) as KubeObject, options) as T;
  }

  async patch<T extends KubeObject>(
    resource: Resource,
    key: ObjectKey,
    patch: Patch,
    options: WriteOptions = {},
  ): Promise<T> {
    const { subresource } = options;
    await this.#enter({ verb: 'patch', resource: resource.plural, subresource, key: keyText(key) }, options.fence);
    const before = this.#mustFind(resource, key);
    const after = patch.type === 'json' ? jsonPatch(before, patch.body) : mergePatch(before, patch.body);
    const changed = after as KubeObject;
    const { uid, resourceVersion } = changed.metadata;
    if (uid !== before.metadata.uid || resourceVersion !== before.metadata.resourceVersion) throw conflict(key);
    return this.#change(resource, before, changed, options) as T;
  }

  async delete(resource: Resource, key: ObjectKey, options: DeleteOptions = {}): Promise<void> {
    await this.#enter(
      { verb: 'delete', resource: resource.plural, subresource: undefined, key: keyText(key) },
      options.fence,
    );
    const before = this.#find(resource, key);
    if (!before) return;
    const { uid, resourceVersion } = before.metadata;
    if (options.uid && options.uid !== uid) throw conflict(key);
    if (options.resourceVersion && options.resourceVersion !== resourceVersion) throw conflict(key);
    const finalizers = new Set(before.metadata.finalizers);
    if (options.propagationPolicy === 'Foreground') finalizers.add('foregroundDeletion');
    if (options.propagationPolicy === 'Orphan') finalizers.add('orphan');
    if (finalizers.size === 0 && !hasNamespaceFinalizer(before)) return void this.#commit(resource, before, undefined);
    if (before.metadata.deletionTimestamp) return;
    const metadata = { ...before.metadata, deletionTimestamp: this.#time(), finalizers: [...finalizers] };
    const status = resource.kind === 'Namespace' ? { status: { phase: 'Terminating' } } : {};
    this.#commit(resource, before, { ...before, metadata, ...status });
  }

  async *logs(pod: ObjectKey, options: LogOptions = {}): AsyncGenerator<Uint8Array> {
    await this.#enter({ verb: 'logs', resource: 'pods', subresource: 'log', key: keyText(pod) });
    const text =
      this.#logs.get(`${keyText(pod)}/${options.container ?? ''}`) ?? this.#logs.get(`${keyText(pod)}/`) ?? '';
    const lines = text.split(/(?<=\n)/);
    const tail = options.tailLines === undefined ? lines : lines.slice(Math.max(0, lines.length - options.tailLines));
    if (tail.length > 0) yield new TextEncoder().encode(tail.join(''));
  }

  // --- storage -----------------------------------------------------------------------------------------------------

  async #enter(request: FakeRequest, fence?: Fence): Promise<void> {
    fence?.();
    this.requests.push(request);
    // As over a network: never in the same turn.
    await Promise.resolve();
    for (const entry of this.#failures) {
      const { verb, resource, subresource, key, nth = 1, times = 1, error } = entry.failure;
      if (verb && verb !== request.verb) continue;
      if (resource && resource.plural !== request.resource) continue;
      if (subresource !== undefined && subresource !== request.subresource) continue;
      if (key !== undefined && key !== request.key) continue;
      entry.seen++;
      if (entry.seen >= nth && entry.seen < nth + times) throw error;
    }
  }

  #createSub(resource: Resource, key: ObjectKey, object: KubeObject, subresource: string): KubeObject {
    const before = this.#mustFind(resource, key);
    if (subresource === 'eviction') {
      this.#commit(resource, before, undefined);
      return object;
    }
    if (subresource !== 'binding') throw new KubeApiError(404, 'NotFound', `no subresource ${subresource} in the fake`);
    const target = (object as Stored)['target'] as { name: string };
    const spec = { ...(before.spec as Tree), nodeName: target.name };
    this.#commit(resource, before, { ...before, spec });
    return object;
  }

  #store(resource: Resource, name: string, object: KubeObject, dryRun = false): KubeObject {
    const { status, ...rest } = object as Stored;
    const keepStatus = status !== undefined && !hasStatus(resource);
    const { resourceVersion: _, ...given } = object.metadata;
    const metadata = { ...given, name, uid: this.#newUid(), generation: 1, creationTimestamp: this.#time() };
    const namespace =
      resource.kind === 'Namespace' ? { spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } } : {};
    const typed = { ...rest, apiVersion: apiVersionOf(resource), kind: resource.kind };
    const made = { ...typed, ...namespace, metadata, ...(keepStatus && { status }) };
    return dryRun ? deepFreeze(made) : this.#commit(resource, undefined, structuredClone(made));
  }

  #change(resource: Resource, before: KubeObject, after: KubeObject, options: WriteOptions): KubeObject {
    const { uid, creationTimestamp, deletionTimestamp, generation = 1, resourceVersion } = before.metadata;
    const kept = { uid, creationTimestamp, ...(deletionTimestamp && { deletionTimestamp }), resourceVersion };
    const metadata = { ...after.metadata, ...kept, generation } as KubeObject['metadata'];
    const { subresource } = options;
    let next = { ...after, metadata } as Stored;
    if (subresource === 'status') {
      next = { ...(before as Stored), metadata: { ...before.metadata, ...labelsOf(after) }, status: after.status };
    } else if (hasStatus(resource) && subresource !== 'finalize') next = { ...next, status: before.status };
    if (next.status === undefined) delete (next as Tree)['status'];
    if (!sameExceptMetadata(before, next)) next = { ...next, metadata: { ...metadata, generation: generation + 1 } };
    if (sameJson(before, next)) return before;
    if (options.dryRun) return deepFreeze(next);
    const finished = deletionTimestamp && !next.metadata.finalizers?.length && !hasNamespaceFinalizer(next);
    return this.#commit(resource, before, finished ? undefined : structuredClone(next)) ?? next;
  }

  #commit(resource: Resource, before: KubeObject | undefined, after: KubeObject): KubeObject;
  #commit(resource: Resource, before: KubeObject | undefined, after: KubeObject | undefined): KubeObject | undefined;
  #commit(resource: Resource, before: KubeObject | undefined, after: KubeObject | undefined): KubeObject | undefined {
    const version = ++this.#version;
    const table = tableOf(resource);
    const objects = this.#objects.get(table) ?? new Map<string, KubeObject>();
    this.#objects.set(table, objects);
    const metadata = { ...(after ?? before)?.metadata, resourceVersion: String(version) } as KubeObject['metadata'];
    const next = after && deepFreeze({ ...after, metadata });
    const gone = !after && before ? deepFreeze({ ...before, metadata }) : before;
    if (next) objects.set(keyText(keyOf(next)), next);
    else if (before) objects.delete(keyText(keyOf(before)));
    const change = { version, before: next ? before : gone, after: next };
    const changes = this.#changes.get(table) ?? [];
    changes.push(change);
    this.#changes.set(table, changes);
    for (const stream of this.#watches.get(table) ?? []) announce(stream, change);
    return next;
  }

  #replay(resource: Resource, options: WatchOptions, stream: WatchStream): void {
    if (options.sendInitialEvents) {
      for (const object of this.objects(resource)) if (stream.matches(object)) stream.push({ type: 'ADDED', object });
      stream.push({ type: 'BOOKMARK', resourceVersion: String(this.#version), initialEventsEnd: true });
      return;
    }
    const from = Number(options.resourceVersion ?? this.#version);
    if (from < this.#oldest) return stream.end(expired());
    for (const change of this.#changes.get(tableOf(resource)) ?? [])
      if (change.version > from) announce(stream, change);
  }

  #find(resource: Resource, key: ObjectKey): KubeObject | undefined {
    return this.#objects.get(tableOf(resource))?.get(keyText(key));
  }

  #mustFind(resource: Resource, key: ObjectKey): KubeObject {
    const found = this.#find(resource, key);
    if (!found) throw new KubeApiError(404, 'NotFound', `${resource.plural} "${key.name}" not found`);
    return found;
  }

  #newUid(): string {
    return `00000000-0000-4000-8000-${String(++this.#serial).padStart(12, '0')}`;
  }

  #suffix(): string {
    return (++this.#serial).toString(36).padStart(5, 'x');
  }

  #time(): string {
    return new Date(this.#now()).toISOString().replace(/\.\d+Z$/, 'Z');
  }
}

function announce(stream: WatchStream, { before, after }: Change): void {
  const was = before !== undefined && stream.matches(before);
  const is = after !== undefined && stream.matches(after);
  if (is) stream.push({ type: was ? 'MODIFIED' : 'ADDED', object: after });
  else if (was) {
    const version = after?.metadata.resourceVersion ?? before.metadata.resourceVersion;
    const metadata = { ...before.metadata, ...(version !== undefined && { resourceVersion: version }) };
    stream.push({ type: 'DELETED', object: deepFreeze({ ...before, metadata }) });
  }
}

function tableOf(resource: Resource): string {
  return `${resource.group}/${resource.plural}`;
}

function hasStatus({ group, plural }: Resource): boolean {
  return withoutStatus.has(group) ? coreWithStatus.has(plural) : true;
}

function hasNamespaceFinalizer(object: KubeObject): boolean {
  const spec = object.spec as { readonly finalizers?: readonly string[] } | undefined;
  return object.kind === 'Namespace' && (spec?.finalizers?.length ?? 0) > 0;
}

function labelsOf(after: KubeObject): Tree {
  const { labels, annotations } = after.metadata;
  return { ...(labels && { labels }), ...(annotations && { annotations }) };
}

function sameExceptMetadata(before: KubeObject, after: KubeObject): boolean {
  const strip = ({ metadata: _m, status: _s, ...rest }: KubeObject): unknown => rest;
  return sameJson(strip(before), strip(after));
}

function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(ordered(a)) === JSON.stringify(ordered(b));
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, child]) => child !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, child]) => [key, ordered(child)]));
}

function expired(): KubeApiError {
  return new KubeApiError(410, 'Expired', 'too old resource version');
}

function conflict(key: ObjectKey): KubeApiError {
  return new KubeApiError(409, 'Conflict', `the object "${key.name}" has been modified; read it again and retry`);
}
