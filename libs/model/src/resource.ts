/** A REST resource: what is needed to build the path of an object of a kind. `group` is '' for the core group. */
export type Resource = {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
};

/** `v1` or `apps/v1`. */
export function apiVersionOf(resource: Resource): string {
  return resource.group ? `${resource.group}/${resource.version}` : resource.version;
}

function define(group: string, version: string, plural: string, kind: string, namespaced = true): Resource {
  return Object.freeze({ group, version, plural, kind, namespaced });
}

/** The resources that our own programs use, by short name. */
export const resources = Object.freeze({
  namespaces: define('', 'v1', 'namespaces', 'Namespace', false),
  nodes: define('', 'v1', 'nodes', 'Node', false),
  pods: define('', 'v1', 'pods', 'Pod'),
  services: define('', 'v1', 'services', 'Service'),
  endpoints: define('', 'v1', 'endpoints', 'Endpoints'),
  configMaps: define('', 'v1', 'configmaps', 'ConfigMap'),
  secrets: define('', 'v1', 'secrets', 'Secret'),
  serviceAccounts: define('', 'v1', 'serviceaccounts', 'ServiceAccount'),
  persistentVolumes: define('', 'v1', 'persistentvolumes', 'PersistentVolume', false),
  persistentVolumeClaims: define('', 'v1', 'persistentvolumeclaims', 'PersistentVolumeClaim'),
  events: define('', 'v1', 'events', 'Event'),
  deployments: define('apps', 'v1', 'deployments', 'Deployment'),
  replicaSets: define('apps', 'v1', 'replicasets', 'ReplicaSet'),
  statefulSets: define('apps', 'v1', 'statefulsets', 'StatefulSet'),
  daemonSets: define('apps', 'v1', 'daemonsets', 'DaemonSet'),
  jobs: define('batch', 'v1', 'jobs', 'Job'),
  cronJobs: define('batch', 'v1', 'cronjobs', 'CronJob'),
  endpointSlices: define('discovery.k8s.io', 'v1', 'endpointslices', 'EndpointSlice'),
  podDisruptionBudgets: define('policy', 'v1', 'poddisruptionbudgets', 'PodDisruptionBudget'),
  leases: define('coordination.k8s.io', 'v1', 'leases', 'Lease'),
  storageClasses: define('storage.k8s.io', 'v1', 'storageclasses', 'StorageClass', false),
  customResourceDefinitions: define(
    'apiextensions.k8s.io',
    'v1',
    'customresourcedefinitions',
    'CustomResourceDefinition',
    false,
  ),
  workflows: define('argoproj.io', 'v1alpha1', 'workflows', 'Workflow'),
  workflowTemplates: define('argoproj.io', 'v1alpha1', 'workflowtemplates', 'WorkflowTemplate'),
  clusterWorkflowTemplates: define(
    'argoproj.io',
    'v1alpha1',
    'clusterworkflowtemplates',
    'ClusterWorkflowTemplate',
    false,
  ),
  cronWorkflows: define('argoproj.io', 'v1alpha1', 'cronworkflows', 'CronWorkflow'),
  helmReleases: define('helm.toolkit.fluxcd.io', 'v2', 'helmreleases', 'HelmRelease'),
  helmRepositories: define('source.toolkit.fluxcd.io', 'v1', 'helmrepositories', 'HelmRepository'),
  helmCharts: define('source.toolkit.fluxcd.io', 'v1', 'helmcharts', 'HelmChart'),
  ociRepositories: define('source.toolkit.fluxcd.io', 'v1', 'ocirepositories', 'OCIRepository'),
  gitRepositories: define('source.toolkit.fluxcd.io', 'v1', 'gitrepositories', 'GitRepository'),
  externalArtifacts: define('source.toolkit.fluxcd.io', 'v1', 'externalartifacts', 'ExternalArtifact'),
  chartKinds: define('sluice.dev', 'v1alpha1', 'chartkinds', 'ChartKind', false),
  repositories: define('sluice.dev', 'v1alpha1', 'repositories', 'Repository'),
  environments: define('sluice.dev', 'v1alpha1', 'environments', 'Environment'),
});
