import type { KubeObject } from '@sluice/model';
import { conflict, invalid, modified } from '../http/status-error.ts';
import type { KindInfo } from '../kinds/kind.ts';
import { equalJson, withField, withMetadata } from '../objects/json.ts';
import { recordUpdate } from '../patch/apply.ts';
import { applyDefaults } from '../schema/defaults.ts';
import { validateObject } from '../schema/validate.ts';
import { type Api, timeText } from './api.ts';

/** Who writes and through which door. `manager` is absent when the object's managedFields are already right (apply). */
export type Author = { readonly manager: string | undefined; readonly subresource: string };

/** What will be stored of a new object, in the version of the request: identity, defaults, what the kind fills in, ownership. Throws 422. */
export function prepareCreate(api: Api, kind: KindInfo, object: KubeObject, author: Author): KubeObject {
  const now = api.now();
  const strategy = api.strategyOf(kind);
  const placed = withMetadata(kind.subresources.status ? withField(object, 'status', undefined) : object, {
    uid: api.newId(),
    creationTimestamp: timeText(now),
    generation: kind.counted ? 1 : undefined,
    resourceVersion: undefined,
    deletionTimestamp: undefined,
    deletionGracePeriodSeconds: undefined,
    selfLink: undefined,
  });
  const complete = applyDefaults(kind, placed);
  const prepared = strategy.prepareCreate?.(complete) ?? complete;
  try {
    const owned =
      author.manager === undefined ? prepared : recordUpdate({ kind, after: prepared, manager: author.manager, now });
    check(kind, owned);
    return owned;
  } catch (error) {
    strategy.abandon?.(prepared);
    throw error;
  }
}

/** What will be stored in place of `old` (both in the version of `kind`). Throws 409 and 422. */
export function prepareUpdate(
  api: Api,
  kind: KindInfo,
  update: KubeObject,
  old: KubeObject,
  author: Author,
): KubeObject {
  checkVersion(kind, update, old);
  const strategy = api.strategyOf(kind);
  const merged = author.subresource === 'status' ? withStatusOf(old, update) : withoutStatusOf(kind, old, update);
  const placed = withMetadata(merged, {
    namespace: old.metadata.namespace,
    uid: old.metadata.uid,
    creationTimestamp: old.metadata.creationTimestamp,
    deletionTimestamp: old.metadata.deletionTimestamp,
    deletionGracePeriodSeconds: old.metadata.deletionGracePeriodSeconds,
    generation: old.metadata.generation,
    resourceVersion: old.metadata.resourceVersion,
    selfLink: undefined,
  });
  const complete = applyDefaults(kind, placed);
  const prepared = author.subresource === 'status' ? complete : (strategy.prepareUpdate?.(complete, old) ?? complete);
  const { generation } = old.metadata;
  const counted =
    generation !== undefined && !equalJson(content(prepared), content(old))
      ? withMetadata(prepared, { generation: generation + 1 })
      : prepared;
  const { manager, subresource } = author;
  const owned =
    manager === undefined
      ? counted
      : recordUpdate({
          kind,
          before: old,
          after: counted,
          manager,
          ...(subresource ? { subresource } : {}),
          now: api.now(),
        });
  check(kind, owned, old);
  return owned;
}

function check(kind: KindInfo, object: KubeObject, old?: KubeObject): void {
  const causes = validateObject(kind, object, old);
  if (causes.length > 0) throw invalid(kind, object.metadata.name, causes);
}

/** Throws 409 when the update was made from another version or another object of the same name. */
export function checkVersion(kind: KindInfo, update: KubeObject, old: KubeObject): void {
  const { name } = old.metadata;
  const { uid, resourceVersion } = update.metadata;
  if (uid !== undefined && uid !== '' && uid !== old.metadata.uid) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`;
    throw conflict(kind, name, why);
  }
  if (resourceVersion === undefined || resourceVersion === '' || resourceVersion === old.metadata.resourceVersion)
    return;
  throw conflict(kind, name, modified);
}

/** Writes to /status change status and, of the metadata, only who owns what. */
function withStatusOf(old: KubeObject, update: KubeObject): KubeObject {
  return withMetadata(withField(old, 'status', update.status), { managedFields: update.metadata.managedFields });
}

/** Writes to the object itself leave a status that has its own door alone. */
function withoutStatusOf(kind: KindInfo, old: KubeObject, update: KubeObject): KubeObject {
  return kind.subresources.status ? withField(update, 'status', old.status) : update;
}

/** What generation counts: everything but metadata and status. */
function content(object: KubeObject): Record<string, unknown> {
  const { metadata: _metadata, status: _status, ...rest } = object;
  return rest;
}
