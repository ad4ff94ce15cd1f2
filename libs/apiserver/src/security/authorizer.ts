import type { KubeObject } from '@sluice/model';
import { StatusError } from '../http/status-error.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { isRecord, type JsonRecord, listAt, recordAt, textAt } from '../objects/json.ts';
import type { User } from '../rest/api.ts';
import { labelSelectorOf, matchesLabels } from '../selector/label-selector.ts';

/** What somebody wants to do. Either a resource or, with `path` set, a URL that is none. */
export type Attributes = {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly path: string;
};

export type Authorizer = {
  allows(user: User, attributes: Attributes): boolean;
  /** The status of a SubjectAccessReview. */
  review(user: User, attributes: Attributes): JsonRecord;
  /** The status of a SelfSubjectRulesReview. */
  rules(user: User, namespace: string): JsonRecord;
  /** The rules of the role that a binding in a namespace refers to. */
  rulesOfRole(reference: JsonRecord, namespace: string): readonly JsonRecord[];
};

/** Everybody who is authenticated may find out what the server serves and who they are. */
const openPaths = ['/api', '/apis', '/openapi', '/version', '/healthz', '/livez', '/readyz', '/openid', '/.well-known'];
const openReviews = ['selfsubjectreviews', 'selfsubjectaccessreviews', 'selfsubjectrulesreviews'];

/**
 * Role-based access control: Roles, ClusterRoles (aggregated ones too) and their bindings as they are stored, read at each question.
 */
export function createAuthorizer(objects: ObjectStore): Authorizer {
  const allows = (user: User, attributes: Attributes): boolean => {
    if (user.groups.includes('system:masters')) return true;
    if (attributes.path !== '') {
      if (openPaths.some((open) => attributes.path === open || attributes.path.startsWith(`${open}/`))) return true;
      return rulesOf(objects, user, '').some((rule) => allowsPath(rule, attributes));
    }
    if (openReviews.includes(attributes.resource)) return true;
    return rulesOf(objects, user, attributes.namespace).some((rule) => allowsResource(rule, attributes));
  };
  return {
    allows,
    rulesOfRole: (reference, namespace) => rulesOfRole(objects, reference, namespace),
    review(user, attributes) {
      const allowed = allows(user, attributes);
      return allowed ? { allowed } : { allowed, reason: '' };
    },
    rules(user, namespace) {
      const all = { verbs: ['*'], apiGroups: ['*'], resources: ['*'] };
      const open = { verbs: ['get'], nonResourceURLs: openPaths };
      const found = user.groups.includes('system:masters') ? [all] : rulesOf(objects, user, namespace);
      return {
        resourceRules: found.filter((rule) => 'resources' in rule),
        nonResourceRules: [open, ...found.filter((rule) => 'nonResourceURLs' in rule)],
        incomplete: false,
      };
    },
  };
}

/** The rules that hold for a user in a namespace; '' for cluster-wide ones only. */
function rulesOf(objects: ObjectStore, user: User, namespace: string): readonly JsonRecord[] {
  const clusterBindings = objects.collection('clusterrolebindings.rbac.authorization.k8s.io').list('');
  const bindings =
    namespace === '' ? [] : objects.collection('rolebindings.rbac.authorization.k8s.io').list(`${namespace}/`);
  return [...clusterBindings, ...bindings].flatMap(({ object }) => {
    const own = object.metadata.namespace ?? '';
    const bound = listAt(object, 'subjects').some((subject) => isSubject(subject, user, own));
    return bound ? rulesOfRole(objects, recordAt(object, 'roleRef'), own) : [];
  });
}

function rulesOfRole(objects: ObjectStore, reference: JsonRecord, namespace: string): readonly JsonRecord[] {
  const name = textAt(reference, 'name');
  const role =
    textAt(reference, 'kind') === 'Role'
      ? objects.collection('roles.rbac.authorization.k8s.io').get(`${namespace}/${name}`)
      : objects.collection('clusterroles.rbac.authorization.k8s.io').get(name);
  return aggregated(objects, role?.object) ?? listAt(role?.object, 'rules').filter(isRecord);
}

/** How deep aggregated roles may hold aggregated roles: view is part of edit, edit of admin. */
const maxAggregation = 4;

/** The rules of all ClusterRoles that an aggregation rule selects; they replace the role's own. */
function aggregated(objects: ObjectStore, role: KubeObject | undefined, depth = 0): readonly JsonRecord[] | undefined {
  const selectors = listAt(role, 'aggregationRule', 'clusterRoleSelectors').map(labelSelectorOf);
  if (selectors.length === 0) return undefined;
  const parts = objects.collection('clusterroles.rbac.authorization.k8s.io').list('');
  return parts
    .filter(
      ({ object }) =>
        object.metadata.name !== role?.metadata.name &&
        selectors.some(
          (selector) =>
            selector.ok && selector.value !== 'nothing' && matchesLabels(selector.value, object.metadata.labels),
        ),
    )
    .flatMap(({ object }) => [
      ...listAt(object, 'rules').filter(isRecord),
      ...(depth < maxAggregation ? (aggregated(objects, object, depth + 1) ?? []) : []),
    ]);
}

function isSubject(subject: unknown, user: User, namespace: string): boolean {
  const name = textAt(subject, 'name');
  switch (textAt(subject, 'kind')) {
    case 'User':
      return name === user.username;
    case 'Group':
      return user.groups.includes(name);
    case 'ServiceAccount':
      return user.username === `system:serviceaccount:${textAt(subject, 'namespace') || namespace}:${name}`;
    default:
      return false;
  }
}

function allowsResource(rule: JsonRecord, { verb, group, resource, subresource, name }: Attributes): boolean {
  const full = subresource === '' ? resource : `${resource}/${subresource}`;
  const resources = listAt(rule, 'resources');
  const names = listAt(rule, 'resourceNames');
  return (
    matches(listAt(rule, 'verbs'), verb) &&
    matches(listAt(rule, 'apiGroups'), group) &&
    (matches(resources, full) || (subresource !== '' && resources.includes(`*/${subresource}`))) &&
    (names.length === 0 || names.includes(name))
  );
}

function allowsPath(rule: JsonRecord, { verb, path }: Attributes): boolean {
  const urls = listAt(rule, 'nonResourceURLs');
  const covered = urls.some(
    (url) => typeof url === 'string' && (url === path || (url.endsWith('*') && path.startsWith(url.slice(0, -1)))),
  );
  return covered && matches(listAt(rule, 'verbs'), verb);
}

function matches(list: readonly unknown[], value: string): boolean {
  return list.includes('*') || list.includes(value);
}

/** What a SubjectAccessReview asks about; `namespace` is that of a local review. */
export function attributesOfReview(spec: JsonRecord, namespace: string): Attributes {
  const resource = recordAt(spec, 'resourceAttributes');
  const url = recordAt(spec, 'nonResourceAttributes');
  return {
    verb: textAt(resource, 'verb') || textAt(url, 'verb'),
    group: textAt(resource, 'group'),
    resource: textAt(resource, 'resource'),
    subresource: textAt(resource, 'subresource'),
    namespace: textAt(resource, 'namespace') || namespace,
    name: textAt(resource, 'name'),
    path: textAt(url, 'path'),
  };
}

/** Throws 403 unless the user may. */
export function requireAllowed(authorizer: Authorizer, user: User, attributes: Attributes): void {
  if (authorizer.allows(user, attributes)) return;
  const { verb, group, resource, subresource, namespace, name, path } = attributes;
  if (path !== '') {
    throw new StatusError(403, 'Forbidden', `forbidden: User "${user.username}" cannot ${verb} path "${path}"`, {});
  }
  const full = subresource === '' ? resource : `${resource}/${subresource}`;
  const qualifiedName = group === '' ? resource : `${resource}.${group}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  const message =
    `${qualifiedName}${name === '' ? '' : ` "${name}"`} is forbidden: User "${user.username}" cannot ${verb} ` +
    `resource "${full}" in API group "${group}" ${where}`;
  throw new StatusError(403, 'Forbidden', message, { name, ...(group === '' ? {} : { group }), kind: resource });
}
