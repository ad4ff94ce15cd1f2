import type { KubeObject, Resource } from '@sluice/model';
import {
  addFinalizer,
  applyStatus,
  controllerOf,
  hasFinalizer,
  type Reconcile,
  type ReconcileResult,
  removeFinalizer,
  type WatchSource,
  withCondition,
} from '@sluice/reconcile';
import { accessToParent, ownVerbs, readVerbs } from './access.ts';
import { ChildPass } from './child-pass.ts';
import { type ChildKind, isReadyByCondition } from './child-updates.ts';
import { ChildWriter } from './child-writer.ts';
import {
  type ControllerDefinition,
  type ControllerPorts,
  type ControllerSettings,
  type Related,
  settingsOf,
  watchesOfRelated,
} from './controller.ts';
import { parentKeys } from './parent-keys.ts';
import { notReady, type Readiness } from './readiness.ts';

/** Objects by kind (`ConfigMap`, `Deployment` …), sorted by namespace and name. Every declared kind is there. */
export type ObjectsByKind = Readonly<Record<string, readonly KubeObject[]>>;

/** The world as a composite sees it. */
export type Observed = {
  /** Children of this parent. */
  readonly children: ObjectsByKind;
  /** Related objects that concern this parent. */
  readonly related: ObjectsByKind;
};

/** What a composite decides. */
export type CompositeDecision<Status> = {
  /** Every child there should be, in the order in which they are made. What is not among them goes. */
  readonly children: readonly KubeObject[];
  /** The whole status but for conditions. */
  readonly status?: Status;
  /** Default: True once every child is as it should be. A child that cannot be written always wins. */
  readonly ready?: Readiness;
  /** When to decide again though nothing has changed. */
  readonly requeueAfterMs?: number;
};

/** What a composite decides while its parent goes. */
export type FinalDecision<Status> = CompositeDecision<Status> & {
  /** Nothing is left to do: the parent may go, and with it its children. */
  readonly finalized: boolean;
};

export type CompositeOptions<Parent extends KubeObject, Status> = ControllerSettings & {
  readonly name: string;
  readonly kind: Resource & { readonly object?: Parent };
  /** Kinds of the children; only these are looked at. */
  readonly children: readonly (Resource | ChildKind)[];
  readonly related?: readonly Related<Parent>[];
  /** Pure: from the parent and the world to the children there should be. Called again whenever either changes. */
  readonly decide: (parent: Parent, observed: Observed) => CompositeDecision<Status>;
  /** Pure too. With it, a deleted parent stays until this says that it is finalized. */
  readonly finalize?: (parent: Parent, observed: Observed) => FinalDecision<Status>;
};

/**
 * A controller whose whole logic is one pure function from a parent to its children (metacontroller's way). Children are written
 * by server-side apply, controlled by the parent and removed with it.
 */
export function defineComposite<Parent extends KubeObject, Status extends object>(
  options: CompositeOptions<Parent, Status>,
): ControllerDefinition {
  const { kind, name, related = [] } = options;
  const children = options.children.map(toChildKind);
  let parents: () => readonly Parent[] = () => [];
  const watches: readonly WatchSource[] = [
    { resource: kind },
    ...children.map(({ resource }) => ({ resource, keysOf: parentKeys(kind) })),
    ...watchesOfRelated(related, () => parents()),
  ];
  return {
    name,
    settings: settingsOf(options),
    watches,
    access: [
      ...accessToParent(kind),
      ...children.map(({ resource }) => ({ resource, verbs: ownVerbs })),
      ...related.map(({ resource }) => ({ resource, verbs: readVerbs })),
    ],
    start(ports) {
      const cache = ports.cache<Parent>(kind);
      parents = () => cache.list();
      return compositeReconciler(options, children, ports);
    },
  };
}

function toChildKind(child: Resource | ChildKind): ChildKind {
  return 'resource' in child ? child : { resource: child };
}

function compositeReconciler<Parent extends KubeObject, Status extends object>(
  options: CompositeOptions<Parent, Status>,
  children: readonly ChildKind[],
  ports: ControllerPorts,
): Reconcile {
  const { kube, now } = ports;
  const { kind, name, related = [] } = options;
  const finalizer = `${kind.group}/${name}`;
  const needsFinalizer = !!options.finalize || children.some(({ surplus }) => surplus === 'orphan');
  const parents = ports.cache<Parent>(kind);
  const caches = children.map(({ resource }) => ({ resource, cache: ports.cache(resource) }));
  const resources = children.map(({ resource }) => resource);
  const writer = new ChildWriter(kube, name, resources);
  for (const { cache } of caches) {
    cache.subscribe((event) => void (event.type === 'deleted' && writer.forget(event.object)), { keysOnly: true });
  }

  const observe = (parent: Parent): Observed & { readonly owned: readonly KubeObject[] } => {
    const owned = caches.flatMap(({ cache }) =>
      cache
        .byIndex('owner', parent.metadata.uid ?? '')
        .filter((object) => controllerOf(object)?.uid === parent.metadata.uid),
    );
    const concerned = related.flatMap(({ resource, concerns }) =>
      ports
        .cache(resource)
        .list()
        .filter((object) => concerns(parent, object)),
    );
    const relatedKinds = related.map(({ resource }) => resource);
    return { owned, children: byKind(resources, owned), related: byKind(relatedKinds, concerned) };
  };

  return async (key, signal): Promise<ReconcileResult> => {
    const cached = parents.get(key);
    if (!cached) return {};
    const deleting = cached.metadata.deletionTimestamp !== undefined;
    // Without a finalizer of ours, the garbage collector of the cluster removes the children of a parent that goes.
    if (deleting && !hasFinalizer(cached, finalizer)) return {};
    const parent = needsFinalizer && !deleting ? await addFinalizer(kube, kind, cached, finalizer) : cached;
    const observed = observe(parent);
    const write = (status: object, change: Readiness): Promise<boolean> => {
      const full = withCondition(parent, status, { type: 'Ready', ...change }, now());
      return applyStatus(kube, kind, parent, full, { fieldManager: name, signal });
    };
    let decided: FinalDecision<Status>;
    try {
      decided = deleting
        ? (options.finalize?.(parent, observed) ?? { children: [], finalized: true })
        : { ...options.decide(parent, observed), finalized: false };
    } catch (error) {
      await write(
        parent.status ?? {},
        notReady('DecideFailed', error instanceof Error ? error.message : String(error)),
      );
      throw error;
    }
    const pass = new ChildPass({ writer, parent, kinds: children, isReady: isReadyByCondition, signal });
    const outcome = await pass.run(decided.children, observed.owned, { keepSurplus: deleting && !options.finalize });
    if (decided.finalized && outcome.failure === undefined) {
      await pass.release(observed.owned);
      await removeFinalizer(kube, kind, parent, finalizer);
      return {};
    }
    await write(decided.status ?? {}, outcome.readiness(decided.ready));
    if (outcome.failure !== undefined) throw outcome.failure;
    return decided.requeueAfterMs === undefined ? {} : { requeueAfterMs: decided.requeueAfterMs };
  };
}

function byKind(kinds: readonly Resource[], objects: readonly KubeObject[]): ObjectsByKind {
  const place = ({ metadata: { namespace = '', name } }: KubeObject): string => `${namespace}/${name}`;
  const sorted = objects.toSorted((a, b) => (place(a) < place(b) ? -1 : 1));
  return Object.fromEntries(kinds.map(({ kind }) => [kind, sorted.filter((object) => object.kind === kind)]));
}
