import type { Json, KubeObject } from '@sluice/model';
import { rootTypeOf } from '../schema/open-api-type.ts';
import { ageOf } from './age.ts';
import { storedVerbs } from './builtin-kinds.ts';
import { column, name } from './column.ts';
import { defaultColumns } from './columns.ts';
import { findJsonPath, parseJsonPath } from './json-path.ts';
import type { Column, KindInfo, ScalePaths, TypeSchema } from './kind.ts';
import { isRecord, listAt, numberAt, textAt, valueAt } from './object-access.ts';

/** The served versions of an accepted CustomResourceDefinition (apiextensions.k8s.io/v1), the preferred version first. */
export function kindsOfCrd(crd: KubeObject): readonly KindInfo[] {
  const names = valueAt(crd, 'spec.names');
  const versions = listAt(crd, 'spec.versions');
  const storage = versions.find((version) => valueAt(version, 'storage') === true);
  const storageVersion = textAt(storage, 'name');
  const served = versions.filter((version) => valueAt(version, 'served') === true);
  const ordered = served.toSorted((a, b) => compareVersions(textAt(a, 'name'), textAt(b, 'name')));
  const kind = textAt(names, 'kind');
  return ordered.map((version) => ({
    group: textAt(crd, 'spec.group'),
    version: textAt(version, 'name'),
    kind,
    listKind: textAt(names, 'listKind') || `${kind}List`,
    plural: textAt(names, 'plural'),
    singular: textAt(names, 'singular') || kind.toLowerCase(),
    shortNames: listAt(names, 'shortNames').map(String),
    categories: listAt(names, 'categories').map(String),
    namespaced: textAt(crd, 'spec.scope') === 'Namespaced',
    verbs: storedVerbs,
    stored: true,
    subresources: subresourcesOf(version),
    schema: rootType(version, valueAt(crd, 'spec.preserveUnknownFields') === true),
    columns: columnsOf(version),
    selectableFields: listAt(version, 'selectableFields').map((field) => textAt(field, 'jsonPath').replace(/^\./u, '')),
    counted: true,
    custom: true,
    storageVersion,
    ...conversionOf(crd),
    ...deprecationOf(crd, version, kind),
  }));
}

function conversionOf(crd: KubeObject): Pick<KindInfo, 'conversion'> {
  const client = valueAt(crd, 'spec.conversion.webhook.clientConfig');
  if (textAt(crd, 'spec.conversion.strategy') !== 'Webhook' || !isRecord(client)) return {};
  const reviewVersions = listAt(crd, 'spec.conversion.webhook.conversionReviewVersions').map(String);
  return { conversion: { client, reviewVersions } };
}

function deprecationOf(crd: KubeObject, version: unknown, kind: string): { readonly deprecationWarning?: string } {
  if (valueAt(version, 'deprecated') !== true) return {};
  const own = textAt(version, 'deprecationWarning');
  return { deprecationWarning: own || `${textAt(crd, 'spec.group')}/${textAt(version, 'name')} ${kind} is deprecated` };
}

function subresourcesOf(version: unknown): KindInfo['subresources'] {
  const scale = valueAt(version, 'subresources.scale');
  const selectorPath = textAt(scale, 'labelSelectorPath');
  const paths: ScalePaths = {
    specPath: textAt(scale, 'specReplicasPath'),
    statusPath: textAt(scale, 'statusReplicasPath'),
    ...(selectorPath ? { selectorPath } : {}),
  };
  return {
    ...(isRecord(valueAt(version, 'subresources.status')) ? { status: true } : {}),
    ...(isRecord(scale) ? { scale: paths } : {}),
  };
}

function rootType(version: unknown, preserveAll: boolean): TypeSchema {
  const type = rootTypeOf(valueAt(version, 'schema.openAPIV3Schema') ?? {});
  return preserveAll ? { ...type, preserveUnknownFields: true } : type;
}

function columnsOf(version: unknown): readonly Column[] {
  const declared = listAt(version, 'additionalPrinterColumns');
  if (declared.length === 0) return defaultColumns;
  return [name, ...declared.map(printerColumn)];
}

const cellTypes: readonly Column['type'][] = ['string', 'integer', 'number', 'boolean', 'date'];

function printerColumn(declared: unknown): Column {
  const type = cellTypes.find((known) => known === textAt(declared, 'type')) ?? 'string';
  const steps = parseJsonPath(textAt(declared, 'jsonPath'));
  const cell: Column['cell'] = (object, now) => (steps ? cellOf(findJsonPath(steps, object), type, now) : null);
  const made = column(textAt(declared, 'name'), cell, { type, format: textAt(declared, 'format') });
  return { ...made, description: textAt(declared, 'description'), priority: numberAt(declared, 'priority') };
}

function cellOf(values: readonly unknown[], type: Column['type'], now: number): Json {
  const value = values[0];
  if (value === undefined || value === null) return null;
  switch (type) {
    case 'date':
      return ageOf(value, now);
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'string':
      return values.map((item) => (typeof item === 'string' ? item : JSON.stringify(item))).join(',');
  }
}

/** Order of versions by preference: v2, v1, v1beta2, v1beta1, v1alpha1, then others by name. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [rankOf(a), rankOf(b)];
  if (!left || !right) return left ? -1 : right ? 1 : a < b ? -1 : a > b ? 1 : 0;
  for (const [index, value] of left.entries()) {
    const other = right[index] ?? 0;
    if (value !== other) return other - value;
  }
  return 0;
}

function rankOf(version: string): readonly number[] | undefined {
  const match = /^v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?$/u.exec(version);
  if (!match) return undefined;
  const stage = match[2] === undefined ? 2 : match[2] === 'beta' ? 1 : 0;
  return [stage, Number(match[1]), Number(match[3] ?? 0)];
}
