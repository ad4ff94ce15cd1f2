import type { TypeSchema } from './kind.ts';
import { clusterTypes } from './cluster-types.ts';
import { coreTypes } from './core-types.ts';
import { extensionTypes } from './extension-types.ts';
import { metaTypes } from './meta-types.ts';
import { readTypes } from './type-language.ts';
import { workloadTypes } from './workload-types.ts';

/** Every built-in type by its OpenAPI name. */
export const builtinTypes: ReadonlyMap<string, TypeSchema> = readTypes([
  ...metaTypes,
  ...coreTypes,
  ...workloadTypes,
  ...clusterTypes,
  ...extensionTypes,
]);

const metaPrefix = 'io.k8s.apimachinery.pkg.apis.meta.v1';

const packages: Readonly<Record<string, string>> = {
  v1: 'io.k8s.api.core.v1',
  'rbac.authorization.k8s.io/v1': 'io.k8s.api.rbac.v1',
  'apiextensions.k8s.io/v1': 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1',
  'meta.k8s.io/v1': metaPrefix,
};

function packageOf(apiVersion: string): string {
  const known = packages[apiVersion];
  if (known) return known;
  const [group = '', version = ''] = apiVersion.split('/');
  return `io.k8s.api.${group.replace(/(\.authorization)?\.k8s\.io$/u, '')}.${version}`;
}

/**
 * The type of a body that says `apiVersion` and `kind`: a built-in kind, its list, or a body without a collection (Status, DeleteOptions and the
 * other meta kinds, which every group version has). undefined when there is none.
 */
export function builtinType(apiVersion: string, kind: string): TypeSchema | undefined {
  const prefix = packageOf(apiVersion);
  const own = builtinTypes.get(`${prefix}.${kind}`);
  if (own?.fields?.has('kind')) return own;
  const meta = builtinTypes.get(`${metaPrefix}.${kind}`);
  if (meta?.fields?.has('kind') || kind === 'WatchEvent') return meta;
  const item = kind.endsWith('List') ? builtinTypes.get(`${prefix}.${kind.slice(0, -4)}`) : undefined;
  return item?.fields?.has('kind') ? listTypeOf(item) : undefined;
}

/** The type of a list of these items. */
export function listTypeOf(item: TypeSchema): TypeSchema {
  const listMeta = builtinTypes.get(`${metaPrefix}.ListMeta`);
  return {
    type: 'object',
    ...(item.name ? { name: `${item.name}List` } : {}),
    fields: new Map([
      ['apiVersion', { name: 'apiVersion', type: { type: 'string' } }],
      ['kind', { name: 'kind', type: { type: 'string' } }],
      ['metadata', { name: 'metadata', number: 1, type: listMeta ?? { type: 'object' } }],
      ['items', { name: 'items', number: 2, required: true, type: { type: 'list', items: item, listType: 'atomic' } }],
    ]),
  };
}

/** metadata of every kind. */
export const objectMetaType: TypeSchema = builtinTypes.get(`${metaPrefix}.ObjectMeta`) ?? { type: 'object' };
