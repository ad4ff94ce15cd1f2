import { randomInt } from 'node:crypto';
import type { KubeObject } from '@sluice/model';
import { badRequest, forbidden, invalid, notFound } from '../http/status-error.ts';
import type { KindInfo } from '../kinds/kind.ts';
import { textAt, withMetadata } from '../objects/json.ts';
import type { Api } from './api.ts';

/** Give the object the namespace of its path. Throws 400 when it names another. */
export function placeIn(kind: KindInfo, object: KubeObject, namespace: string): KubeObject {
  const own = object.metadata.namespace ?? '';
  if (!kind.namespaced) {
    if (own !== '') throw badRequest('namespace must not be set on an object of a cluster-scoped kind');
    return withMetadata(object, { namespace: undefined });
  }
  if (own !== '' && own !== namespace) {
    throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`);
  }
  return own === namespace ? object : withMetadata(object, { namespace });
}

/** Throws unless the namespace is there and takes new objects. */
export function checkNamespace(api: Api, kind: KindInfo, namespace: string, name: string): void {
  if (!kind.namespaced) return;
  const entry = api.objects.collection('namespaces').get(namespace);
  if (!entry) throw notFound({ group: '', plural: 'namespaces', kind: 'Namespace' }, namespace);
  if (
    entry.object.metadata.deletionTimestamp === undefined &&
    textAt(entry.object, 'status', 'phase') !== 'Terminating'
  )
    return;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const message = `namespace ${namespace} is being terminated`;
  throw forbidden(kind, name, why, [{ reason: 'NamespaceTerminating', message, field: 'metadata.namespace' }]);
}

/** Letters that make no words, as Kubernetes uses for generated names. */
const nameLetters = 'bcdfghjklmnpqrstvwxz2456789';

/** A name for `generateName`: the prefix, cut to leave room, and five random letters. */
export function generateName(prefix: string): string {
  const letters = Array.from({ length: 5 }, () => nameLetters[randomInt(nameLetters.length)]).join('');
  return `${prefix.slice(0, 58)}${letters}`;
}

/** Throws 422 when an object has neither a name nor a prefix for one. */
export function requireName(kind: KindInfo, object: KubeObject): void {
  if (object.metadata.name !== '' || (object.metadata.generateName ?? '') !== '') return;
  const message = 'Required value: name or generateName is required';
  throw invalid(kind, '', [{ reason: 'FieldValueRequired', message, field: 'metadata.name' }]);
}
