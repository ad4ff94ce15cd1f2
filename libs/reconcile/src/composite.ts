import { createHash } from 'node:crypto';
import { apiVersionOf, type KubeObject, keyOf, keyText, type Resource } from '@sluice/model';
import type { Reconcile } from './controller.ts';
import type { KubeApi } from './kube-api.ts';
import { controllerOf, isControlledBy, ownerKeys, ownerReferenceTo } from './owners.ts';
import type { OperatorController, OperatorPorts } from './start-operator.ts';
import { applyStatus, withCondition } from './status.ts';

/** Children of a parent as they are now, by kind (`ConfigMap`, `Deployment` …), sorted by name. */
export type ChildrenByKind = Readonly<Record<string, readonly KubeObject[]>>;

/** What a composite decides. */
export type CompositeDecision<Status extends object> = {
  /** Every child there should be, without owner references. What is not among them is deleted. */
  readonly children: readonly KubeObject[];
  readonly status?: Status;
  /** When to decide again though nothing has changed. */
  readonly requeueAfterMs?: number;
};

export type CompositeOptions<Parent extends KubeObject, Status extends object> = {
  readonly name: string;
  readonly parent: Resource;
  /** Kinds of the children; only these are looked at and deleted. Namespaced, in the namespace of the parent. */
  readonly children: readonly Resource[];
  /** Pure: from the parent and its children to the children there should be. Called again whenever either changes. */
  readonly decide: (parent: Parent, children: ChildrenByKind) => CompositeDecision<Status>;
  readonly concurrency?: number;
};

const hashAnnotation = 'sluice.dev/desired-hash';

/**
 * A controller whose whole logic is one pure function from a parent to its children (metacontroller's way). Children are
 * written by server-side apply, owned by the parent and removed with it. A child is written only when what is wanted has
 * changed or when somebody changed it; an object of that name that belongs to another is left alone and told in `Ready`.
 */
export function composite<Parent extends KubeObject, Status extends object>(
  options: CompositeOptions<Parent, Status>,
): OperatorController {
  const { parent, children, name, concurrency } = options;
  const keysOf = ownerKeys(parent.kind, parent.group);
  return {
    name,
    ...(concurrency !== undefined && { concurrency }),
    watches: [{ resource: parent }, ...children.map((resource) => ({ resource, keysOf }))],
    reconcile: (ports) => compositeReconciler(options, ports),
  };
}

function compositeReconciler<Parent extends KubeObject, Status extends object>(
  options: CompositeOptions<Parent, Status>,
  { kube, informers, now }: OperatorPorts,
): Reconcile {
  const parents = informers.informer<Parent>(options.parent);
  const childCaches = options.children.map((resource) => ({ resource, cache: informers.informer(resource) }));
  const resourceOf = new Map(
    options.children.map((resource) => [kindId(apiVersionOf(resource), resource.kind), resource]),
  );

  return async (key, signal) => {
    const parent = parents.get(key);
    // The garbage collector of the cluster removes the children of a parent that goes.
    if (!parent || parent.metadata.deletionTimestamp) return {};
    const present = childCaches.flatMap(({ cache }) =>
      ownedBy(cache.byIndex('owner', parent.metadata.uid ?? ''), parent),
    );
    const { children, status, requeueAfterMs } = options.decide(parent, byKind(options.children, present));
    const wanted = children.map((child) => desiredChild(parent, child, resourceOf, options.name));
    const conflicts: string[] = [];
    for (const child of wanted) {
      const outcome = await ensureChild({ kube, parent, present, manager: options.name, signal }, child);
      if (outcome === 'foreign') conflicts.push(`${child.resource.kind} ${child.object.metadata.name}`);
    }
    await deleteSurplus(kube, present, wanted, { resourceOf, signal });
    const ready = conflicts.length === 0;
    const message = ready
      ? `${wanted.length} children are as they should be`
      : `belongs to another owner, so it is left alone: ${conflicts.join(', ')}; rename or delete it`;
    const change = {
      type: 'Ready',
      status: ready ? 'True' : 'False',
      reason: ready ? 'Applied' : 'ChildExists',
      message,
    } as const;
    const full = withCondition(parent, status ?? {}, change, now());
    await applyStatus(kube, options.parent, parent, full, { fieldManager: options.name, signal });
    return requeueAfterMs === undefined ? {} : { requeueAfterMs };
  };
}

type DesiredChild = { readonly resource: Resource; readonly object: KubeObject; readonly hash: string };
type Effects = {
  readonly kube: KubeApi;
  readonly parent: KubeObject;
  readonly present: readonly KubeObject[];
  readonly manager: string;
  readonly signal: AbortSignal;
};

async function ensureChild(effects: Effects, child: DesiredChild): Promise<'same' | 'written' | 'foreign'> {
  const { kube, parent, present, manager, signal } = effects;
  const before = present.find((object) => isSame(object, child.object));
  if (before?.metadata.deletionTimestamp) return 'same';
  if (before && before.metadata.annotations?.[hashAnnotation] === child.hash && !drifted(before, child.object))
    return 'same';
  if (!before) {
    // The cache may be older than our own write: ask the server before believing that there is none.
    const stored = await kube.get(child.resource, keyOf(child.object), signal);
    if (stored && !isControlledBy(stored, parent)) return 'foreign';
    if (stored?.metadata.annotations?.[hashAnnotation] === child.hash) return 'same';
  }
  await kube.apply(child.resource, child.object, { fieldManager: manager, signal });
  return 'written';
}

async function deleteSurplus(
  kube: KubeApi,
  present: readonly KubeObject[],
  wanted: readonly DesiredChild[],
  { resourceOf, signal }: { readonly resourceOf: ReadonlyMap<string, Resource>; readonly signal: AbortSignal },
): Promise<void> {
  for (const object of present) {
    if (object.metadata.deletionTimestamp || wanted.some((child) => isSame(child.object, object))) continue;
    const resource = resourceOf.get(kindId(object.apiVersion, object.kind));
    const { uid } = object.metadata;
    if (resource)
      await kube.delete(resource, keyOf(object), { propagationPolicy: 'Background', ...(uid && { uid }), signal });
  }
}

function desiredChild(
  parent: KubeObject,
  child: KubeObject,
  resourceOf: ReadonlyMap<string, Resource>,
  controller: string,
): DesiredChild {
  const resource = resourceOf.get(kindId(child.apiVersion, child.kind));
  if (!resource) {
    throw new TypeError(
      `composite ${controller}: ${child.apiVersion} ${child.kind} is not among its kinds of children`,
    );
  }
  const { namespace } = parent.metadata;
  const hash = createHash('sha256').update(stableText(child)).digest('hex').slice(0, 16);
  const metadata = {
    ...child.metadata,
    ...(resource.namespaced && namespace && { namespace }),
    annotations: { ...child.metadata.annotations, [hashAnnotation]: hash },
    ownerReferences: [ownerReferenceTo(parent)],
  };
  return { resource, hash, object: { ...child, metadata } };
}

/** True when somebody changed a label, an annotation or the body of a child that we had written. */
function drifted(stored: KubeObject, wanted: KubeObject): boolean {
  const { metadata: have, status: _, ...body } = stored as KubeObject & Record<string, unknown>;
  const { metadata: want, status: __, ...wantedBody } = wanted as KubeObject & Record<string, unknown>;
  const kept = (a: Readonly<Record<string, string>> = {}, b: Readonly<Record<string, string>> = {}): boolean =>
    Object.entries(b).every(([name, value]) => a[name] === value);
  return !kept(have.labels, want.labels) || !kept(have.annotations, want.annotations) || !covers(body, wantedBody);
}

/** True when every scalar of `wanted` is in `stored`. Values that the server writes in another form are not compared. */
function covers(stored: unknown, wanted: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null) return typeof stored !== typeof wanted || stored === wanted;
  if (typeof stored !== 'object' || stored === null) return false;
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(stored) && stored.length >= wanted.length && wanted.every((item, at) => covers(stored[at], item))
    );
  }
  return Object.entries(wanted).every(([name, value]) => {
    const have = (stored as Record<string, unknown>)[name];
    if (value === undefined || value === null || name === 'resources') return true;
    if (have === undefined) return isEmptyish(value);
    return covers(have, value);
  });
}

function isEmptyish(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.values(value).every(isEmptyish);
  return value === '' || value === 0 || value === false;
}

function ownedBy(objects: readonly KubeObject[], parent: KubeObject): readonly KubeObject[] {
  return objects.filter((object) => controllerOf(object)?.uid === parent.metadata.uid);
}

function byKind(kinds: readonly Resource[], present: readonly KubeObject[]): ChildrenByKind {
  const sorted = [...present].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  return Object.fromEntries(kinds.map(({ kind }) => [kind, sorted.filter((object) => object.kind === kind)]));
}

function isSame(a: KubeObject, b: KubeObject): boolean {
  return kindId(a.apiVersion, a.kind) === kindId(b.apiVersion, b.kind) && keyText(keyOf(a)) === keyText(keyOf(b));
}

function kindId(apiVersion: string, kind: string): string {
  return `${apiVersion}/${kind}`;
}

/** JSON with the fields in order, so that the same wish has the same hash. */
export function stableText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(stableText).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${stableText(field)}`).join(',')}}`;
}
