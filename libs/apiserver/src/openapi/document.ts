import type { JsonObject } from '@sluice/model';
import { builtinTypes, listTypeOf } from '../kinds/builtin-types.ts';
import { groupVersionOf, type KindInfo, type TypeSchema } from '../kinds/kind.ts';
import { pathsOf } from './paths.ts';
import { inlineSchemaOf } from './type-schema.ts';

const metaPrefix = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const metaBodies = ['Status', 'DeleteOptions', 'Patch'];

/** The body of `/openapi/v3`: one entry a group-version, with the document's hash in the URL. `hashOf` is given the document's JSON text. */
export function openApiIndex(kinds: readonly KindInfo[], hashOf: (text: string) => string): JsonObject {
  const paths: { [path: string]: JsonObject } = {};
  for (const groupVersion of new Set(kinds.map(groupVersionOf))) {
    const path = groupVersion.includes('/') ? `apis/${groupVersion}` : `api/${groupVersion}`;
    const hash = hashOf(JSON.stringify(openApiDocument(groupVersion, kinds)));
    paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${encodeURIComponent(hash)}` };
  }
  return { paths };
}

/** The body of `/openapi/v3/apis/GROUP/VERSION` (`groupVersion` = `apps/v1` or `v1`). undefined when no kind is in it. */
export function openApiDocument(groupVersion: string, kinds: readonly KindInfo[]): JsonObject | undefined {
  const served = kinds.filter((kind) => groupVersionOf(kind) === groupVersion);
  if (served.length === 0) return undefined;
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'v1.35.0' },
    paths: Object.assign({}, ...served.map((kind) => pathsOf(kind, schemaName(kind)))) as JsonObject,
    components: {
      schemas: schemasOf(served),
      securitySchemes: { BearerToken: { type: 'apiKey', name: 'authorization', in: 'header' } },
    },
  };
}

/** The name of a kind's schema: that of its type, or for custom kinds the group reversed (`dev.sluice.v1alpha1.Pipeline`). */
export function schemaName(kind: KindInfo): string {
  if (kind.schema.name !== undefined) return kind.schema.name;
  return `${kind.group.split('.').toReversed().join('.')}.${kind.version}.${kind.kind}`;
}

function schemasOf(kinds: readonly KindInfo[]): JsonObject {
  const schemas: { [name: string]: JsonObject } = {};
  const pending: TypeSchema[] = [];
  const refer = (type: TypeSchema) => {
    if (type.name !== undefined && !(type.name in schemas)) {
      schemas[type.name] = {};
      pending.push(type);
    }
  };
  for (const kind of kinds) {
    const name = schemaName(kind);
    schemas[name] = { ...kindSchema(kind, refer), ...groupVersionKinds(kind, kind.kind) };
    if (kind.stored) {
      const list = inlineSchemaOf(listTypeOf({ ...kind.schema, name }), refer);
      schemas[`${name}List`] = { ...list, ...groupVersionKinds(kind, kind.listKind) };
    }
    if (kind.subresources.scale) refer(builtinTypes.get('io.k8s.api.autoscaling.v1.Scale') ?? { type: 'object' });
  }
  for (const name of metaBodies)
    refer(
      builtinTypes.get(`${metaPrefix}.${name}`) ?? { type: 'object', name: `${metaPrefix}.${name}`, fields: new Map() },
    );
  for (let type = pending.pop(); type; type = pending.pop()) {
    if (type.name !== undefined && Object.keys(schemas[type.name] ?? {}).length === 0)
      schemas[type.name] = inlineSchemaOf(type, refer);
  }
  return schemas;
}

function kindSchema(kind: KindInfo, refer: (type: TypeSchema) => void): JsonObject {
  const own = kind.schema.openApi;
  if (own === undefined) return inlineSchemaOf(kind.schema, refer);
  const meta = kind.schema.fields?.get('metadata')?.type;
  if (meta) refer(meta);
  const properties = (own['properties'] ?? {}) as JsonObject;
  return {
    type: 'object',
    ...own,
    properties: {
      ...properties,
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { allOf: [{ $ref: `#/components/schemas/${metaPrefix}.ObjectMeta` }] },
    },
  };
}

function groupVersionKinds({ group, version }: KindInfo, kind: string): JsonObject {
  return { 'x-kubernetes-group-version-kind': [{ group, kind, version }] };
}
