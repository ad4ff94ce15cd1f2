import type { KubeObject } from '@sluice/model';
import { ageOf } from './age.ts';
import { age, column, count, formatLabels, formatSelector, joined, name, text, wide } from './column.ts';
import type { Column } from './kind.ts';
import { isRecord, listAt, numberAt, recordAt, textAt, valueAt } from './object-access.ts';

const statusOf = (path: string) => (object: KubeObject) =>
  object.metadata.deletionTimestamp ? 'Terminating' : textAt(object, path);

const namespace: readonly Column[] = [name, column('Status', text('status.phase')), age];

function nodeRoles(node: KubeObject): string {
  const prefix = 'node-role.kubernetes.io/';
  const roles = Object.keys(node.metadata.labels ?? {}).filter((key) => key.startsWith(prefix));
  return joined(roles.map((key) => key.slice(prefix.length)).toSorted());
}

function nodeStatus(node: KubeObject): string {
  const ready = listAt(node, 'status.conditions').find((item) => textAt(item, 'type') === 'Ready');
  const status = ready === undefined ? 'Unknown' : textAt(ready, 'status') === 'True' ? 'Ready' : 'NotReady';
  return valueAt(node, 'spec.unschedulable') === true ? `${status},SchedulingDisabled` : status;
}

const addressOf = (type: string) => (node: KubeObject) =>
  textAt(
    listAt(node, 'status.addresses').find((item) => textAt(item, 'type') === type),
    'address',
  ) || '<none>';

const node: readonly Column[] = [
  name,
  column('Status', nodeStatus),
  column('Roles', nodeRoles),
  age,
  column('Version', text('status.nodeInfo.kubeletVersion')),
  wide('Internal-IP', addressOf('InternalIP')),
  wide('External-IP', addressOf('ExternalIP')),
  wide('OS-Image', text('status.nodeInfo.osImage', '<unknown>')),
  wide('Kernel-Version', text('status.nodeInfo.kernelVersion', '<unknown>')),
  wide('Container-Runtime', text('status.nodeInfo.containerRuntimeVersion', '<unknown>')),
];

function servicePorts(service: KubeObject): string {
  return joined(
    listAt(service, 'spec.ports').map((port) => {
      const nodePort = numberAt(port, 'nodePort');
      const protocol = textAt(port, 'protocol') || 'TCP';
      return nodePort ? `${numberAt(port, 'port')}:${nodePort}/${protocol}` : `${numberAt(port, 'port')}/${protocol}`;
    }),
  );
}

function externalAddress(service: KubeObject): string {
  const external = listAt(service, 'spec.externalIPs').map(String);
  const kind = textAt(service, 'spec.type');
  if (kind === 'ExternalName') return textAt(service, 'spec.externalName');
  if (kind !== 'LoadBalancer') return joined(external);
  const ingress = listAt(service, 'status.loadBalancer.ingress').map((i) => textAt(i, 'ip') || textAt(i, 'hostname'));
  return joined([...ingress, ...external], '<pending>');
}

const service: readonly Column[] = [
  name,
  column('Type', text('spec.type')),
  column('Cluster-IP', text('spec.clusterIP', '<none>')),
  column('External-IP', externalAddress),
  column('Port(s)', servicePorts),
  age,
  wide('Selector', (object) => formatLabels(valueAt(object, 'spec.selector'))),
];

function endpointText(endpoints: KubeObject): string {
  const all = listAt(endpoints, 'subsets').flatMap((subset) => {
    const addresses = listAt(subset, 'addresses').map((item) => textAt(item, 'ip'));
    const ports = listAt(subset, 'ports').map((port) => numberAt(port, 'port'));
    return ports.length === 0 ? addresses : ports.flatMap((port) => addresses.map((ip) => `${ip}:${port}`));
  });
  if (all.length === 0) return '<none>';
  return all.length > 3 ? `${all.slice(0, 3).join(',')} + ${all.length - 3} more...` : all.join(',');
}

const shortened = (values: readonly unknown[], otherwise: string): string => {
  if (values.length === 0) return otherwise;
  const shown = values.slice(0, 3).map(String).join(',');
  return values.length > 3 ? `${shown} + ${values.length - 3} more...` : shown;
};

const endpointSlice: readonly Column[] = [
  name,
  column('AddressType', text('addressType')),
  column('Ports', (o) =>
    shortened(
      listAt(o, 'ports').map((port) => valueAt(port, 'port') ?? '*'),
      '<unset>',
    ),
  ),
  column('Endpoints', (o) =>
    shortened(
      listAt(o, 'endpoints').flatMap((item) => listAt(item, 'addresses')),
      '<unset>',
    ),
  ),
  age,
];

const configMap: readonly Column[] = [
  name,
  count('Data', (o) => Object.keys(recordAt(o, 'data')).length + Object.keys(recordAt(o, 'binaryData')).length),
  age,
];

const secret: readonly Column[] = [
  name,
  column('Type', text('type')),
  count('Data', (object) => Object.keys(recordAt(object, 'data')).length),
  age,
];

const serviceAccount: readonly Column[] = [name, count('Secrets', (object) => listAt(object, 'secrets').length), age];

const accessModeNames: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};

const accessModes = (path: string) => (object: KubeObject) =>
  listAt(object, path)
    .map((mode) => accessModeNames[String(mode)] ?? String(mode))
    .join(',');

const volume: readonly Column[] = [
  name,
  column('Capacity', (object) => textAt(recordAt(object, 'spec.capacity'), 'storage')),
  column('Access Modes', accessModes('spec.accessModes')),
  column('Reclaim Policy', text('spec.persistentVolumeReclaimPolicy')),
  column('Status', statusOf('status.phase')),
  column('Claim', (object) => {
    const claim = valueAt(object, 'spec.claimRef');
    return isRecord(claim) ? `${textAt(claim, 'namespace')}/${textAt(claim, 'name')}` : '';
  }),
  column('StorageClass', text('spec.storageClassName')),
  column('VolumeAttributesClass', text('spec.volumeAttributesClassName', '<unset>')),
  column('Reason', text('status.reason')),
  age,
  wide('VolumeMode', text('spec.volumeMode', '<unset>')),
];

const claim: readonly Column[] = [
  name,
  column('Status', statusOf('status.phase')),
  column('Volume', text('spec.volumeName')),
  column('Capacity', (o) => (textAt(o, 'spec.volumeName') ? textAt(recordAt(o, 'status.capacity'), 'storage') : '')),
  column('Access Modes', (o) => (textAt(o, 'spec.volumeName') ? accessModes('status.accessModes')(o) : '')),
  column('StorageClass', text('spec.storageClassName')),
  column('VolumeAttributesClass', text('spec.volumeAttributesClassName', '<unset>')),
  age,
  wide('VolumeMode', text('spec.volumeMode', '<unset>')),
];

function lastSeen(event: KubeObject, now: number): string {
  const at =
    textAt(event, 'series.lastObservedTime') || textAt(event, 'lastTimestamp') || textAt(event, 'firstTimestamp');
  return ageOf(at || textAt(event, 'eventTime'), now);
}

const eventName = (event: KubeObject) =>
  `${textAt(event, 'involvedObject.kind').toLowerCase()}/${textAt(event, 'involvedObject.name')}`;

const event: readonly Column[] = [
  column('Last Seen', lastSeen),
  column('Type', text('type')),
  column('Reason', text('reason')),
  column('Object', eventName),
  wide('Subobject', text('involvedObject.fieldPath')),
  wide('Source', (o) => joined([textAt(o, 'source.component'), textAt(o, 'source.host')].filter(Boolean), '')),
  column('Message', (object) => textAt(object, 'message').trim()),
  wide('First Seen', (o, now) => ageOf(textAt(o, 'firstTimestamp') || textAt(o, 'eventTime'), now)),
  wide('Count', (object) => String(numberAt(object, 'series.count') || numberAt(object, 'count') || 1)),
  column('Name', (object) => object.metadata.name, { format: 'name', wide: true }),
];

const newEvent: readonly Column[] = [
  column('Last Seen', (o, now) =>
    ageOf(textAt(o, 'series.lastObservedTime') || textAt(o, 'deprecatedLastTimestamp') || textAt(o, 'eventTime'), now),
  ),
  column('Type', text('type')),
  column('Reason', text('reason')),
  column('Object', (o) => `${textAt(o, 'regarding.kind').toLowerCase()}/${textAt(o, 'regarding.name')}`),
  column('Message', (object) => textAt(object, 'note').trim()),
  column('Name', (object) => object.metadata.name, { format: 'name', wide: true }),
];

const ingress: readonly Column[] = [
  name,
  column('Class', (o) => textAt(o, 'spec.ingressClassName') || ingressAnnotation(o)),
  column('Hosts', (object) => {
    const hosts = listAt(object, 'spec.rules').map((rule) => textAt(rule, 'host'));
    return shortened(hosts.filter(Boolean), '*');
  }),
  column('Address', (object) => {
    const points = listAt(object, 'status.loadBalancer.ingress');
    return joined(
      points.map((point) => textAt(point, 'ip') || textAt(point, 'hostname')),
      '',
    );
  }),
  column('Ports', (object) => (listAt(object, 'spec.tls').length > 0 ? '80, 443' : '80')),
  age,
];

function ingressAnnotation(object: KubeObject): string {
  return object.metadata.annotations?.['kubernetes.io/ingress.class'] ?? '<none>';
}

const roleRef = column('Role', (o) => `${textAt(o, 'roleRef.kind')}/${textAt(o, 'roleRef.name')}`);
const subjectsOf = (kind: string) => (object: KubeObject) =>
  listAt(object, 'subjects')
    .filter((subject) => textAt(subject, 'kind') === kind)
    .map((s) => (kind === 'ServiceAccount' ? `${textAt(s, 'namespace')}/${textAt(s, 'name')}` : textAt(s, 'name')))
    .join(', ');
const binding: readonly Column[] = [
  name,
  roleRef,
  age,
  wide('Users', subjectsOf('User')),
  wide('Groups', subjectsOf('Group')),
  wide('ServiceAccounts', subjectsOf('ServiceAccount')),
];
const createdAt: readonly Column[] = [name, column('Created At', (object) => object.metadata.creationTimestamp ?? '')];

/** The name, with a mark for the class that claims without one get. */
function defaultClassName({ metadata }: KubeObject): string {
  const isDefault = metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true';
  return isDefault ? `${metadata.name} (default)` : metadata.name;
}

/** Columns of everything that is not a workload, by `group/version/kind`. */
export const clusterColumns: readonly (readonly [string, readonly Column[]])[] = [
  ['v1/Namespace', namespace],
  ['v1/Node', node],
  ['v1/Service', service],
  ['v1/Endpoints', [name, column('Endpoints', endpointText), age]],
  ['v1/ConfigMap', configMap],
  ['v1/Secret', secret],
  ['v1/ServiceAccount', serviceAccount],
  ['v1/PersistentVolume', volume],
  ['v1/PersistentVolumeClaim', claim],
  ['v1/Event', event],
  ['events.k8s.io/v1/Event', newEvent],
  ['v1/LimitRange', createdAt],
  ['discovery.k8s.io/v1/EndpointSlice', endpointSlice],
  ['networking.k8s.io/v1/Ingress', ingress],
  [
    'networking.k8s.io/v1/NetworkPolicy',
    [name, column('Pod-Selector', (o) => formatSelector(valueAt(o, 'spec.podSelector'))), age],
  ],
  [
    'networking.k8s.io/v1/IngressClass',
    [
      name,
      column('Controller', text('spec.controller')),
      column('Parameters', text('spec.parameters.name', '<none>')),
      age,
    ],
  ],
  ['rbac.authorization.k8s.io/v1/Role', createdAt],
  ['rbac.authorization.k8s.io/v1/ClusterRole', createdAt],
  ['rbac.authorization.k8s.io/v1/RoleBinding', binding],
  ['rbac.authorization.k8s.io/v1/ClusterRoleBinding', binding],
  ['coordination.k8s.io/v1/Lease', [name, column('Holder', text('spec.holderIdentity')), age]],
  [
    'scheduling.k8s.io/v1/PriorityClass',
    [
      name,
      count('Value', (o) => numberAt(o, 'value')),
      column('Global-Default', (o) => valueAt(o, 'globalDefault') === true, { type: 'boolean' }),
      age,
    ],
  ],
  [
    'storage.k8s.io/v1/StorageClass',
    [
      column('Name', defaultClassName, { format: 'name' }),
      column('Provisioner', text('provisioner')),
      column('ReclaimPolicy', text('reclaimPolicy', 'Delete')),
      column('VolumeBindingMode', text('volumeBindingMode', 'Immediate')),
      column('AllowVolumeExpansion', (o) => valueAt(o, 'allowVolumeExpansion') === true, { type: 'boolean' }),
      age,
    ],
  ],
  ['apiextensions.k8s.io/v1/CustomResourceDefinition', createdAt],
];
