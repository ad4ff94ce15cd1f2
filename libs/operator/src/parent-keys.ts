import { apiVersionOf, type KubeObject, type ObjectKey, type Resource } from '@sluice/model';
import { controllerOf } from '@sluice/reconcile';

/** Maps a child to its parent, which may have no namespace where the child has one. */
export function parentKeys(parent: Resource): (object: KubeObject) => readonly ObjectKey[] {
  return (object) => {
    const owner = controllerOf(object);
    if (owner?.kind !== parent.kind || groupOf(owner.apiVersion) !== groupOf(apiVersionOf(parent))) return [];
    const { namespace } = object.metadata;
    return [parent.namespaced && namespace ? { namespace, name: owner.name } : { name: owner.name }];
  };
}

function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}
