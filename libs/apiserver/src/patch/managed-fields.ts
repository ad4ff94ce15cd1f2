import type { Json, JsonObject } from '@sluice/model';
import type { Managers } from './field-managers.ts';
import { fromFieldsV1, toFieldsV1, union } from './field-set.ts';
import { getOwn, isList, isObject } from './json-value.ts';

/** Who wrote: the parts that tell one manager from another. Appliers are one manager across versions. */
export type ManagerId = {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: string;
};

/** More managers than this that only updated are folded into one. */
const maxUpdateManagers = 10;
const foldedName = 'ancient-changes';

/** The key of a manager among the managers of an object. */
export function managerKey({ manager, operation, apiVersion, subresource }: ManagerId): string {
  return JSON.stringify([manager, operation, operation === 'Apply' ? '' : apiVersion, subresource]);
}

/** What the key says; the apiVersion of an applier is not in it. */
export function readManagerKey(key: string): ManagerId {
  const [manager = '', operation, apiVersion = '', subresource = ''] = JSON.parse(key) as readonly string[];
  return { manager, operation: operation === 'Apply' ? 'Apply' : 'Update', apiVersion, subresource };
}

/** Managers and the time of their last change, as read from metadata.managedFields. */
export type ManagedState = { readonly managers: Managers; readonly times: ReadonlyMap<string, string> };

/** Reads metadata.managedFields; entries that cannot be read are dropped. */
export function readManagedFields(entries: Json | undefined): ManagedState {
  const managers = new Map<string, { set: ReturnType<typeof fromFieldsV1>; apiVersion: string; applied: boolean }>();
  const times = new Map<string, string>();
  for (const entry of isList(entries) ? entries : []) {
    if (!isObject(entry)) continue;
    const text = (name: string): string => {
      const value = getOwn(entry, name);
      return typeof value === 'string' ? value : '';
    };
    const operation = text('operation') === 'Apply' ? 'Apply' : 'Update';
    const id: ManagerId = {
      manager: text('manager'),
      operation,
      apiVersion: text('apiVersion'),
      subresource: text('subresource'),
    };
    const key = managerKey(id);
    const set = union(managers.get(key)?.set ?? new Map(), fromFieldsV1(getOwn(entry, 'fieldsV1')));
    managers.set(key, { set, apiVersion: id.apiVersion, applied: operation === 'Apply' });
    if (text('time') !== '') times.set(key, text('time'));
  }
  return { managers, times };
}

/** Writes metadata.managedFields: appliers first, then by time, name and version. */
export function writeManagedFields(state: ManagedState): readonly JsonObject[] {
  const { managers, times } = fold(state);
  const entries = [...managers].map(([key, managed]) => {
    const { manager, operation, subresource } = readManagerKey(key);
    const time = times.get(key);
    return {
      manager,
      operation,
      apiVersion: managed.apiVersion,
      ...(time === undefined ? {} : { time }),
      fieldsType: 'FieldsV1',
      fieldsV1: toFieldsV1(managed.set),
      ...(subresource === '' ? {} : { subresource }),
    };
  });
  return entries.toSorted(
    (a, b) =>
      compare(a.operation, b.operation) ||
      compare(a.time ?? '', b.time ?? '') ||
      compare(a.manager, b.manager) ||
      compare(a.apiVersion, b.apiVersion) ||
      compare(a.subresource ?? '', b.subresource ?? ''),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function fold(state: ManagedState): ManagedState {
  const updates = [...state.managers.keys()].filter((key) => readManagerKey(key).operation === 'Update');
  if (updates.length <= maxUpdateManagers) return state;
  const oldest = updates.toSorted((a, b) => compare(state.times.get(a) ?? '', state.times.get(b) ?? ''));
  const managers = new Map(state.managers);
  const times = new Map(state.times);
  for (const key of oldest.slice(0, updates.length - maxUpdateManagers + 1)) {
    const managed = managers.get(key);
    if (!managed) continue;
    managers.delete(key);
    const target = managerKey({
      manager: foldedName,
      operation: 'Update',
      apiVersion: managed.apiVersion,
      subresource: '',
    });
    managers.set(target, { ...managed, set: union(managers.get(target)?.set ?? new Map(), managed.set) });
    const time = times.get(key);
    if (time !== undefined && compare(times.get(target) ?? '', time) < 0) times.set(target, time);
  }
  return { managers, times };
}
