import { type JsonObject, type KubeObject, type Resource, resources } from '@sluice/model';
import { type AccessRule, toPolicyRules } from './access.ts';
import type { Operator } from './operator.ts';

export type AccessManifestOptions = {
  /** Where the operator runs. */
  readonly namespace: string;
  /** Default: the operator's name. */
  readonly serviceAccount?: string;
  /** Rights in this namespace only, by a Role. Default: in the whole cluster. */
  readonly only?: string;
  readonly labels?: Readonly<Record<string, string>>;
};

type Manifest = KubeObject & { readonly [field: string]: unknown };

const rbac = 'rbac.authorization.k8s.io/v1';

/** What leader election needs, in the namespace of the operator. */
function leaseAccess({ name }: Operator): readonly AccessRule[] {
  const resource = resources.leases;
  // Nobody can be allowed to create by name: the name is not known when the request is judged.
  return [
    { resource, verbs: ['create'] },
    { resource, verbs: ['get', 'patch'], names: [name] },
  ];
}

/** Service account, roles and bindings for exactly what the operator does. Throws when it cannot be kept to one namespace. */
export function buildAccessManifests(operator: Operator, options: AccessManifestOptions): readonly KubeObject[] {
  const { namespace, only, labels } = options;
  const { name } = operator;
  const account = options.serviceAccount ?? name;
  const metadata = (own: string, where?: string): KubeObject['metadata'] => ({
    name: own,
    ...(where && { namespace: where }),
    ...(labels && { labels }),
  });
  const subjects = [{ kind: 'ServiceAccount', name: account, namespace }];
  const bind = (kind: string, role: string, where?: string): Manifest => ({
    apiVersion: rbac,
    kind: kind === 'ClusterRole' ? 'ClusterRoleBinding' : 'RoleBinding',
    metadata: metadata(role, where),
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name: role },
    subjects,
  });
  const role = (kind: string, own: string, access: readonly AccessRule[], where?: string): Manifest => ({
    apiVersion: rbac,
    kind,
    metadata: metadata(own, where),
    rules: toPolicyRules(access),
  });
  if (only !== undefined) refuseClusterScoped(operator);
  const kind = only === undefined ? 'ClusterRole' : 'Role';
  const election = `${name}-leader-election`;
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: metadata(account, namespace) },
    role(kind, name, operator.access, only),
    bind(kind, name, only),
    role('Role', election, leaseAccess(operator), namespace),
    bind('Role', election, namespace),
  ];
}

function refuseClusterScoped({ name, access }: Operator): void {
  const wide = access.filter(({ resource }) => !resource.namespaced).map(({ resource }) => resource.kind);
  if (wide.length === 0) return;
  const kinds = [...new Set(wide)].join(', ');
  throw new TypeError(`operator ${name} cannot be kept to one namespace: ${kinds} belongs to none`);
}

/** The CustomResourceDefinitions of the operator. `keep`: Helm leaves them, and with them all objects, when the chart goes. */
export function buildDefinitions(operator: Operator, options: { readonly keep?: boolean } = {}): readonly KubeObject[] {
  return operator.kinds.map(({ definition }) => {
    if (!options.keep) return definition;
    const annotations = { 'helm.sh/resource-policy': 'keep' };
    return { ...definition, metadata: { ...definition.metadata, annotations } };
  });
}

/** Resources of the manifests that {@link buildAccessManifests} makes. */
export const accessResources: Readonly<Record<string, Resource>> = Object.freeze({
  ServiceAccount: resources.serviceAccounts,
  Role: rbacResource('roles', 'Role', true),
  RoleBinding: rbacResource('rolebindings', 'RoleBinding', true),
  ClusterRole: rbacResource('clusterroles', 'ClusterRole', false),
  ClusterRoleBinding: rbacResource('clusterrolebindings', 'ClusterRoleBinding', false),
});

function rbacResource(plural: string, kind: string, namespaced: boolean): Resource {
  return { group: 'rbac.authorization.k8s.io', version: 'v1', plural, kind, namespaced };
}

/** Several manifests as one YAML text. The library is loaded here and not before. */
export async function toYaml(manifests: readonly (KubeObject | JsonObject)[]): Promise<string> {
  const { stringify } = await import('yaml');
  return manifests.map((manifest) => stringify(manifest, { lineWidth: 0, singleQuote: true })).join('---\n');
}
