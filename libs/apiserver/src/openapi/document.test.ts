import type { JsonObject } from '@sluice/model';
import { expect, test } from 'vitest';
import { builtinKinds } from '../kinds/builtin-kinds.ts';
import { groupVersionOf } from '../kinds/kind.ts';
import { openApiDocument, openApiIndex } from './document.ts';

const at = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>((inner, name) => (inner as JsonObject | undefined)?.[name], value);

test('the index names every group version with a hash', () => {
  const index = openApiIndex(builtinKinds, () => 'H');
  expect(at(index, 'paths', 'api/v1')).toEqual({ serverRelativeURL: '/openapi/v3/api/v1?hash=H' });
  expect(at(index, 'paths', 'apis/apps/v1')).toEqual({ serverRelativeURL: '/openapi/v3/apis/apps/v1?hash=H' });
});

test('a PATCH of a kind names its formats, its parameters and its kind', () => {
  const document = openApiDocument('apps/v1', builtinKinds);
  const patch = at(document, 'paths', '/apis/apps/v1/namespaces/{namespace}/deployments/{name}', 'patch');
  expect(at(patch, 'x-kubernetes-group-version-kind')).toEqual({ group: 'apps', version: 'v1', kind: 'Deployment' });
  expect(Object.keys(at(patch, 'requestBody', 'content') as JsonObject)).toContain('application/apply-patch+yaml');
  const names = (at(patch, 'parameters') as readonly JsonObject[]).map((parameter) => parameter['name']);
  expect(names).toEqual(expect.arrayContaining(['dryRun', 'fieldManager', 'fieldValidation', 'force']));
});

test('every reference of every document leads to a schema in it', () => {
  for (const groupVersion of new Set(builtinKinds.map(groupVersionOf))) {
    const document = openApiDocument(groupVersion, builtinKinds);
    const schemas = at(document, 'components', 'schemas') as JsonObject;
    for (const [, name] of JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/gu)) {
      expect(Object.keys(schemas)).toContain(name);
    }
  }
});

test('lists carry how they are merged', () => {
  const schemas = at(openApiDocument('v1', builtinKinds), 'components', 'schemas');
  expect(at(schemas, 'io.k8s.api.core.v1.PodSpec', 'properties', 'containers')).toMatchObject({
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['name'],
    'x-kubernetes-patch-merge-key': 'name',
    'x-kubernetes-patch-strategy': 'merge',
  });
});

test('a group version without kinds has no document', () => {
  expect(openApiDocument('nope/v1', builtinKinds)).toBeUndefined();
});
