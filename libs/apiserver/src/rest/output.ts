import type { KubeObject } from '@sluice/model';
import type { HttpResponse } from '@sluice/runtime';
import type { Representation } from '../http/accept.ts';
import { json, jsonText } from '../http/respond.ts';
import { type Column, groupVersionOf, type KindInfo } from '../kinds/kind.ts';
import { convert, textOf } from '../objects/conversion.ts';
import type { Entry } from '../objects/entry.ts';
import { withMetadata } from '../objects/json.ts';

/** metadata of a list. */
export type ListMeta = {
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
};

/** One object in the form that the client asked for. */
export function objectResponse(
  status: number,
  entry: Entry,
  view: View,
  warnings: readonly string[] = [],
): HttpResponse {
  const { kind, representation } = view;
  if (representation.as === 'object') return jsonText(status, textOf(entry, kind), warnings);
  if (representation.as === 'metadata')
    return json(status, partial(convert(entry.object, kind), representation.version), warnings);
  const { resourceVersion = '' } = entry.object.metadata;
  return json(status, tableOf([entry], view, { resourceVersion }, true), warnings);
}

/** How objects are to be shown. */
export type View = {
  readonly kind: KindInfo;
  readonly representation: Representation;
  readonly includeObject: string;
  readonly now: number;
};

/** A list in the form that the client asked for. */
export function listResponse(entries: readonly Entry[], view: View, meta: ListMeta): HttpResponse {
  const { kind, representation } = view;
  if (representation.as === 'table') return json(200, tableOf(entries, view, meta, true));
  if (representation.as === 'metadata') {
    const { version } = representation;
    const items = entries.map((entry) => partial(convert(entry.object, kind), version));
    return json(200, {
      kind: 'PartialObjectMetadataList',
      apiVersion: `meta.k8s.io/${version}`,
      metadata: meta,
      items,
    });
  }
  const head = JSON.stringify({ kind: kind.listKind, apiVersion: groupVersionOf(kind), metadata: meta });
  return jsonText(200, `${head.slice(0, -1)},"items":[${entries.map((entry) => textOf(entry, kind)).join(',')}]}`);
}

/** The object without spec and status. */
export function partial(object: KubeObject, version: string): Record<string, unknown> {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata };
}

/** A meta.k8s.io Table. Column definitions are left out of all but the first event of a watch. */
export function tableOf(
  entries: readonly Entry[],
  { kind, representation, includeObject, now }: View,
  meta: ListMeta,
  withColumns: boolean,
): Record<string, unknown> {
  const version = representation.as === 'object' ? 'v1' : representation.version;
  const columns = kind.columns.length > 0 ? kind.columns : nameAndAge;
  const rows = entries.map((entry) => {
    const object = convert(entry.object, kind);
    const cells = columns.map((column) => column.cell(object, now));
    if (includeObject === 'None') return { cells };
    return { cells, object: includeObject === 'Object' ? object : partial(object, version) };
  });
  const columnDefinitions = withColumns ? columns.map(definitionOf) : null;
  return { kind: 'Table', apiVersion: `meta.k8s.io/${version}`, metadata: meta, columnDefinitions, rows };
}

function definitionOf({ name, type, format, description, priority }: Column): Record<string, unknown> {
  return { name, type, format, description, priority };
}

const nameAndAge: readonly Column[] = [
  {
    name: 'Name',
    type: 'string',
    format: 'name',
    description: 'Name must be unique within a namespace.',
    priority: 0,
    cell: (object) => object.metadata.name,
  },
  {
    name: 'Created At',
    type: 'date',
    format: '',
    description: 'When the server created the object.',
    priority: 0,
    cell: (object) => object.metadata.creationTimestamp ?? null,
  },
];

/** An object without managedFields, for the few answers that are made up on the spot. */
export function unmanaged(object: KubeObject): KubeObject {
  return withMetadata(object, { managedFields: undefined });
}
