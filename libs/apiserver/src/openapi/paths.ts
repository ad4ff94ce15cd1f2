import type { JsonObject } from '@sluice/model';
import type { KindInfo } from '../kinds/kind.ts';

const metaPrefix = 'io.k8s.apimachinery.pkg.apis.meta.v1';

const query = (name: string, type = 'string'): JsonObject => ({
  name,
  in: 'query',
  schema: { type, uniqueItems: true },
});
const inPath = (name: string): JsonObject => ({
  name,
  in: 'path',
  required: true,
  schema: { type: 'string', uniqueItems: true },
});

const writeParameters = [query('dryRun'), query('fieldManager'), query('fieldValidation')];
const listParameters = [
  ...['allowWatchBookmarks', 'sendInitialEvents', 'watch'].map((name) => query(name, 'boolean')),
  ...['continue', 'fieldSelector', 'labelSelector', 'resourceVersion', 'resourceVersionMatch'].map((name) =>
    query(name),
  ),
  ...['limit', 'timeoutSeconds'].map((name) => query(name, 'integer')),
];
const deleteParameters = [
  query('dryRun'),
  query('gracePeriodSeconds', 'integer'),
  query('orphanDependents', 'boolean'),
  query('propagationPolicy'),
];

const json = 'application/json';

const body = (schema: string, types: readonly string[] = ['*/*']): JsonObject => ({
  content: Object.fromEntries(types.map((type) => [type, { schema: { $ref: `#/components/schemas/${schema}` } }])),
});

const answer = (schema: string, codes: readonly number[] = [200]): JsonObject =>
  Object.fromEntries(
    codes.map((code) => [String(code), { description: code === 201 ? 'Created' : 'OK', ...body(schema, [json]) }]),
  );

type Operation = {
  readonly kind: KindInfo;
  readonly action: string;
  readonly schema: string;
  readonly parameters: readonly JsonObject[];
  readonly requestBody?: JsonObject;
  readonly codes?: readonly number[];
};

function operation({ kind, action, schema, parameters, requestBody, codes }: Operation): JsonObject {
  const { group, version, kind: name } = kind;
  return {
    parameters,
    ...(requestBody ? { requestBody } : {}),
    responses: answer(schema, codes),
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { group, kind: name, version },
  };
}

/** The four patch formats; custom kinds have no strategic merge. */
function patchTypes(kind: KindInfo): readonly string[] {
  const types = ['application/apply-patch+yaml', 'application/json-patch+json', 'application/merge-patch+json'];
  return kind.custom ? types : [...types, 'application/strategic-merge-patch+json'];
}

/** The paths of a kind and its subresources with their operations. `schema` is the name of the kind's schema. */
export function pathsOf(kind: KindInfo, schema: string): JsonObject {
  const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  const collection = kind.namespaced ? `${root}/namespaces/{namespace}/${kind.plural}` : `${root}/${kind.plural}`;
  const scope = kind.namespaced ? [inPath('namespace')] : [];
  const post = operation({
    kind,
    action: 'post',
    schema,
    parameters: writeParameters,
    requestBody: body(schema),
    codes: [200, 201, 202],
  });
  if (!kind.stored) return { [collection]: { post, parameters: scope } };
  const item = { parameters: [inPath('name'), ...scope] };
  const list = operation({ kind, action: 'list', schema: `${schema}List`, parameters: listParameters });
  const everywhere = kind.namespaced ? { [`${root}/${kind.plural}`]: { get: list } } : {};
  return {
    ...everywhere,
    [collection]: {
      parameters: scope,
      get: list,
      post,
      delete: operation({
        kind,
        action: 'deletecollection',
        schema: `${metaPrefix}.Status`,
        parameters: [...listParameters, ...deleteParameters],
        requestBody: body(`${metaPrefix}.DeleteOptions`),
      }),
    },
    [`${collection}/{name}`]: {
      ...item,
      ...objectOperations(kind, schema),
      delete: operation({
        kind,
        action: 'delete',
        schema: `${metaPrefix}.Status`,
        parameters: deleteParameters,
        requestBody: body(`${metaPrefix}.DeleteOptions`),
        codes: [200, 202],
      }),
    },
    ...(kind.subresources.status === true
      ? { [`${collection}/{name}/status`]: { ...item, ...objectOperations(kind, schema) } }
      : {}),
    ...(kind.subresources.scale ? { [`${collection}/{name}/scale`]: { ...item, ...scaleOperations(kind) } } : {}),
  };
}

function objectOperations(kind: KindInfo, schema: string): JsonObject {
  return {
    get: operation({ kind, action: 'get', schema, parameters: [] }),
    put: operation({
      kind,
      action: 'put',
      schema,
      parameters: writeParameters,
      requestBody: body(schema),
      codes: [200, 201],
    }),
    patch: operation({
      kind,
      action: 'patch',
      schema,
      parameters: [...writeParameters, query('force', 'boolean')],
      requestBody: body(`${metaPrefix}.Patch`, patchTypes(kind)),
      codes: [200, 201],
    }),
  };
}

function scaleOperations(kind: KindInfo): JsonObject {
  const scale: KindInfo = { ...kind, group: 'autoscaling', version: 'v1', kind: 'Scale', custom: true };
  return objectOperations(scale, 'io.k8s.api.autoscaling.v1.Scale');
}
