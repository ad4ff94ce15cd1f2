import { apiVersionOf, type KubeObject, keyOf, keyText, type Resource } from '@sluice/model';
import { controllerOf, isControlledBy, type KubeApi, ownerReferenceTo } from '@sluice/reconcile';
import { stableText } from './stable-text.ts';

/** `apps/v1/Deployment`. */
export function kindId(apiVersion: string, kind: string): string {
  return `${apiVersion}/${kind}`;
}

/** The same kind, namespace and name. */
export function isSameObject(a: KubeObject, b: KubeObject): boolean {
  return kindId(a.apiVersion, a.kind) === kindId(b.apiVersion, b.kind) && keyText(keyOf(a)) === keyText(keyOf(b));
}

/** An object as a parent wants it: in the parent's namespace, and the parent its controller. */
export type DesiredChild = { readonly resource: Resource; readonly object: KubeObject; readonly wish: string };

/** What became of a child: it was right, it was written, or it is somebody else's and was left alone. */
export type ChildOutcome = 'same' | 'written' | 'foreign';

type Written = { readonly wish: string; readonly version: string };
type Effects = { readonly parent: KubeObject; readonly signal: AbortSignal };

/**
 * Writes children by server-side apply, and only where that changes something: the wish is another than the one last written, or the
 * child has another generation than our write gave it. What was written is remembered in memory only, so after a start each
 * child is applied once; that repairs what happened meanwhile, and is nothing to the server when nothing did.
 */
export class ChildWriter {
  readonly #kube: KubeApi;
  readonly #manager: string;
  readonly #resources: ReadonlyMap<string, Resource>;
  readonly #written = new Map<string, Written>();

  constructor(kube: KubeApi, manager: string, resources: readonly Resource[]) {
    this.#kube = kube;
    this.#manager = manager;
    this.#resources = new Map(resources.map((resource) => [kindId(apiVersionOf(resource), resource.kind), resource]));
  }

  /** The resource of an object of one of the kinds. Throws a TypeError that says how to mend it for another kind. */
  resourceOf(object: Pick<KubeObject, 'apiVersion' | 'kind'>): Resource {
    const resource = this.#resources.get(kindId(object.apiVersion, object.kind));
    if (resource) return resource;
    const known = [...this.#resources.keys()].join(', ') || 'none';
    throw new TypeError(
      `${this.#manager}: ${object.apiVersion} ${object.kind} is not among the kinds that it owns (${known}); add it there`,
    );
  }

  /** A child as the parent wants it. */
  desired(parent: KubeObject, child: KubeObject): DesiredChild {
    const resource = this.resourceOf(child);
    const { namespace } = parent.metadata;
    if (namespace && !resource.namespaced)
      throw new TypeError(`${this.#manager}: ${child.kind} has no namespace, so ${parent.kind} in one cannot own it`);
    const metadata = {
      ...child.metadata,
      ...(resource.namespaced && namespace && { namespace }),
      ownerReferences: [ownerReferenceTo(parent)],
    };
    const object = { ...child, metadata };
    return { resource, object, wish: stableText(object) };
  }

  /** True when the child is as it was last written by this process. */
  isUpToDate(child: DesiredChild, stored: KubeObject): boolean {
    const last = this.#written.get(stored.metadata.uid ?? '');
    return last?.wish === child.wish && last.version === versionOf(stored) && keepsOurMetadata(stored, child.object);
  }

  /** Bring the child about. `before` is what the cache shows of it; `adopt` takes an object that nobody controls. */
  async ensure(
    child: DesiredChild,
    before: KubeObject | undefined,
    { parent, signal, adopt = false }: Effects & { readonly adopt?: boolean },
  ): Promise<ChildOutcome> {
    if (before?.metadata.deletionTimestamp) return 'same';
    if (before && this.isUpToDate(child, before)) return 'same';
    if (!before) {
      // The cache may be older than our own write, and holds no object of others: ask the server.
      const stored = await this.#kube.get(child.resource, keyOf(child.object), signal);
      const free = adopt && stored && !controllerOf(stored);
      if (stored && !isControlledBy(stored, parent) && !free) return 'foreign';
      if (stored?.metadata.deletionTimestamp || (stored && this.isUpToDate(child, stored))) return 'same';
    }
    const stored = await this.#kube.apply(child.resource, child.object, { fieldManager: this.#manager, signal });
    this.#written.set(stored.metadata.uid ?? '', { wish: child.wish, version: versionOf(stored) });
    return 'written';
  }

  async delete(object: KubeObject, signal: AbortSignal): Promise<void> {
    const { uid, deletionTimestamp } = object.metadata;
    if (deletionTimestamp) return;
    const resource = this.resourceOf(object);
    await this.#kube.delete(resource, keyOf(object), { propagationPolicy: 'Background', ...(uid && { uid }), signal });
  }

  /** Give a child up: it stays, without an owner. */
  async release(object: KubeObject, parent: KubeObject, signal: AbortSignal): Promise<void> {
    const index = object.metadata.ownerReferences?.findIndex(({ uid }) => uid === parent.metadata.uid) ?? -1;
    if (index < 0) return;
    const path = `/metadata/ownerReferences/${index}`;
    const body = [
      { op: 'test', path: `${path}/uid`, value: parent.metadata.uid },
      { op: 'remove', path },
    ] as const;
    await this.#kube.patch(this.resourceOf(object), keyOf(object), { type: 'json', body }, { signal });
    this.forget(object);
  }

  /** A child has gone: forget what was written to it. */
  forget(object: KubeObject): void {
    this.#written.delete(object.metadata.uid ?? '');
  }
}

/** Changes when somebody changes what is wanted of an object. Status writes count only for kinds without generations. */
function versionOf({ metadata: { generation, resourceVersion } }: KubeObject): string {
  return generation === undefined ? `v${resourceVersion}` : `g${generation}`;
}

/** Labels and annotations do not count in the generation. */
function keepsOurMetadata({ metadata: have }: KubeObject, { metadata: want }: KubeObject): boolean {
  const kept = (a: Readonly<Record<string, string>> = {}, b: Readonly<Record<string, string>> = {}): boolean =>
    Object.entries(b).every(([name, value]) => a[name] === value);
  return kept(have.labels, want.labels) && kept(have.annotations, want.annotations);
}
