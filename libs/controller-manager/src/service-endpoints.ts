import type { KubeObject, OwnerReference } from '@sluice/model';
import { ownerReferenceTo } from '@sluice/reconcile';
import { isDeleting, isEnded, isReady } from './pod-state.ts';
import { fnv32, safeText } from './template-hash.ts';
import { canonicalJson, type Pod } from './workload.ts';

export type ServicePort = {
  readonly name?: string;
  readonly port: number;
  readonly protocol?: string;
  readonly appProtocol?: string;
  readonly targetPort?: number | string;
};

export type Service = KubeObject<{
  readonly type?: string;
  readonly selector?: Readonly<Record<string, string>>;
  readonly ports?: readonly ServicePort[];
  readonly clusterIP?: string;
  readonly publishNotReadyAddresses?: boolean;
  readonly loadBalancerClass?: string;
}>;

type TargetRef = { readonly kind: 'Pod'; readonly namespace?: string; readonly name: string; readonly uid?: string };

export type Endpoint = {
  readonly addresses: readonly string[];
  readonly conditions: { readonly ready: boolean; readonly serving: boolean; readonly terminating: boolean };
  readonly nodeName?: string;
  readonly hostname?: string;
  readonly targetRef: TargetRef;
};

export type EndpointPort = {
  readonly name: string;
  readonly port: number;
  readonly protocol: string;
  readonly appProtocol?: string;
};

export type EndpointSlice = KubeObject & {
  readonly addressType: string;
  readonly endpoints: readonly Endpoint[];
  readonly ports: readonly EndpointPort[];
};

type Address = { readonly ip: string; readonly nodeName?: string; readonly targetRef: TargetRef };
export type Subset = {
  readonly addresses?: readonly Address[];
  readonly notReadyAddresses?: readonly Address[];
  readonly ports: readonly EndpointPort[];
};
export type Endpoints = KubeObject & { readonly subsets?: readonly Subset[] };

/** Marks slices as made by this controller. */
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by';
export const managedBy = 'endpointslice-controller.k8s.io';
export const serviceNameLabel = 'kubernetes.io/service-name';
const maxEndpoints = 100;

/** True when the service has endpoints that are derived from pods. */
export function selectsPods(service: Service): boolean {
  return service.spec?.type !== 'ExternalName' && Object.keys(service.spec?.selector ?? {}).length > 0;
}

/**
 * The status of a service that asks for a load balancer: its own address, which the host reaches as it is. undefined for any
 * other service, and for one that asks for somebody else's balancer. Pure.
 */
export function balancerStatus({ spec }: Service): { readonly loadBalancer: object } | undefined {
  const { type, clusterIP, loadBalancerClass } = spec ?? {};
  if (type !== 'LoadBalancer' || loadBalancerClass || !clusterIP || clusterIP === 'None') return undefined;
  return { loadBalancer: { ingress: [{ ip: clusterIP, ipMode: 'VIP' }] } };
}

/** True when the service selects the pod. */
export function isSelected(service: Service, pod: Pod): boolean {
  const selector = Object.entries(service.spec?.selector ?? {});
  return selector.length > 0 && selector.every(([key, value]) => pod.metadata.labels?.[key] === value);
}

type Group = { readonly ports: readonly EndpointPort[]; readonly pods: Pod[] };

/** Pods with an address, grouped by what the service's ports mean for them: named target ports may differ between pods. */
function groupByPorts(service: Service, pods: readonly Pod[]): readonly Group[] {
  const groups = new Map<string, Group>();
  const usable = pods.filter((pod) => pod.status?.podIP && !isEnded(pod));
  for (const pod of usable.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))) {
    const ports = portsFor(service, pod);
    const id = canonicalJson(ports);
    const group = groups.get(id) ?? { ports, pods: [] };
    groups.set(id, group);
    group.pods.push(pod);
  }
  return [...groups.values()];
}

function portsFor(service: Service, pod: Pod): readonly EndpointPort[] {
  return (service.spec?.ports ?? []).flatMap(
    ({ name = '', port, protocol = 'TCP', appProtocol, targetPort = port }) => {
      const number = typeof targetPort === 'number' ? targetPort : findPort(pod, targetPort, protocol);
      return number === undefined ? [] : [{ name, port: number, protocol, ...(appProtocol && { appProtocol }) }];
    },
  );
}

function findPort(pod: Pod, name: string, protocol: string): number | undefined {
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  const ports = containers.flatMap((container) => container.ports ?? []);
  return ports.find((port) => port.name === name && (port.protocol ?? 'TCP') === protocol)?.containerPort;
}

function targetOf({ metadata }: Pod): TargetRef {
  const { namespace, name, uid } = metadata;
  return { kind: 'Pod', ...(namespace && { namespace }), name, ...(uid && { uid }) };
}

/** The slices that the service shall have. Names are made of the service and the ports. Pure. */
export function buildSlices(service: Service, pods: readonly Pod[]): readonly EndpointSlice[] {
  return groupByPorts(service, pods).flatMap(({ ports, pods: members }) => {
    const count = Math.ceil(members.length / maxEndpoints);
    return Array.from({ length: count }, (_, index) => {
      const part = members.slice(index * maxEndpoints, (index + 1) * maxEndpoints);
      const suffix = safeText(fnv32(canonicalJson([service.metadata.uid, ports, index]))).slice(0, 5);
      return buildSlice(
        service,
        suffix,
        ports,
        part.map((pod) => toEndpoint(service, pod)),
      );
    });
  });
}

function buildSlice(
  service: Service,
  suffix: string,
  ports: readonly EndpointPort[],
  endpoints: readonly Endpoint[],
): EndpointSlice {
  const { name, namespace, labels } = service.metadata;
  const headless = service.spec?.clusterIP === 'None' ? { 'service.kubernetes.io/headless': '' } : {};
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${name}-${suffix}`,
      ...(namespace !== undefined && { namespace }),
      labels: { ...labels, ...headless, [serviceNameLabel]: name, [managedByLabel]: managedBy },
      ownerReferences: [ownerReferenceTo(service)],
    },
    addressType: 'IPv4',
    endpoints,
    ports,
  };
}

function toEndpoint(service: Service, pod: Pod): Endpoint {
  const serving = isReady(pod);
  const terminating = isDeleting(pod);
  const ready = service.spec?.publishNotReadyAddresses === true || (serving && !terminating);
  const { hostname, subdomain } = pod.spec ?? {};
  const named = typeof hostname === 'string' && hostname !== '' && subdomain === service.metadata.name;
  return {
    addresses: [pod.status?.podIP ?? ''],
    conditions: { ready, serving, terminating },
    ...(pod.spec?.nodeName && { nodeName: pod.spec.nodeName }),
    ...(named && { hostname }),
    targetRef: targetOf(pod),
  };
}

/** The Endpoints object that the service shall have: the older form of the same. Pure. */
export function buildEndpoints(service: Service, pods: readonly Pod[]): Endpoints {
  const { name, namespace, labels } = service.metadata;
  const subsets = groupByPorts(
    service,
    pods.filter((pod) => !isDeleting(pod)),
  ).map(({ ports, pods: members }): Subset => {
    const [ready, notReady]: [Address[], Address[]] = [[], []];
    for (const pod of members) {
      const address = { ip: pod.status?.podIP ?? '', ...(pod.spec?.nodeName && { nodeName: pod.spec.nodeName }) };
      const serves = isReady(pod) || service.spec?.publishNotReadyAddresses === true;
      (serves ? ready : notReady).push({ ...address, targetRef: targetOf(pod) });
    }
    return {
      ...(ready.length > 0 && { addresses: ready }),
      ...(notReady.length > 0 && { notReadyAddresses: notReady }),
      ports,
    };
  });
  const owner: readonly OwnerReference[] = [ownerReferenceTo(service)];
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name, ...(namespace && { namespace }), ...(labels && { labels }), ownerReferences: owner },
    ...(subsets.length > 0 && { subsets }),
  };
}
