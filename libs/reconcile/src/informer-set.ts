import type { KubeObject, Resource } from '@sluice/model';
import { type Log, type Reporting, reportingOf } from '@sluice/runtime';
import { createInformer, type Informer, type InformerOptions } from './informer.ts';
import { KubeApiError, type KubeApi } from './kube-api.ts';

export type InformerScope<T extends KubeObject = KubeObject> = Pick<
  InformerOptions<T>,
  'namespace' | 'labelSelector' | 'fieldSelector' | 'metadataOnly' | 'indexes'
>;

/** Informers shared between controllers: one list and one watch for each (resource, namespace, selectors). */
export type InformerSet = {
  readonly kube: KubeApi;
  /** Where controllers over this set report to, unless they are told otherwise. */
  readonly reporting: Reporting;
  /** The informer of this scope, made on first demand. Starts by itself if the set has been started. */
  informer<T extends KubeObject = KubeObject>(resource: Resource, scope?: InformerScope<T>): Informer<T>;
  /** Close one informer and forget it: asked for again, it is made anew. */
  remove(informer: Informer): Promise<void>;
  /** Start all informers, also those made later. */
  start(): void;
  /** Resolves once every informer made so far has synced. */
  synced(signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
};

export type InformerSetOptions = Pick<InformerOptions, 'pageSize' | 'initial' | 'maxBackoffMs' | 'keep'> &
  Reporting & {
    readonly log?: Log;
  };

/** A set of shared informers over `kube`. */
export function createInformerSet(kube: KubeApi, options: InformerSetOptions = {}): InformerSet {
  const { log, metrics: _, tracer: __, ...defaults } = options;
  const informers = new Map<string, Informer>();
  let started = false;
  let closed = false;

  function make(resource: Resource, scope: InformerScope): Informer {
    const onError = (error: unknown): void => {
      const expected = error instanceof KubeApiError && error.code === 410;
      log?.[expected ? 'debug' : 'warn']('informer failure', {
        resource: resource.plural,
        group: resource.group,
        error,
      });
    };
    return createInformer(kube, { ...defaults, ...scope, resource, onError });
  }

  return {
    kube,
    reporting: reportingOf(options),
    informer<T extends KubeObject>(resource: Resource, scope: InformerScope<T> = {}): Informer<T> {
      if (closed) throw new Error('the informer set is closed');
      const { namespace = '', labelSelector = '', fieldSelector = '', metadataOnly = false } = scope;
      const kind = [resource.group, resource.version, resource.plural, metadataOnly ? 'metadata' : 'whole'];
      const id = [...kind, namespace, labelSelector, fieldSelector].join('|');
      let informer = informers.get(id);
      if (!informer) {
        informer = make(resource, scope as InformerScope);
        informers.set(id, informer);
        if (started) informer.start();
      } else if (scope.indexes) informer.addIndexes(scope.indexes as NonNullable<InformerScope['indexes']>);
      return informer as unknown as Informer<T>;
    },
    async remove(informer) {
      for (const [id, known] of informers) if (known === informer) informers.delete(id);
      await informer.close();
    },
    start() {
      started = true;
      for (const informer of informers.values()) informer.start();
    },
    async synced(signal) {
      await Promise.all([...informers.values()].map((informer) => informer.synced(signal)));
    },
    async close() {
      closed = true;
      await Promise.all([...informers.values()].map((informer) => informer.close()));
    },
  };
}
