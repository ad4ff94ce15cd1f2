import { plainText } from '../kinds/object-access.ts';
import type { Json } from '@sluice/model';
import { getOwn, isList, isObject, type MutableObject } from '../patch/json-value.ts';
import { at, derived, each, type Fill, inside, missing, steps, when } from './fill.ts';
import { podSpec, podTemplate } from './pod-defaults.ts';

const spec = (...fills: readonly Fill[]): Fill => steps(missing({ spec: {} }), inside('spec', steps(...fills)));

const template = inside('template', podTemplate);

const is =
  (name: string, ...values: readonly string[]) =>
  (object: MutableObject): boolean =>
    values.includes(plainText(getOwn(object, name)));

const service = spec(
  missing({ type: 'ClusterIP', sessionAffinity: 'None' }),
  each(
    'ports',
    steps(
      missing({ protocol: 'TCP' }),
      derived('targetPort', (port) => getOwn(port, 'port')),
    ),
  ),
  when(
    is('sessionAffinity', 'ClientIP'),
    steps(
      missing({ sessionAffinityConfig: {} }),
      at(
        'sessionAffinityConfig',
        steps(missing({ clientIP: {} }), inside('clientIP', missing({ timeoutSeconds: 10_800 }))),
      ),
    ),
  ),
  when(is('type', 'NodePort', 'LoadBalancer'), missing({ externalTrafficPolicy: 'Cluster' })),
  when(is('type', 'LoadBalancer'), missing({ allocateLoadBalancerNodePorts: true })),
  when(is('type', 'ClusterIP', 'NodePort', 'LoadBalancer'), missing({ internalTrafficPolicy: 'Cluster' })),
);

const deployment = spec(
  missing({ replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600, strategy: {} }),
  inside('strategy', steps(missing({ type: 'RollingUpdate' }), rolling({ maxUnavailable: '25%', maxSurge: '25%' }))),
  template,
);

function rolling(defaults: { readonly [name: string]: Json }): Fill {
  return when(
    is('type', 'RollingUpdate'),
    steps(missing({ rollingUpdate: {} }), inside('rollingUpdate', missing(defaults))),
  );
}

const claim = spec(missing({ volumeMode: 'Filesystem' }));

const statefulSet = spec(
  missing({ replicas: 1, revisionHistoryLimit: 10, podManagementPolicy: 'OrderedReady', updateStrategy: {} }),
  missing({ persistentVolumeClaimRetentionPolicy: {} }),
  inside('persistentVolumeClaimRetentionPolicy', missing({ whenDeleted: 'Retain', whenScaled: 'Retain' })),
  inside('updateStrategy', steps(missing({ type: 'RollingUpdate' }), rolling({ partition: 0 }))),
  each(
    'volumeClaimTemplates',
    steps(
      missing({ apiVersion: 'v1', kind: 'PersistentVolumeClaim' }),
      claim,
      missing({ status: { phase: 'Pending' } }),
    ),
  ),
  template,
);

const daemonSet = spec(
  missing({ revisionHistoryLimit: 10, updateStrategy: {} }),
  inside('updateStrategy', steps(missing({ type: 'RollingUpdate' }), rolling({ maxUnavailable: 1, maxSurge: 0 }))),
  template,
);

const jobSpec = steps(
  (object) => {
    const counted = ['completions', 'parallelism'].some((name) => (getOwn(object, name) ?? null) !== null);
    return counted ? object : missing({ completions: 1, parallelism: 1 })(object);
  },
  missing({ parallelism: 1, completionMode: 'NonIndexed', suspend: false }),
  derived('backoffLimit', (object) => (getOwn(object, 'backoffLimitPerIndex') === undefined ? 6 : 2_147_483_647)),
  derived('podReplacementPolicy', (object) =>
    getOwn(object, 'podFailurePolicy') === undefined ? 'TerminatingOrFailed' : 'Failed',
  ),
  inside('podFailurePolicy', each('rules', each('onPodConditions', missing({ status: 'True' })))),
  template,
);

const cronJob = spec(
  missing({ concurrencyPolicy: 'Allow', suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 }),
  inside('jobTemplate', inside('spec', template)),
);

const labelsOfTemplate = (object: MutableObject): Json | undefined => {
  const pod = getOwn(object, 'template');
  const metadata = isObject(pod) ? getOwn(pod, 'metadata') : undefined;
  return isObject(metadata) ? getOwn(metadata, 'labels') : undefined;
};

const autoscaler = spec(missing({ minReplicas: 1 }), derivedMetrics());

function derivedMetrics(): Fill {
  const target = { type: 'Utilization', averageUtilization: 80 };
  return missing({ metrics: [{ type: 'Resource', resource: { name: 'cpu', target } }] });
}

const policyTypes = derived('policyTypes', (object) => {
  const egress = getOwn(object, 'egress');
  return isList(egress) && egress.length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
});

const rbacGroup = 'rbac.authorization.k8s.io';
const roleBinding = steps(
  inside('roleRef', missing({ apiGroup: rbacGroup })),
  each('subjects', when(is('kind', 'User', 'Group'), missing({ apiGroup: rbacGroup }))),
);

const webhook = each(
  'webhooks',
  steps(
    missing({
      failurePolicy: 'Fail',
      matchPolicy: 'Equivalent',
      namespaceSelector: {},
      objectSelector: {},
      timeoutSeconds: 10,
    }),
    each('rules', missing({ scope: '*' })),
    inside('clientConfig', inside('service', missing({ port: 443 }))),
  ),
);

const lowerKind = (object: MutableObject): Json | undefined => {
  const kind = getOwn(object, 'kind');
  return typeof kind === 'string' ? kind.toLowerCase() : undefined;
};

const definition = spec(
  missing({ conversion: { strategy: 'None' } }),
  inside(
    'names',
    steps(
      derived('singular', lowerKind),
      derived('listKind', (names) =>
        typeof getOwn(names, 'kind') === 'string' ? `${plainText(getOwn(names, 'kind'))}List` : undefined,
      ),
    ),
  ),
  inside('conversion', inside('webhook', inside('clientConfig', inside('service', missing({ port: 443 }))))),
);

/** Defaults of built-in kinds by `group version/kind`. */
export const builtinDefaults: Readonly<Record<string, Fill>> = {
  'v1/Pod': spec(podSpec(true)),
  'v1/PodTemplate': template,
  'v1/Service': service,
  'v1/Endpoints': each('subsets', each('ports', missing({ protocol: 'TCP' }))),
  'v1/Secret': missing({ type: 'Opaque' }),
  'v1/PersistentVolume': spec(
    missing({ persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' }),
    inside('hostPath', missing({ type: '' })),
  ),
  'v1/PersistentVolumeClaim': claim,
  'v1/ReplicationController': spec(missing({ replicas: 1 }), derived('selector', labelsOfTemplate), template),
  'apps/v1/Deployment': deployment,
  'apps/v1/ReplicaSet': spec(missing({ replicas: 1 }), template),
  'apps/v1/StatefulSet': statefulSet,
  'apps/v1/DaemonSet': daemonSet,
  'batch/v1/Job': spec(jobSpec),
  'batch/v1/CronJob': cronJob,
  'autoscaling/v2/HorizontalPodAutoscaler': autoscaler,
  'autoscaling/v1/HorizontalPodAutoscaler': spec(missing({ minReplicas: 1 })),
  'networking.k8s.io/v1/NetworkPolicy': spec(
    policyTypes,
    each('ingress', each('ports', missing({ protocol: 'TCP' }))),
    each('egress', each('ports', missing({ protocol: 'TCP' }))),
  ),
  'networking.k8s.io/v1/IngressClass': inside('spec', inside('parameters', missing({ scope: 'Cluster' }))),
  'rbac.authorization.k8s.io/v1/RoleBinding': roleBinding,
  'rbac.authorization.k8s.io/v1/ClusterRoleBinding': roleBinding,
  'storage.k8s.io/v1/StorageClass': missing({ reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' }),
  'storage.k8s.io/v1/CSIDriver': spec(
    missing({
      attachRequired: true,
      podInfoOnMount: false,
      storageCapacity: false,
      fsGroupPolicy: 'ReadWriteOnceWithFSType',
      volumeLifecycleModes: ['Persistent'],
      requiresRepublish: false,
      seLinuxMount: false,
    }),
  ),
  'discovery.k8s.io/v1/EndpointSlice': each('ports', missing({ name: '', protocol: 'TCP' })),
  'scheduling.k8s.io/v1/PriorityClass': missing({ preemptionPolicy: 'PreemptLowerPriority' }),
  'admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration': webhook,
  'admissionregistration.k8s.io/v1/MutatingWebhookConfiguration': steps(
    webhook,
    each('webhooks', missing({ reinvocationPolicy: 'Never' })),
  ),
  'apiextensions.k8s.io/v1/CustomResourceDefinition': definition,
};
