import type { KubeObject, Resource } from '@sluice/model';
import type { KubeApi } from '@sluice/reconcile';
import { parseAllDocuments } from 'yaml';

/** Apply the objects of one kind in a YAML text, as `kubectl apply` does. Throws for an object of another kind. */
export async function applyManifests<T extends KubeObject>(
  kube: KubeApi,
  resource: Resource & { readonly object?: T },
  text: string,
): Promise<readonly T[]> {
  const objects = parseAllDocuments(text).flatMap((document) => {
    if (document.errors[0]) throw document.errors[0];
    return (document.toJS({ maxAliasCount: 100 }) as KubeObject | null) ?? [];
  });
  const other = objects.find(({ kind }) => kind !== resource.kind);
  if (other) throw new TypeError(`${other.kind} ${other.metadata.name} is not a ${resource.kind}`);
  const applied: T[] = [];
  for (const object of objects)
    applied.push(await kube.apply<T>(resource, object, { fieldManager: 'apply-manifests' }));
  return applied;
}
