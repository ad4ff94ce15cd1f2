import { type KubeObject, keyOf, keyText, type Resource, resources } from '@sluice/model';
import type { CacheEvent, Informer, KubeApi } from '@sluice/reconcile';
import type { HttpHandler } from '@sluice/runtime';

type Version = { readonly uid: string; readonly version: string; readonly deleted: boolean };

/** What the store held at any time, as a watch without faults saw it, and what an informer behind faults made of it. */
export class History {
  readonly #versions = new Map<string, Map<string, number>>();
  readonly #deleted = new Set<string>();
  readonly #live = new Map<string, Version>();
  readonly #stop = new AbortController();
  readonly #following: Promise<void>;

  constructor(kube: KubeApi, resource: Resource) {
    this.#following = this.#follow(kube, resource);
  }

  /** Problems of an informer: events of states that never were, states that it missed for good, deletions not told. */
  compare(observer: Observer): string[] {
    const problems: string[] = [];
    for (const [uid, seen] of observer.seen) {
      const known = this.#versions.get(uid);
      for (const version of seen) if (!known?.has(version)) problems.push(`saw ${uid} at ${version}, which never was`);
      if (this.#deleted.has(uid) && !observer.gone.has(uid)) problems.push(`was not told that ${uid} went`);
      const last = [...seen].at(-1);
      const lastKnown = [...(known?.keys() ?? [])].at(-1);
      if (!this.#deleted.has(uid) && last !== lastKnown)
        problems.push(`${uid}: last saw ${last}, it is at ${lastKnown}`);
      // Without a new list in between, a watch shows every state, in order.
      if (observer.lists === 1 && known && seen.length < known.size)
        problems.push(`${uid}: ${known.size - seen.length} states missed`);
    }
    for (const [key, { uid }] of this.#live) {
      if (!observer.seen.has(uid)) problems.push(`never heard of ${key}`);
      if (observer.informer.list().every((object) => object.metadata.uid !== uid))
        problems.push(`${key} is not in the cache`);
    }
    const extra = observer.informer.list().length - this.#live.size;
    if (extra !== 0) problems.push(`the cache holds ${extra} objects too many`);
    return problems;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#following;
  }

  async #follow(kube: KubeApi, resource: Resource): Promise<void> {
    const watch = kube.watch(resource, { sendInitialEvents: true, timeoutSeconds: 86_400, signal: this.#stop.signal });
    for await (const event of watch) if (event.type !== 'BOOKMARK') this.#note(event.object, event.type === 'DELETED');
  }

  #note(object: KubeObject, deleted: boolean): void {
    const { uid = '', resourceVersion = '' } = object.metadata;
    const key = keyText(keyOf(object));
    const versions = this.#versions.get(uid) ?? new Map<string, number>();
    if (!deleted) versions.set(resourceVersion, versions.size);
    this.#versions.set(uid, versions);
    if (!deleted) this.#live.set(key, { uid, version: resourceVersion, deleted });
    else {
      this.#deleted.add(uid);
      if (this.#live.get(key)?.uid === uid) this.#live.delete(key);
    }
  }
}

/** Notes every event of an informer, and how often it asked for a list. */
export class Observer {
  readonly informer: Informer;
  /** Versions seen of each uid, in order. */
  readonly seen = new Map<string, string[]>();
  readonly gone = new Set<string>();
  lists = 0;

  constructor(open: (transport: HttpHandler) => Informer, network: HttpHandler) {
    this.informer = open((request) => {
      if (!request.path.includes('watch=true')) this.lists++;
      return network(request);
    });
    this.informer.subscribe((event) => this.#note(event));
    this.informer.start();
  }

  close(): Promise<void> {
    return this.informer.close();
  }

  #note({ type, object }: CacheEvent): void {
    const { uid = '', resourceVersion = '' } = object.metadata;
    if (type === 'deleted') return void this.gone.add(uid);
    const versions = this.seen.get(uid) ?? [];
    versions.push(resourceVersion);
    this.seen.set(uid, versions);
  }
}

/** The kind whose history is checked. */
export const observed = resources.configMaps;
