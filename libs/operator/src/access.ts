import type { JsonObject, KubeObject, ObjectKey, Resource } from '@sluice/model';
import { type KubeApi, KubeApiError } from '@sluice/reconcile';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete';

/** Something that an operator may do. */
export type AccessRule = {
  readonly resource: Resource;
  readonly subresource?: string;
  readonly verbs: readonly Verb[];
  /** Only objects of these names. */
  readonly names?: readonly string[];
};

/** What a cache of a kind needs. */
export const readVerbs: readonly Verb[] = ['get', 'list', 'watch'];
/** What it takes to own objects of a kind. Server-side apply is a patch, and a create where there was nothing. */
export const ownVerbs: readonly Verb[] = [...readVerbs, 'create', 'patch', 'delete'];

/** What a controller of a kind needs of the kind itself: its cache, its status, its finalizers. */
export function accessToParent(resource: Resource): readonly AccessRule[] {
  return [
    { resource, verbs: [...readVerbs, 'patch'] },
    { resource, subresource: 'status', verbs: ['patch'] },
    // Owning objects that block the deletion of their owner counts as this on servers that check it.
    { resource, subresource: 'finalizers', verbs: ['update'] },
  ];
}

/** A rule of a Role, as rbac.authorization.k8s.io has it. */
export type PolicyRule = JsonObject & {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
};

const verbOrder: readonly Verb[] = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'];

/** The rules in the form of a Role: each resource once, resources of a group with the same verbs in one rule, in the order of the rules. */
export function toPolicyRules(rules: readonly AccessRule[]): readonly PolicyRule[] {
  const verbsOf = new Map<string, { readonly rule: AccessRule; readonly verbs: Set<Verb> }>();
  for (const rule of rules) {
    const id = JSON.stringify([rule.resource.group, resourceText(rule), rule.names ?? []]);
    const entry = verbsOf.get(id) ?? { rule, verbs: new Set<Verb>() };
    for (const verb of rule.verbs) entry.verbs.add(verb);
    verbsOf.set(id, entry);
  }
  const merged = new Map<string, { readonly rule: AccessRule; readonly resources: string[]; readonly verbs: Verb[] }>();
  for (const { rule, verbs: set } of verbsOf.values()) {
    const verbs = verbOrder.filter((verb) => set.has(verb));
    const id = JSON.stringify([rule.resource.group, verbs, rule.names ?? []]);
    const entry = merged.get(id) ?? { rule, resources: [], verbs };
    entry.resources.push(resourceText(rule));
    merged.set(id, entry);
  }
  return [...merged.values()].map(({ rule, resources, verbs }) => ({
    apiGroups: [rule.resource.group],
    resources,
    ...(rule.names && { resourceNames: rule.names }),
    verbs,
  }));
}

function resourceText({ resource, subresource }: Pick<AccessRule, 'resource' | 'subresource'>): string {
  return subresource ? `${resource.plural}/${subresource}` : resource.plural;
}

type Attempt = {
  readonly verb: Verb;
  readonly resource: Resource;
  readonly subresource?: string | undefined;
  readonly name?: string;
};

/** Whether the rules allow a request, as the API server's role-based access control decides it. */
export function isAllowed(rules: readonly AccessRule[], { verb, resource, subresource, name }: Attempt): boolean {
  return rules.some(
    (rule) =>
      rule.resource.group === resource.group &&
      rule.resource.plural === resource.plural &&
      (rule.subresource ?? '') === (subresource ?? '') &&
      rule.verbs.includes(verb) &&
      (!rule.names || (name !== undefined && rule.names.includes(name))),
  );
}

/**
 * `kube` as somebody sees it who has these rights and no others: what a Role made of the rules would refuse is refused here, with
 * the same error. For unit tests, so that a missing right shows before there is a cluster.
 */
export function limitAccess(kube: KubeApi, rules: readonly AccessRule[]): KubeApi {
  const check = (attempt: Attempt): void => {
    if (!isAllowed(rules, attempt)) throw refusal(attempt);
  };
  const checkApply = async (resource: Resource, object: KubeObject, subresource?: string): Promise<void> => {
    const { name, namespace } = object.metadata;
    check({ verb: 'patch', resource, subresource, name });
    const create = { verb: 'create', resource, name } as const;
    if (subresource || isAllowed(rules, create)) return;
    const key: ObjectKey = namespace ? { namespace, name } : { name };
    if (!(await kube.get(resource, key))) throw refusal(create);
  };
  return {
    async get(resource, key, signal) {
      check({ verb: 'get', resource, name: key.name });
      return kube.get(resource, key, signal);
    },
    async list(resource, options) {
      check({ verb: 'list', resource });
      return kube.list(resource, options);
    },
    watch(resource, options) {
      check({ verb: 'watch', resource });
      return kube.watch(resource, options);
    },
    async create(resource, object, options) {
      check({ verb: 'create', resource, subresource: options?.subresource });
      return kube.create(resource, object, options);
    },
    async replace(resource, object, options) {
      check({ verb: 'update', resource, subresource: options?.subresource, name: object.metadata.name });
      return kube.replace(resource, object, options);
    },
    async apply(resource, object, options) {
      await checkApply(resource, object, options.subresource);
      return kube.apply(resource, object, options);
    },
    async patch(resource, key, patch, options) {
      check({ verb: 'patch', resource, subresource: options?.subresource, name: key.name });
      return kube.patch(resource, key, patch, options);
    },
    async delete(resource, key, options) {
      check({ verb: 'delete', resource, name: key.name });
      return kube.delete(resource, key, options);
    },
    logs(pod, options) {
      const pods: Resource = { group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true };
      check({ verb: 'get', resource: pods, subresource: 'log', name: pod.name });
      return kube.logs(pod, options);
    },
  };
}

function refusal({ verb, resource, subresource, name }: Attempt): KubeApiError {
  const { group, plural } = resource;
  const full = resourceText({ resource, ...(subresource && { subresource }) });
  const message =
    `${group ? `${plural}.${group}` : plural}${name ? ` "${name}"` : ''} is forbidden: the operator's role does not allow it to ` +
    `${verb} resource "${full}" in API group "${group}"; declare it in the controller (owns, watches or access)`;
  return new KubeApiError(403, 'Forbidden', message);
}
