import type { KubeObject } from '@sluice/model';

/** One object of a release, as `status.inventory.entries` lists it. */
export type InventoryEntry = { readonly id: string; readonly v: string };

/** Entry of an object: `<namespace>_<name>_<group>_<Kind>`, colons in RBAC names doubled as underscores, and its version. */
export function inventoryEntry(object: KubeObject, namespace: string): InventoryEntry {
  const slash = object.apiVersion.lastIndexOf('/');
  const group = slash < 0 ? '' : object.apiVersion.slice(0, slash);
  const name = object.metadata.name.replaceAll(':', '__');
  return { id: `${namespace}_${name}_${group}_${object.kind}`, v: object.apiVersion.slice(slash + 1) };
}

/** An inventory without repetitions, in the order given. */
export function buildInventory(entries: readonly InventoryEntry[]): { readonly entries: readonly InventoryEntry[] } {
  return { entries: [...new Map(entries.map((entry) => [entry.id, entry])).values()] };
}

/** The object that an entry names; undefined for text that is no entry. */
export function parseInventoryEntry({
  id,
  v,
}: InventoryEntry):
  | { readonly apiVersion: string; readonly kind: string; readonly namespace: string; readonly name: string }
  | undefined {
  const [, namespace = '', name = '', group = '', kind = ''] = /^([^_]*)_(.+)_([^_]*)_([^_]+)$/.exec(id) ?? [];
  if (!kind) return undefined;
  return { apiVersion: group ? `${group}/${v}` : v, kind, namespace, name: name.replaceAll('__', ':') };
}
