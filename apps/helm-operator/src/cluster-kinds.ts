import { resources, type KubeObject, type Resource } from '@sluice/model';
import type { KubeApi } from '@sluice/reconcile';

type Definition = KubeObject<{
  readonly group: string;
  readonly scope: string;
  readonly names: { readonly kind: string; readonly plural: string };
}>;

/** Kinds by group; a star marks those without namespaces. Plurals that are not the lower-case kind and an s are written out. */
const builtIn: Readonly<Record<string, string>> = {
  '': 'ConfigMap Secret Service ServiceAccount Pod Endpoints=endpoints PersistentVolumeClaim LimitRange ResourceQuota ReplicationController PodTemplate Namespace* PersistentVolume* Node*',
  apps: 'Deployment ReplicaSet StatefulSet DaemonSet',
  batch: 'Job CronJob',
  autoscaling: 'HorizontalPodAutoscaler',
  policy: 'PodDisruptionBudget',
  'networking.k8s.io': 'Ingress=ingresses NetworkPolicy=networkpolicies IngressClass=ingressclasses*',
  'rbac.authorization.k8s.io': 'Role RoleBinding ClusterRole* ClusterRoleBinding*',
  'storage.k8s.io': 'StorageClass=storageclasses* CSIDriver*',
  'scheduling.k8s.io': 'PriorityClass=priorityclasses*',
  'discovery.k8s.io': 'EndpointSlice',
  'coordination.k8s.io': 'Lease',
  'apiextensions.k8s.io': 'CustomResourceDefinition*',
  'apiregistration.k8s.io': 'APIService*',
  'admissionregistration.k8s.io':
    'ValidatingWebhookConfiguration* MutatingWebhookConfiguration* ValidatingAdmissionPolicy=validatingadmissionpolicies* ValidatingAdmissionPolicyBinding*',
};

type Names = { readonly plural: string; readonly namespaced: boolean };

/** By `group/Kind`. */
const builtInNames = new Map<string, Names>(
  Object.entries(builtIn).flatMap(([group, kinds]) =>
    kinds.split(' ').map((entry): [string, Names] => {
      const [kind = '', plural = `${kind.toLowerCase()}s`] = entry.replace('*', '').split('=');
      return [`${group}/${kind}`, { plural, namespaced: !entry.endsWith('*') }];
    }),
  ),
);

/** Finds the resource of an object of any kind: the built-in ones, and those of CustomResourceDefinitions. */
export class ClusterKinds {
  readonly #kube: KubeApi;
  #custom: Promise<ReadonlyMap<string, Names>> | undefined;

  constructor(kube: KubeApi) {
    this.#kube = kube;
  }

  /** undefined for a kind that nobody defines, or that an aggregated API serves. */
  async resourceOf({ apiVersion, kind }: KubeObject, signal?: AbortSignal): Promise<Resource | undefined> {
    const slash = apiVersion.lastIndexOf('/');
    const group = slash < 0 ? '' : apiVersion.slice(0, slash);
    const version = apiVersion.slice(slash + 1);
    const known = builtInNames.get(`${group}/${kind}`);
    if (known) return { group, version, kind, ...known };
    this.#custom ??= this.#read(signal);
    const custom = (await this.#custom).get(`${group}/${kind}`);
    return custom && { group, version, kind, ...custom };
  }

  async #read(signal?: AbortSignal): Promise<ReadonlyMap<string, Names>> {
    const { items } = await this.#kube.list<Definition>(resources.customResourceDefinitions, signal ? { signal } : {});
    return new Map(
      items.flatMap(({ spec }) => {
        if (!spec) return [];
        const { group, names, scope } = spec;
        return [[`${group}/${names.kind}`, { plural: names.plural, namespaced: scope === 'Namespaced' }] as const];
      }),
    );
  }
}
