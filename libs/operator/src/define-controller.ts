import type { KubeObject, Resource } from '@sluice/model';
import { TerminalError } from '@sluice/model';
import {
  addFinalizer,
  applyStatus,
  controllerOf,
  hasFinalizer,
  isKubeError,
  NotLeaderError,
  type Reconcile,
  type ReconcileResult,
  removeFinalizer,
  withCondition,
} from '@sluice/reconcile';
import { type AccessRule, accessToParent, ownVerbs, readVerbs } from './access.ts';
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
import { notReady, type Readiness, ready } from './readiness.ts';

/** What a reconciler is given besides its object. */
export type ReconcileContext = ControllerPorts & {
  /** Fires when the time of the reconcile is over, or the lease is lost. */
  readonly signal: AbortSignal;
  /** Children of a declared kind that the object controls, from the cache. */
  readonly children: <T extends KubeObject = KubeObject>(resource: Resource) => readonly T[];
  /**
   * Bring a child about by server-side apply, controlled by the object. Nothing is written when nothing would change. Throws a
   * TerminalError with the reason ChildExists when an object of that name belongs to somebody else.
   */
  readonly apply: (child: KubeObject) => Promise<void>;
  /** Delete a child. One that has gone counts as deleted. */
  readonly delete: (child: KubeObject) => Promise<void>;
};

/** What a reconciler answers. Nothing at all means: Ready, and the status stays as it is. */
export type ReconcileAnswer<Status> = {
  /** The whole status but for conditions. */
  readonly status?: Status;
  /** Default: True, `Reconciled`. */
  readonly ready?: Readiness;
  readonly requeueAfterMs?: number;
};

export type DefineControllerOptions<Object extends KubeObject, Status> = ControllerSettings & {
  /** Names the controller in logs, metrics and field managers. */
  readonly name: string;
  readonly kind: Resource & { readonly object?: Object };
  /** Kinds that it makes objects of. A change of one leads to its owner. */
  readonly owns?: readonly Resource[];
  /** Kinds that it reads besides. */
  readonly watches?: readonly Related<Object>[];
  /** Whatever else it asks of the API server. */
  readonly access?: readonly AccessRule[];
  /** Works from the present state. Throws to be retried with backoff, a TerminalError to wait for a change of the spec. */
  readonly reconcile: (object: Object, context: ReconcileContext) => Promise<ReconcileAnswer<Status> | void>;
  /** Called while the object is being deleted, until it answers nothing: then the object may go. */
  readonly finalize?: (object: Object, context: ReconcileContext) => Promise<ReconcileResult | void>;
};

/** A controller around a function that you write (kubebuilder's way): read, decide, act; status and finalizer are seen to. */
export function defineController<Object extends KubeObject, Status extends object>(
  options: DefineControllerOptions<Object, Status>,
): ControllerDefinition {
  const { kind, name, owns = [], watches = [], access = [] } = options;
  let parents: () => readonly Object[] = () => [];
  return {
    name,
    settings: settingsOf(options),
    watches: [
      { resource: kind },
      ...owns.map((resource) => ({ resource, keysOf: parentKeys(kind) })),
      ...watchesOfRelated(watches, () => parents()),
    ],
    access: [
      ...accessToParent(kind),
      ...owns.map((resource) => ({ resource, verbs: ownVerbs })),
      ...watches.map(({ resource }) => ({ resource, verbs: readVerbs })),
      ...access,
    ],
    start(ports) {
      const cache = ports.cache<Object>(kind);
      parents = () => cache.list();
      return objectReconciler(options, ports);
    },
  };
}

function objectReconciler<Object extends KubeObject, Status extends object>(
  options: DefineControllerOptions<Object, Status>,
  ports: ControllerPorts,
): Reconcile {
  const { kube } = ports;
  const { kind, name, owns = [], finalize } = options;
  const finalizer = `${kind.group}/${name}`;
  const objects = ports.cache<Object>(kind);
  const writer = new ChildWriter(kube, name, owns);
  for (const resource of owns) {
    const forget = (object: KubeObject): void => writer.forget(object);
    ports
      .cache(resource)
      .subscribe((event) => void (event.type === 'deleted' && forget(event.object)), { keysOnly: true });
  }
  return async (key, signal): Promise<ReconcileResult> => {
    const cached = objects.get(key);
    if (!cached) return {};
    const deleting = cached.metadata.deletionTimestamp !== undefined;
    if (deleting && (!finalize || !hasFinalizer(cached, finalizer))) return {};
    const object = finalize && !deleting ? await addFinalizer(kube, kind, cached, finalizer) : cached;
    const context = contextOf({ object, ports, writer, signal });
    const write = (status: object, change: Readiness): Promise<boolean> => {
      const full = withCondition(object, status, { type: 'Ready', ...change }, ports.now());
      return applyStatus(kube, kind, object, full, { fieldManager: name, signal });
    };
    const tell = async (error: unknown): Promise<never> => {
      if (isNews(error) && !signal.aborted) await write(object.status ?? {}, failureOf(error));
      throw error;
    };
    if (finalize && deleting) {
      const wait = await finalize(object, context).catch(tell);
      if (wait) return wait;
      await removeFinalizer(kube, kind, object, finalizer);
      return {};
    }
    const answer = await options.reconcile(object, context).catch(tell);
    const done = ready('Reconciled', 'everything is as the spec says');
    await write(answer?.status ?? object.status ?? {}, answer?.ready ?? done);
    return answer?.requeueAfterMs === undefined ? {} : { requeueAfterMs: answer.requeueAfterMs };
  };
}

type ContextParts = {
  readonly object: KubeObject;
  readonly ports: ControllerPorts;
  readonly writer: ChildWriter;
  readonly signal: AbortSignal;
};

function contextOf({ object, ports, writer, signal }: ContextParts): ReconcileContext {
  const children = <T extends KubeObject>(resource: Resource): readonly T[] =>
    ports
      .cache<T>(resource)
      .byIndex('owner', object.metadata.uid ?? '')
      .filter((child) => controllerOf(child)?.uid === object.metadata.uid);
  return {
    ...ports,
    signal,
    children,
    async apply(child) {
      const desired = writer.desired(object, child);
      const { namespace, name } = desired.object.metadata;
      const before = children(desired.resource).find(
        ({ metadata }) => metadata.name === name && metadata.namespace === namespace,
      );
      if ((await writer.ensure(desired, before, { parent: object, signal })) !== 'foreign') return;
      const message = `${child.kind} ${name} exists and belongs to somebody else, so it is left alone; rename or delete it`;
      throw new TerminalError('ChildExists', message);
    },
    delete: (child) => writer.delete(child, signal),
  };
}

/** Somebody else wrote first, or another process leads now: nothing that people need to read. */
function isNews(error: unknown): boolean {
  return !isKubeError(error, 'Conflict') && !(error instanceof NotLeaderError);
}

function failureOf(error: unknown): Readiness {
  const message = error instanceof Error ? error.message : String(error);
  return notReady(error instanceof TerminalError ? error.reason : 'ReconcileFailed', message);
}
