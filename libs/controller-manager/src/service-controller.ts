import { keyOf, type KubeObject, type ObjectKey, type Resource, resources } from '@sluice/model';
import {
  type Controller,
  createController,
  isControlledBy,
  isKubeError,
  labelIndex,
  type ReconcileResult,
} from '@sluice/reconcile';
import { deleteObject, ignoreGone, type ManagerContext, namespaceOf, writeStatus } from './manager-context.ts';
import { isNamespaceTerminating } from './replica-set-controller.ts';
import {
  balancerStatus,
  buildEndpoints,
  buildSlices,
  type Endpoints,
  type EndpointSlice,
  isSelected,
  managedBy,
  managedByLabel,
  selectsPods,
  type Service,
  serviceNameLabel,
} from './service-endpoints.ts';
import { type Pod, sameJson } from './workload.ts';

/** Writes the addresses of the pods of every Service: EndpointSlices, and Endpoints for older readers. */
export function serviceController(context: ManagerContext): Controller {
  const { kube, informers, log } = context;
  const services = informers.informer<Service>(resources.services);
  const pods = informers.informer<Pod>(resources.pods);
  const indexes = { service: labelIndex(serviceNameLabel) };
  const slices = informers.informer<EndpointSlice>(resources.endpointSlices, { indexes });
  const endpoints = informers.informer<Endpoints>(resources.endpoints);

  async function reconcile(key: ObjectKey, signal: AbortSignal): Promise<ReconcileResult> {
    const service = services.get(key);
    if (!service || service.metadata.deletionTimestamp) return {};
    const balancer = balancerStatus(service);
    if (balancer) await writeStatus(context, resources.services, service, balancer, signal);
    if (!selectsPods(service)) return {};
    const selected = pods.list(namespaceOf(key)).filter((pod) => isSelected(service, pod));
    try {
      await writeSlices(service, buildSlices(service, selected), signal);
      const wanted = buildEndpoints(service, selected);
      const there = endpoints.get(key);
      await write(resources.endpoints, wanted, there, { subsets: wanted.subsets ?? null }, signal);
    } catch (error) {
      if (isKubeError(error, 'Forbidden') && isNamespaceTerminating(error.status)) return {};
      throw error;
    }
    return {};
  }

  async function writeSlices(service: Service, wanted: readonly EndpointSlice[], signal: AbortSignal): Promise<void> {
    const present = slices
      .byIndex('service', service.metadata.name)
      .filter((slice) => slice.metadata.namespace === service.metadata.namespace && isControlledBy(slice, service))
      .filter((slice) => slice.metadata.labels?.[managedByLabel] === managedBy);
    for (const slice of wanted) {
      const there = present.find(({ metadata }) => metadata.name === slice.metadata.name);
      await write(resources.endpointSlices, slice, there, { endpoints: slice.endpoints, ports: slice.ports }, signal);
    }
    const names = new Set(wanted.map(({ metadata }) => metadata.name));
    for (const slice of present) {
      if (!names.has(slice.metadata.name)) await deleteObject(context, resources.endpointSlices, slice, signal);
    }
  }

  async function write(
    resource: Resource,
    wanted: KubeObject,
    there: KubeObject | undefined,
    content: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<void> {
    if (!there) {
      try {
        await kube.create(resource, wanted, { signal });
        return;
      } catch (error) {
        if (!isKubeError(error, 'AlreadyExists')) throw error;
      }
    } else {
      const before = there as KubeObject & Record<string, unknown>;
      const same = Object.entries(content).every(([name, value]) => sameJson(before[name] ?? null, value));
      if (same && sameJson(there.metadata.labels ?? {}, wanted.metadata.labels ?? {})) return;
    }
    const { labels, ownerReferences } = wanted.metadata;
    const body = { metadata: { labels, ownerReferences }, ...content };
    await ignoreGone(kube.patch(resource, keyOf(wanted), { type: 'merge', body }, { signal }));
  }

  return createController({
    name: 'endpoints',
    informers,
    log,
    reconcile,
    watches: [
      { resource: resources.services },
      {
        resource: resources.pods,
        keysOf: (pod) =>
          services
            .list(pod.metadata.namespace ?? '')
            .filter((service) => isSelected(service, pod as Pod))
            .map(keyOf),
      },
      {
        resource: resources.endpointSlices,
        keysOf: ({ metadata }) => {
          const name = metadata.labels?.[serviceNameLabel];
          return name === undefined || metadata.labels?.[managedByLabel] !== managedBy
            ? []
            : [{ ...keyOf({ metadata }), name }];
        },
      },
      { resource: resources.endpoints },
    ],
  });
}
