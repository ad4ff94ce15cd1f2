import { type JsonObject, type KubeObject, type Resource, resources } from '@sluice/model';
import { type CacheEvent, type Informer, type InformerSet, isKubeError, type KubeApi } from '@sluice/reconcile';
import type { Log } from '@sluice/runtime';

function builtin(group: string, version: string, plural: string, kind: string, namespaced = true): Resource {
  return { group, version, plural, kind, namespaced };
}

/** Built-in kinds whose objects may own, be owned, or fill a namespace. Events are none: they are many and end by themselves. */
const builtins: readonly Resource[] = [
  resources.namespaces,
  resources.pods,
  resources.services,
  resources.endpoints,
  resources.configMaps,
  resources.secrets,
  resources.serviceAccounts,
  resources.persistentVolumeClaims,
  resources.persistentVolumes,
  resources.deployments,
  resources.replicaSets,
  resources.statefulSets,
  resources.daemonSets,
  resources.jobs,
  resources.cronJobs,
  resources.endpointSlices,
  resources.podDisruptionBudgets,
  resources.leases,
  builtin('', 'v1', 'replicationcontrollers', 'ReplicationController'),
  builtin('', 'v1', 'resourcequotas', 'ResourceQuota'),
  builtin('', 'v1', 'limitranges', 'LimitRange'),
  builtin('', 'v1', 'podtemplates', 'PodTemplate'),
  builtin('apps', 'v1', 'controllerrevisions', 'ControllerRevision'),
  builtin('autoscaling', 'v2', 'horizontalpodautoscalers', 'HorizontalPodAutoscaler'),
  builtin('networking.k8s.io', 'v1', 'ingresses', 'Ingress'),
  builtin('networking.k8s.io', 'v1', 'networkpolicies', 'NetworkPolicy'),
  builtin('rbac.authorization.k8s.io', 'v1', 'roles', 'Role'),
  builtin('rbac.authorization.k8s.io', 'v1', 'rolebindings', 'RoleBinding'),
  builtin('rbac.authorization.k8s.io', 'v1', 'clusterroles', 'ClusterRole', false),
  builtin('rbac.authorization.k8s.io', 'v1', 'clusterrolebindings', 'ClusterRoleBinding', false),
];

type Definition = KubeObject<{
  readonly group: string;
  readonly scope: string;
  readonly names: { readonly plural: string; readonly kind: string };
  readonly versions: readonly ({
    readonly name: string;
    readonly served: boolean;
    readonly storage: boolean;
  } & JsonObject)[];
}>;

/** A change of some object of some kind. */
export type CatalogueListener = (resource: Resource, event: CacheEvent) => void;

/** `plural.group`, as `kubectl` writes it. */
export function resourceId(resource: Pick<Resource, 'group' | 'plural'>): string {
  return resource.group ? `${resource.plural}.${resource.group}` : resource.plural;
}

/** Metadata of all objects of the cluster, kinds that come and go included. */
export class ObjectCatalogue {
  readonly #kube: KubeApi;
  readonly #informers: InformerSet;
  readonly #log: Log;
  readonly #kinds = new Map<string, { readonly resource: Resource; readonly informer: Informer }>();
  readonly #listeners = new Set<CatalogueListener>();

  constructor(kube: KubeApi, informers: InformerSet, log: Log) {
    this.#kube = kube;
    this.#informers = informers;
    this.#log = log;
  }

  /** Find out which built-in kinds are served, and follow the custom ones. Resolves once all of them have synced. */
  async start(signal: AbortSignal): Promise<void> {
    const served = await Promise.all(builtins.map((resource) => this.#isServed(resource, signal)));
    for (const [index, resource] of builtins.entries()) if (served[index]) this.#add(resource);
    const definitions = this.#informers.informer<Definition>(resources.customResourceDefinitions);
    definitions.subscribe((event) => {
      const resource = toResource(event.object);
      if (event.type === 'deleted') this.#drop(resource);
      else if (!this.#kinds.has(resourceId(resource)) && isEstablished(event.object)) this.#add(resource);
    });
    definitions.start();
    await definitions.synced(signal);
    await Promise.all([...this.#kinds.values()].map(({ informer }) => informer.synced(signal)));
  }

  /** Hear of every change of every kind. */
  subscribe(listener: CatalogueListener): void {
    this.#listeners.add(listener);
    for (const { resource, informer } of this.#kinds.values()) {
      for (const object of informer.list()) listener(resource, { type: 'added', object, initial: true });
    }
  }

  resources(): readonly Resource[] {
    return Array.from(this.#kinds.values(), ({ resource }) => resource);
  }

  byId(id: string): { readonly resource: Resource; readonly informer: Informer } | undefined {
    return this.#kinds.get(id);
  }

  /** The kind that an owner reference means, at whichever version it is served. */
  byKind(apiVersion: string, kind: string): { readonly resource: Resource; readonly informer: Informer } | undefined {
    const slash = apiVersion.indexOf('/');
    const group = slash < 0 ? '' : apiVersion.slice(0, slash);
    return [...this.#kinds.values()].find(({ resource }) => resource.group === group && resource.kind === kind);
  }

  /** All objects that name the uid as an owner. */
  dependents(uid: string): readonly { readonly resource: Resource; readonly object: KubeObject }[] {
    return [...this.#kinds.values()].flatMap(({ resource, informer }) =>
      informer.byIndex('owner', uid).map((object) => ({ resource, object })),
    );
  }

  /** All objects of a namespace. */
  contents(namespace: string): readonly { readonly resource: Resource; readonly object: KubeObject }[] {
    return [...this.#kinds.values()]
      .filter(({ resource }) => resource.namespaced)
      .flatMap(({ resource, informer }) => informer.list(namespace).map((object) => ({ resource, object })));
  }

  async #isServed(resource: Resource, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#kube.list(resource, { limit: 1, metadataOnly: true, signal });
      return true;
    } catch (error) {
      if (isKubeError(error, 'NotFound')) return false;
      throw error;
    }
  }

  #add(resource: Resource): void {
    const informer = this.#informers.informer(resource, { metadataOnly: true });
    this.#kinds.set(resourceId(resource), { resource, informer });
    informer.subscribe((event) => {
      for (const listener of this.#listeners) listener(resource, event);
    });
    informer.start();
  }

  #drop(resource: Resource): void {
    const known = this.#kinds.get(resourceId(resource));
    if (!known) return;
    this.#kinds.delete(resourceId(resource));
    this.#informers
      .remove(known.informer)
      .catch((error: unknown) => this.#log.warn('informer did not close', { error }));
  }
}

function isEstablished(definition: Definition): boolean {
  const { conditions = [] } = (definition.status ?? {}) as {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
  return conditions.some(({ type, status }) => type === 'Established' && status === 'True');
}

function toResource({ spec }: Definition): Resource {
  const versions = spec?.versions ?? [];
  const version = versions.find(({ served, storage }) => served && storage) ?? versions.find(({ served }) => served);
  return {
    group: spec?.group ?? '',
    version: version?.name ?? '',
    plural: spec?.names.plural ?? '',
    kind: spec?.names.kind ?? '',
    namespaced: spec?.scope === 'Namespaced',
  };
}
