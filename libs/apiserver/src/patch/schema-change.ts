import type { Json } from '@sluice/model';
import type { TypeSchema } from '../kinds/kind.ts';
import type { ManagedSet, Managers } from './field-managers.ts';
import { emptySet, type FieldNode, type FieldSet } from './field-set.ts';
import { getOwn, isList, isObject } from './json-value.ts';
import { deducedType, itemElement, itemType, keyType, treatmentOf } from './merge-type.ts';
import { fieldSetOf } from './typed-value.ts';

/**
 * Ownership fitted to a schema that has changed: what has become one value is owned as one, what has become an object or a list by key is
 * owned part by part, as far as the live object has parts.
 */
export function reconcileWithSchema(type: TypeSchema, live: Json, managers: Managers): Managers {
  const out = new Map<string, ManagedSet>();
  for (const [name, managed] of managers) out.set(name, { ...managed, set: reconcileSet(type, live, managed.set) });
  return out;
}

function reconcileSet(type: TypeSchema, live: Json | undefined, set: FieldSet): FieldSet {
  const out = new Map<string, FieldNode>();
  for (const [element, node] of set) out.set(element, reconcileNode(type, live, element, node));
  return out;
}

function reconcileNode(parent: TypeSchema, live: Json | undefined, element: string, node: FieldNode): FieldNode {
  const name = element.startsWith('f:') ? element.slice(2) : undefined;
  const type = name === undefined ? itemType(parent) : keyType(parent, name);
  const value = partOf(parent, live, element);
  if (type === undefined || type === deducedType || value === undefined || value === null) return node;
  const treatment = treatmentOf(type, value);
  if (treatment === 'leaf') return node.below.size > 0 ? { member: true, below: emptySet } : node;
  const wasWhole = node.member && node.below.size === 0;
  const hasParts = isList(value) ? value.length > 0 : isObject(value) && Object.keys(value).length > 0;
  if (!wasWhole) return { member: node.member, below: reconcileSet(type, value, node.below) };
  if (!hasParts) return node;
  return { member: name === undefined || parent.fields?.has(name) !== true, below: fieldSetOf(type, value) };
}

function partOf(type: TypeSchema, live: Json | undefined, element: string): Json | undefined {
  if (element.startsWith('f:')) return isObject(live) ? getOwn(live, element.slice(2)) : undefined;
  if (!isList(live) || (type.listType !== 'map' && type.listType !== 'set')) return undefined;
  const found = live.filter((item) => itemElement(type, item) === element);
  return found.length === 1 ? found[0] : undefined;
}
