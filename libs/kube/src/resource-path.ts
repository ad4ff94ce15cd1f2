import type { ObjectKey, Resource } from '@sluice/model';

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** Path of a collection; of all namespaces when none is given. */
export function collectionPath(resource: Resource, namespace?: string): string {
  const root = resource.group ? `/apis/${resource.group}/${resource.version}` : `/api/${resource.version}`;
  const scope = resource.namespaced && namespace ? `/namespaces/${segment(namespace, resource)}` : '';
  return `${root}${scope}/${resource.plural}`;
}

/** Path of one object or of its subresource. Throws when the key does not fit the kind: that is a mistake in the program. */
export function objectPath(resource: Resource, key: ObjectKey, subresource?: string): string {
  if (resource.namespaced && !key.namespace) throw new Error(`${resource.kind} ${key.name}: a namespace is needed`);
  const path = `${collectionPath(resource, key.namespace)}/${segment(key.name, resource)}`;
  return subresource ? `${path}/${subresource}` : path;
}

/** `?a=1&b=x` of the parameters that are there; false counts as not there. */
export function queryText(query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== false) parameters.set(name, String(value));
  }
  return parameters.size > 0 ? `?${parameters.toString()}` : '';
}

function segment(name: string, resource: Resource): string {
  if (name === '' || name === '.' || name === '..') {
    throw new Error(`${resource.kind}: ${JSON.stringify(name)} cannot be part of a path`);
  }
  return encodeURIComponent(name);
}
