import type { KubeObject } from '@sluice/model';
import { StatusError } from '../http/status-error.ts';
import type { KindInfo } from '../kinds/kind.ts';
import type { Api, ResourceRequest } from '../rest/api.ts';
import { changeObject, createObject } from '../rest/write.ts';
import { systemNamespaces } from '../strategies/namespace.ts';
import { bootstrapRoles } from './bootstrap-roles.ts';

const fieldManager = 'kube-apiserver';

/** What a cluster has before anybody asked for anything. The service `kubernetes` follows the port of this server. */
export async function ensureInitialObjects(api: Api, host: string, port: number, serviceIp: string): Promise<void> {
  const namespaces = systemNamespaces.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
  await Promise.all(namespaces.map((object) => ensure(api, object)));
  await Promise.all(bootstrapRoles.map((object) => ensure(api, object)));
  await ensure(api, kubernetesService(port, serviceIp), true);
  await ensure(api, kubernetesEndpoints(host, port), true);
}

function kubernetesService(port: number, clusterIP: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'kubernetes', namespace: 'default', labels: { component: 'apiserver', provider: 'kubernetes' } },
    // Not 443: the proxy that listens on this address may not open ports below 1024.
    spec: {
      type: 'ClusterIP',
      clusterIP,
      ports: [{ name: 'https', port, protocol: 'TCP', targetPort: port }],
    },
  };
}

type EndpointSlice = KubeObject & {
  readonly addressType: string;
  readonly endpoints: unknown;
  readonly ports: unknown;
};

function kubernetesEndpoints(host: string, port: number): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'kubernetes', namespace: 'default', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: [host], conditions: { ready: true } }],
    ports: [{ name: 'https', port, protocol: 'TCP' }],
  };
}

async function ensure(api: Api, object: KubeObject, update = false): Promise<void> {
  const kind = api.registry.findKind(object.apiVersion, object.kind);
  if (!kind) throw new Error(`the kind table has no ${object.apiVersion} ${object.kind}`);
  const target = { kind, path: pathOf(kind, object) };
  try {
    await createObject(api, target, object, { dryRun: false, fieldManager });
  } catch (error) {
    if (!(error instanceof StatusError && error.reason === 'AlreadyExists')) throw error;
    if (update) await changeObject(api, target, () => object, { manager: fieldManager, subresource: '' }, false);
  }
}

function pathOf(kind: KindInfo, { metadata }: KubeObject): ResourceRequest['path'] {
  const { group, version, plural } = kind;
  return {
    group,
    version,
    namespace: metadata.namespace ?? '',
    plural,
    name: metadata.name,
    subresource: '',
    watch: false,
  };
}
