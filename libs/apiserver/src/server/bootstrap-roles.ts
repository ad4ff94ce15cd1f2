import type { KubeObject } from '@sluice/model';

type Rule = Readonly<Record<string, readonly string[]>>;

const apiVersion = 'rbac.authorization.k8s.io/v1';
const labels = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
const read = ['get', 'list', 'watch'];
const write = ['create', 'delete', 'deletecollection', 'patch', 'update'];

const rule = (group: string, verbs: readonly string[], ...resources: readonly string[]): Rule => ({
  apiGroups: [group],
  resources,
  verbs,
});

const urls = (...nonResourceURLs: readonly string[]): Rule => ({ nonResourceURLs, verbs: ['get'] });

const coreObjects = [
  'configmaps',
  'endpoints',
  'events',
  'persistentvolumeclaims',
  'pods',
  'replicationcontrollers',
  'replicationcontrollers/scale',
  'serviceaccounts',
  'services',
];
const workloads = [
  'daemonsets',
  'deployments',
  'deployments/scale',
  'replicasets',
  'replicasets/scale',
  'statefulsets',
  'statefulsets/scale',
];
const others: readonly (readonly [group: string, resources: readonly string[]])[] = [
  ['apps', workloads],
  ['autoscaling', ['horizontalpodautoscalers']],
  ['batch', ['cronjobs', 'jobs']],
  ['discovery.k8s.io', ['endpointslices']],
  ['networking.k8s.io', ['ingresses', 'networkpolicies']],
  ['policy', ['poddisruptionbudgets']],
];

const viewed: readonly Rule[] = [
  rule('', read, ...coreObjects, 'bindings', 'limitranges', 'namespaces', 'pods/log', 'pods/status', 'resourcequotas'),
  ...others.map(([group, resources]) => rule(group, read, ...resources)),
  rule('apps', read, 'controllerrevisions'),
];
const edited: readonly Rule[] = [
  rule(
    '',
    [...read, ...write],
    'pods/attach',
    'pods/exec',
    'pods/portforward',
    'pods/proxy',
    'secrets',
    'services/proxy',
  ),
  rule('', ['impersonate'], 'serviceaccounts'),
  rule('', write, ...coreObjects.filter((name) => name !== 'endpoints')),
  rule('', ['create'], 'pods/eviction', 'serviceaccounts/token'),
  ...others
    .filter(([group]) => group !== 'discovery.k8s.io')
    .map(([group, resources]) => rule(group, write, ...resources)),
  rule('coordination.k8s.io', [...read, ...write], 'leases'),
];
const administered: readonly Rule[] = [
  rule('authorization.k8s.io', ['create'], 'localsubjectaccessreviews'),
  rule(apiVersion.split('/')[0] ?? '', [...read, ...write], 'rolebindings', 'roles'),
];

function role(name: string, rules: readonly Rule[], into: readonly string[] = []): KubeObject {
  const aggregated = into.map((target) => [`rbac.authorization.k8s.io/aggregate-to-${target}`, 'true']);
  const metadata = { name, labels: { ...labels, ...Object.fromEntries(aggregated) } };
  return { apiVersion, kind: 'ClusterRole', metadata, rules } as KubeObject;
}

function aggregate(name: string, into: readonly string[] = []): KubeObject {
  const clusterRoleSelectors = [{ matchLabels: { [`rbac.authorization.k8s.io/aggregate-to-${name}`]: 'true' } }];
  return { ...role(name, [], into), aggregationRule: { clusterRoleSelectors } } as KubeObject;
}

function binding(name: string, ...groups: readonly string[]): KubeObject {
  const apiGroup = 'rbac.authorization.k8s.io';
  const subjects = groups.map((group) => ({ kind: 'Group', apiGroup, name: group }));
  const roleRef = { kind: 'ClusterRole', apiGroup, name };
  return { apiVersion, kind: 'ClusterRoleBinding', metadata: { name, labels }, subjects, roleRef } as KubeObject;
}

/** The roles and bindings that every cluster begins with, as far as there is somebody here who needs them. */
export const bootstrapRoles: readonly KubeObject[] = [
  role('cluster-admin', [
    { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
    { nonResourceURLs: ['*'], verbs: ['*'] },
  ]),
  role('system:aggregate-to-view', viewed, ['view']),
  role('system:aggregate-to-edit', edited, ['edit']),
  role('system:aggregate-to-admin', administered, ['admin']),
  aggregate('view', ['edit']),
  aggregate('edit', ['admin']),
  aggregate('admin'),
  role('system:discovery', [
    urls(
      '/api',
      '/api/*',
      '/apis',
      '/apis/*',
      '/healthz',
      '/livez',
      '/openapi',
      '/openapi/*',
      '/readyz',
      '/version',
      '/version/',
    ),
  ]),
  role('system:public-info-viewer', [urls('/healthz', '/livez', '/readyz', '/version', '/version/')]),
  role('system:basic-user', [
    rule('authorization.k8s.io', ['create'], 'selfsubjectaccessreviews', 'selfsubjectrulesreviews'),
    rule('authentication.k8s.io', ['create'], 'selfsubjectreviews'),
  ]),
  role('system:auth-delegator', [
    rule('authentication.k8s.io', ['create'], 'tokenreviews'),
    rule('authorization.k8s.io', ['create'], 'subjectaccessreviews'),
  ]),
  binding('cluster-admin', 'system:masters'),
  binding('system:discovery', 'system:authenticated'),
  binding('system:basic-user', 'system:authenticated'),
  binding('system:public-info-viewer', 'system:authenticated', 'system:unauthenticated'),
];
