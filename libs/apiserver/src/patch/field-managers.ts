import type { Json } from '@sluice/model';
import type { TypeSchema } from '../kinds/kind.ts';
import { difference, emptySet, type FieldSet, intersection, recursiveDifference, union } from './field-set.ts';
import { validateTyped } from './typed-validate.ts';
import { compareValues, fieldSetOf, mergeValues, removeItems, withNamedFields } from './typed-value.ts';

/** What a manager owns, in the field names of an apiVersion. */
export type ManagedSet = { readonly set: FieldSet; readonly apiVersion: string; readonly applied: boolean };

/** Managers by an identifier. */
export type Managers = ReadonlyMap<string, ManagedSet>;

/** The fields that other managers own and that an apply would change. */
export type Conflicts = ReadonlyMap<string, FieldSet>;

/** A write to be recorded. `ignored`: paths never owned. */
export type ManagedWrite = {
  readonly type: TypeSchema;
  readonly live: Json | undefined;
  readonly object: Json;
  readonly apiVersion: string;
  readonly managers: Managers;
  readonly manager: string;
  readonly ignored?: FieldSet;
};

/** Managers after a write that is no apply: the writer owns what changed, and takes it from everyone else. */
export function updateManagers(write: ManagedWrite): Managers {
  const { type, live, object, manager, apiVersion, ignored = emptySet } = write;
  const compared = compareValues(type, live, object);
  const [removed, modified, added] = [compared.removed, compared.modified, compared.added].map((set) =>
    recursiveDifference(set, ignored),
  );
  const changed = union(modified ?? emptySet, added ?? emptySet);
  const after = new Map(takeFrom(write.managers, changed, removed ?? emptySet, manager));
  const before = after.get(manager)?.set ?? emptySet;
  const set = union(difference(before, compared.removed), changed);
  if (set.size === 0) after.delete(manager);
  else after.set(manager, { set: recursiveDifference(set, ignored), apiVersion, applied: false });
  return after;
}

/** Everyone but `except` loses what has changed and what is gone; managers without fields are dropped. */
function takeFrom(managers: Managers, changed: FieldSet, removed: FieldSet, except: string): Managers {
  const out = new Map<string, ManagedSet>();
  for (const [name, managed] of managers) {
    const set =
      name === except ? managed.set : difference(difference(managed.set, intersection(managed.set, changed)), removed);
    if (set.size > 0) out.set(name, { ...managed, set });
  }
  return out;
}

/** An apply that went through, or the conflicts that it met. */
export type Applied = { readonly object: Json; readonly managers: Managers } | { readonly conflicts: Conflicts };

/**
 * Server-side apply: `object` is merged over `live`; what the manager applied before and no longer does is removed unless another manager
 * owns it; changing what another manager owns is a conflict unless `force`.
 */
export function applyManaged(write: ManagedWrite & { readonly force: boolean }): Applied {
  const { type, live, object, manager, apiVersion, ignored = emptySet } = write;
  validateTyped(type, object, false);
  const merged = mergeValues(type, live, object) ?? null;
  const last = write.managers.get(manager);
  const set = recursiveDifference(fieldSetOf(type, object), ignored);
  const managers = new Map(write.managers).set(manager, { set, apiVersion, applied: true });
  const pruned = pruneOwned(type, merged, { managers, last: last?.set ?? emptySet });
  const compared = compareValues(type, live, pruned);
  const changed = recursiveDifference(union(compared.modified, compared.added), ignored);
  const removed = recursiveDifference(compared.removed, ignored);
  if (!write.force) {
    const conflicts = conflictsWith(managers, changed, manager);
    if (conflicts.size > 0) return { conflicts };
  }
  const after = new Map(takeFrom(managers, changed, removed, manager));
  const own = after.get(manager);
  if (own && own.set.size === 0) after.delete(manager);
  return { object: pruned, managers: after };
}

function conflictsWith(managers: Managers, changed: FieldSet, manager: string): Conflicts {
  const out = new Map<string, FieldSet>();
  for (const [name, managed] of managers) {
    const met = name === manager ? emptySet : intersection(managed.set, changed);
    if (met.size > 0) out.set(name, met);
  }
  return out;
}

type Ownership = { readonly managers: Managers; readonly last: FieldSet };

/** Removes what was applied last time, then puts back what anyone owns now and what was never in the last set. */
function pruneOwned(type: TypeSchema, merged: Json, { managers, last }: Ownership): Json {
  if (last.size === 0) return merged;
  const lastNamed = withNamedFields(type, last);
  let pruned = removeItems(type, merged, lastNamed);
  const mergedNamed = withNamedFields(type, fieldSetOf(type, merged));
  const owned = [...managers.values()].reduce((sum, managed) => union(sum, managed.set), emptySet);
  const kept = union(namedSetOf(type, pruned), withNamedFields(type, owned));
  pruned = removeItems(type, merged, difference(mergedNamed, kept));
  const gone = intersection(difference(mergedNamed, namedSetOf(type, pruned)), lastNamed);
  return removeItems(type, merged, gone);
}

function namedSetOf(type: TypeSchema, value: Json): FieldSet {
  return withNamedFields(type, fieldSetOf(type, value));
}
