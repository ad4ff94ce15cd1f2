import type { Json, JsonObject, KubeObject } from '@sluice/model';
import { groupVersionOf, type KindInfo, type TypeSchema } from '../kinds/kind.ts';
import { applyManaged, type Conflicts, type Managers, updateManagers } from './field-managers.ts';
import { difference, type FieldSet, formatPath, pathsOf, sameSet, setOf } from './field-set.ts';
import { getOwn, isObject, type MutableObject, sameJson } from './json-value.ts';
import {
  type ManagedState,
  managerKey,
  readManagedFields,
  readManagerKey,
  writeManagedFields,
} from './managed-fields.ts';
import { reconcileWithSchema } from './schema-change.ts';
import { PatchError } from './patch-error.ts';

/** Fields of other managers that an apply would change. `fields` as people read them: `.spec.replicas`. */
export type ApplyConflict = {
  readonly manager: string;
  readonly subresource: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly fields: readonly string[];
  /** When the manager wrote last, where that is known. */
  readonly time?: string;
};

/** Server-side apply of `applied` (metadata.managedFields absent) over `live` (absent: create). */
export type ApplyRequest = {
  readonly kind: KindInfo;
  readonly live?: KubeObject;
  readonly applied: KubeObject;
  readonly manager: string;
  readonly force: boolean;
  readonly subresource?: string;
  /** Milliseconds since 1970. */
  readonly now: number;
};

/** With conflicts `object` is `live` unchanged (or `applied` where there is none). */
export type ApplyResult = { readonly object: KubeObject; readonly conflicts: readonly ApplyConflict[] };

const neverOwned: FieldSet = setOf([
  ['f:apiVersion'],
  ['f:kind'],
  ['f:metadata'],
  ...[
    'name',
    'namespace',
    'creationTimestamp',
    'selfLink',
    'uid',
    'clusterName',
    'generation',
    'managedFields',
    'resourceVersion',
  ].map((name) => ['f:metadata', `f:${name}`]),
]);

/**
 * Applies, keeping metadata.managedFields. The caller defaults, validates and stores. Throws PatchError for an object that does not fit its
 * schema. An apply that changes nothing leaves managedFields as they were, times included.
 */
export function serverSideApply(request: ApplyRequest): ApplyResult {
  const { kind, live, applied, manager, force, subresource = '', now } = request;
  if ((applied.metadata.managedFields?.length ?? 0) > 0)
    throw new PatchError(400, 'metadata.managedFields must be nil');
  const apiVersion = groupVersionOf(kind);
  const before = stateOf(kind, live);
  const key = managerKey({ manager, operation: 'Apply', apiVersion, subresource });
  const written = onlyWritable(kind, toJson(applied), subresource);
  const result = applyManaged({
    type: kind.schema,
    live: live ? withoutManagedFields(toJson(live)) : undefined,
    object: written,
    apiVersion,
    managers: live
      ? reconcileWithSchema(kind.schema, withoutManagedFields(toJson(live)), before.managers)
      : before.managers,
    manager: key,
    ignored: ignoredFields(kind, subresource),
    force,
  });
  if ('conflicts' in result) return { object: live ?? applied, conflicts: toConflicts(result.conflicts, before) };
  const unchanged = live !== undefined && sameJson(result.object, withoutManagedFields(toJson(live)));
  const managers = stripped(result.managers);
  const touched = !unchanged || !sameManager(managers, before.managers, key);
  const times = new Map(before.times);
  if (touched) times.set(key, timeText(now));
  return { object: withManagedFields(result.object, { managers, times }), conflicts: [] };
}

/** A write that is no apply. `before` is absent for create. */
export type UpdateRecord = {
  readonly kind: KindInfo;
  readonly before?: KubeObject;
  readonly after: KubeObject;
  readonly manager: string;
  readonly subresource?: string;
  readonly now: number;
};

/**
 * `after` with metadata.managedFields saying who owns what changed. A writer that empties managedFields starts them afresh. An object that was
 * stored without managedFields stays without until the first apply.
 */
export function recordUpdate(record: UpdateRecord): KubeObject {
  const { kind, before, after, manager, subresource = '', now } = record;
  const stored = before ? readManagedFields(managedFieldsOf(before)) : undefined;
  const reset = Array.isArray(after.metadata.managedFields) && after.metadata.managedFields.every(isEmptyEntry);
  if (reset && before && after.metadata.managedFields?.length) return withManagedFields(toJson(after), emptyState);
  // A client may hand ownership on by writing managedFields itself, though not through a subresource.
  const given = subresource === '' ? readManagedFields(managedFieldsOf(after)) : emptyState;
  const state = given.managers.size > 0 ? given : (stored ?? given);
  if (stored && state.managers.size === 0) return withManagedFields(toJson(after), emptyState);
  const apiVersion = groupVersionOf(kind);
  const key = managerKey({ manager, operation: 'Update', apiVersion, subresource });
  const object = withoutManagedFields(toJson(after));
  const managers = updatedManagers(() =>
    updateManagers({
      type: kind.schema,
      live: before ? withoutManagedFields(toJson(before)) : zeroObject(kind.schema),
      object,
      apiVersion,
      managers: state.managers,
      manager: key,
      ignored: ignoredFields(kind, subresource),
    }),
  );
  if (managers === undefined) return withManagedFields(object, state);
  const times = new Map(state.times);
  if (!sameManager(managers, state.managers, key)) times.set(key, timeText(now));
  return withManagedFields(object, { managers: stripped(managers), times });
}

const emptyState: ManagedState = { managers: new Map(), times: new Map() };

function isEmptyEntry(entry: JsonObject): boolean {
  return Object.keys(entry).length === 0;
}

/** undefined where the stored object does not fit its schema (the schema changed): then ownership is left as it is. */
function updatedManagers(update: () => Managers): Managers | undefined {
  try {
    return stripped(update());
  } catch (error) {
    if (error instanceof PatchError) return undefined;
    throw error;
  }
}

/** Ownership of the stored object. One that was never tracked belongs to an unnamed manager before the first apply. */
function stateOf(kind: KindInfo, live: KubeObject | undefined): ManagedState {
  if (live === undefined) return emptyState;
  const state = readManagedFields(managedFieldsOf(live));
  if (state.managers.size > 0) return state;
  const apiVersion = groupVersionOf(kind);
  const manager = managerKey({ manager: 'before-first-apply', operation: 'Update', apiVersion, subresource: '' });
  const object = withoutManagedFields(toJson(live));
  const managers = updateManagers({ type: kind.schema, live: {}, object, apiVersion, managers: new Map(), manager });
  const time = live.metadata.creationTimestamp;
  return { managers: stripped(managers), times: new Map(time ? [[manager, time]] : []) };
}

/** Paths that a write through this endpoint can never own, because it cannot change them. */
function ignoredFields(kind: KindInfo, subresource: string): FieldSet {
  if (subresource === 'status')
    return setOf(
      [...(kind.schema.fields?.keys() ?? [])].filter((name) => name !== 'status').map((name) => [`f:${name}`]),
    );
  return subresource === '' && kind.subresources.status === true ? setOf([['f:status']]) : new Map();
}

/** The part of an applied object that the endpoint may change. */
function onlyWritable(kind: KindInfo, applied: MutableObject, subresource: string): MutableObject {
  if (subresource === 'status') {
    const kept = ['apiVersion', 'kind', 'metadata', 'status'].filter((name) => Object.hasOwn(applied, name));
    return Object.fromEntries(kept.map((name) => [name, applied[name] ?? null]));
  }
  if (subresource !== '' || kind.subresources.status !== true) return applied;
  const { status: _status, ...rest } = applied;
  return rest;
}

function stripped(managers: Managers): Managers {
  const out = new Map(managers);
  for (const [key, managed] of managers) {
    const set = difference(managed.set, neverOwned);
    if (set.size === 0 && !managed.applied) out.delete(key);
    else out.set(key, { ...managed, set });
  }
  return out;
}

function sameManager(after: Managers, before: Managers, key: string): boolean {
  const [a, b] = [after.get(key), before.get(key)];
  if (!a || !b) return a === b;
  return a.apiVersion === b.apiVersion && sameSet(a.set, b.set);
}

function toConflicts(conflicts: Conflicts, { managers, times }: ManagedState): readonly ApplyConflict[] {
  return [...conflicts].map(([key, set]) => {
    const { manager, operation, subresource } = readManagerKey(key);
    const fields = pathsOf(set).map(formatPath).toSorted();
    const time = times.get(key);
    const apiVersion = managers.get(key)?.apiVersion ?? '';
    return { manager, operation, subresource, apiVersion, fields, ...(time === undefined ? {} : { time }) };
  });
}

function timeText(now: number): string {
  return `${new Date(now).toISOString().slice(0, 19)}Z`;
}

function toJson(object: KubeObject): MutableObject {
  return object as unknown as MutableObject;
}

function managedFieldsOf(object: KubeObject): Json | undefined {
  const metadata = getOwn(toJson(object), 'metadata');
  return isObject(metadata) ? getOwn(metadata, 'managedFields') : undefined;
}

function withoutManagedFields(object: MutableObject): MutableObject {
  const metadata = getOwn(object, 'metadata');
  if (!isObject(metadata) || !Object.hasOwn(metadata, 'managedFields')) return object;
  const { managedFields: _fields, ...rest } = metadata;
  return { ...object, metadata: rest };
}

function withManagedFields(object: Json, state: ManagedState): KubeObject {
  const bare = withoutManagedFields(isObject(object) ? object : {});
  const entries = writeManagedFields(state);
  const metadata = getOwn(bare, 'metadata');
  const complete =
    entries.length === 0
      ? bare
      : { ...bare, metadata: { ...(isObject(metadata) ? metadata : {}), managedFields: entries } };
  return complete as unknown as KubeObject;
}

/** The object that Kubernetes compares a new one with: the parts that are always there are there, and empty. */
function zeroObject(type: TypeSchema): Json {
  const out: MutableObject = {};
  for (const field of type.fields?.values() ?? []) {
    const always =
      field.number !== undefined &&
      field.pointer !== true &&
      field.type.fields !== undefined &&
      field.via === undefined;
    if (always) out[field.name] = zeroObject(field.type);
  }
  return out;
}
