import type { KubeObject, ObjectKey, OwnerReference } from '@sluice/model';

/** Makes `parent` the controller of an object. The parent must have been read from the server: its uid is needed. */
export function ownerReferenceTo(parent: KubeObject): OwnerReference {
  const { name, uid } = parent.metadata;
  if (!uid) throw new Error(`${parent.kind} ${name} has no uid: only a stored object can own another`);
  return { apiVersion: parent.apiVersion, kind: parent.kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** The reference to the controller that owns the object, if one does. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller === true);
}

/** True when the parent, the very object and not one of the same name, is the controller of the object. */
export function isControlledBy(object: KubeObject, parent: KubeObject): boolean {
  return controllerOf(object)?.uid === parent.metadata.uid;
}

/**
 * For {@link WatchSource.keysOf}: maps an object to its controller owner, when that is of this kind. `group` tells kinds of
 * one name apart. The owner is looked for in the object's namespace.
 */
export function ownerKeys(kind: string, group?: string): (object: KubeObject) => readonly ObjectKey[] {
  return (object) => {
    const owner = controllerOf(object);
    if (!owner || owner.kind !== kind) return [];
    if (group !== undefined && groupOf(owner.apiVersion) !== group) return [];
    const { namespace } = object.metadata;
    return [namespace ? { namespace, name: owner.name } : { name: owner.name }];
  };
}

function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}
