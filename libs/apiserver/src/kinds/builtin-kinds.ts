import { builtinColumns, defaultColumns } from './columns.ts';
import { builtinType } from './builtin-types.ts';
import type { KindInfo, ScalePaths, Verb } from './kind.ts';

/*
 * One kind a line: group version, kind, plural, then words: `ns` namespaced, `status` and `scale` subresources, `gen` counts generations,
 * `post` answers a POST and `read` a GET; both are never stored. short=a,b, in=category, select=path,path for field selectors.
 */
const table = `
v1 Namespace namespaces status short=ns select=status.phase
v1 Node nodes status short=no select=spec.unschedulable
v1 Pod pods ns status short=po in=all select=spec.nodeName,spec.restartPolicy,spec.schedulerName,spec.serviceAccountName,spec.hostNetwork,status.phase,status.podIP,status.nominatedNodeName
v1 Service services ns status short=svc in=all select=spec.clusterIP,spec.type
v1 Endpoints endpoints ns short=ep
v1 ConfigMap configmaps ns short=cm
v1 Secret secrets ns select=type
v1 ServiceAccount serviceaccounts ns short=sa
v1 PersistentVolume persistentvolumes status short=pv
v1 PersistentVolumeClaim persistentvolumeclaims ns status short=pvc
v1 Event events ns short=ev select=involvedObject.kind,involvedObject.namespace,involvedObject.name,involvedObject.uid,involvedObject.apiVersion,involvedObject.resourceVersion,involvedObject.fieldPath,reason,reportingComponent,source,type
v1 ReplicationController replicationcontrollers ns status scale gen short=rc in=all select=status.replicas
v1 ResourceQuota resourcequotas ns status short=quota
v1 LimitRange limitranges ns short=limits
v1 PodTemplate podtemplates ns
v1 Binding bindings ns post
apps/v1 Deployment deployments ns status scale gen short=deploy in=all
apps/v1 ReplicaSet replicasets ns status scale gen short=rs in=all select=status.replicas
apps/v1 StatefulSet statefulsets ns status scale gen short=sts in=all
apps/v1 DaemonSet daemonsets ns status gen short=ds in=all
apps/v1 ControllerRevision controllerrevisions ns
batch/v1 Job jobs ns status gen in=all select=status.successful
batch/v1 CronJob cronjobs ns status gen short=cj in=all
autoscaling/v2 HorizontalPodAutoscaler horizontalpodautoscalers ns status short=hpa in=all
autoscaling/v1 HorizontalPodAutoscaler horizontalpodautoscalers ns status short=hpa in=all
networking.k8s.io/v1 Ingress ingresses ns status gen short=ing
networking.k8s.io/v1 IngressClass ingressclasses gen
networking.k8s.io/v1 NetworkPolicy networkpolicies ns gen short=netpol
policy/v1 PodDisruptionBudget poddisruptionbudgets ns status gen short=pdb
rbac.authorization.k8s.io/v1 Role roles ns
rbac.authorization.k8s.io/v1 RoleBinding rolebindings ns
rbac.authorization.k8s.io/v1 ClusterRole clusterroles
rbac.authorization.k8s.io/v1 ClusterRoleBinding clusterrolebindings
storage.k8s.io/v1 StorageClass storageclasses short=sc
storage.k8s.io/v1 VolumeAttachment volumeattachments status
storage.k8s.io/v1 CSIDriver csidrivers
storage.k8s.io/v1 CSINode csinodes
storage.k8s.io/v1 CSIStorageCapacity csistoragecapacities ns
storage.k8s.io/v1 VolumeAttributesClass volumeattributesclasses short=vac
coordination.k8s.io/v1 Lease leases ns
discovery.k8s.io/v1 EndpointSlice endpointslices ns
events.k8s.io/v1 Event events ns short=ev select=reason,reportingController,regarding.kind,regarding.namespace,regarding.name,regarding.uid,regarding.apiVersion,regarding.resourceVersion,regarding.fieldPath,type
scheduling.k8s.io/v1 PriorityClass priorityclasses short=pc gen
node.k8s.io/v1 RuntimeClass runtimeclasses
admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration validatingwebhookconfigurations gen in=api-extensions
admissionregistration.k8s.io/v1 MutatingWebhookConfiguration mutatingwebhookconfigurations gen in=api-extensions
apiextensions.k8s.io/v1 CustomResourceDefinition customresourcedefinitions status gen short=crd,crds in=api-extensions
authentication.k8s.io/v1 TokenReview tokenreviews post
authentication.k8s.io/v1 SelfSubjectReview selfsubjectreviews post
authorization.k8s.io/v1 SubjectAccessReview subjectaccessreviews post
authorization.k8s.io/v1 LocalSubjectAccessReview localsubjectaccessreviews ns post
authorization.k8s.io/v1 SelfSubjectAccessReview selfsubjectaccessreviews post
authorization.k8s.io/v1 SelfSubjectRulesReview selfsubjectrulesreviews post
`;

const usageTable = `
metrics.k8s.io/v1beta1 NodeMetrics nodes read
metrics.k8s.io/v1beta1 PodMetrics pods ns read
`;

const scale: ScalePaths = {
  specPath: '.spec.replicas',
  statusPath: '.status.replicas',
  selectorPath: '.status.selector',
};

const allVerbs: readonly Verb[] = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/** The verbs of a stored kind. */
export const storedVerbs: readonly Verb[] = allVerbs;

/** Every built-in kind, core group first; of a group with several versions the preferred one comes first. */
export const builtinKinds: readonly KindInfo[] = readKinds(table);

/** The kinds behind `kubectl top`, for a server that knows what pods use. */
export const usageKinds: readonly KindInfo[] = readKinds(usageTable);

function readKinds(text: string): readonly KindInfo[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map(readKind);
}

function readKind(line: string): KindInfo {
  const [apiVersion = '', kind = '', plural = '', ...words] = line.split(' ');
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/', 2) : ['', apiVersion];
  const schema = builtinType(apiVersion, kind);
  if (schema === undefined) throw new Error(`the kind table has no type for ${apiVersion} ${kind}`);
  const valuesOf = (word: string) =>
    words
      .find((part) => part.startsWith(`${word}=`))
      ?.slice(word.length + 1)
      .split(',') ?? [];
  const stored = !words.includes('post') && !words.includes('read');
  return {
    group: group ?? '',
    version: version ?? '',
    kind,
    listKind: `${kind}List`,
    plural,
    singular: kind.toLowerCase(),
    shortNames: valuesOf('short'),
    categories: valuesOf('in'),
    namespaced: words.includes('ns'),
    verbs: stored ? allVerbs : words.includes('read') ? ['get', 'list'] : ['create'],
    stored,
    subresources: {
      ...(words.includes('status') ? { status: true } : {}),
      ...(words.includes('scale') ? { scale } : {}),
    },
    schema,
    columns: builtinColumns.get(`${apiVersion}/${kind}`) ?? defaultColumns,
    selectableFields: valuesOf('select'),
    counted: words.includes('gen'),
    custom: false,
    storageVersion: version ?? '',
  };
}
