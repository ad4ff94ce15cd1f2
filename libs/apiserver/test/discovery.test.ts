import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiServer } from '../src/server/api-server.ts';
import { startTestApiServer, type TestClient, testClient } from '../src/testing.ts';
import { widgetDefinition } from './widget.ts';

let server: ApiServer;
let send: TestClient;
beforeAll(async () => {
  server = await startTestApiServer();
  send = testClient(server.handle);
});
afterAll(() => server.close());

type Named = { readonly name?: string; readonly resource?: string };
const aggregated = (version: string): string =>
  `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
const find = (list: readonly Named[], name: string) =>
  list.find((item) => item.name === name || item.resource === name);

describe('the plain form', () => {
  test('lists groups with their preferred versions', async () => {
    expect((await send('GET', '/api')).body).toMatchObject({ kind: 'APIVersions', versions: ['v1'] });
    const { body } = await send('GET', '/apis');
    expect(body.kind).toBe('APIGroupList');
    expect(find(body.groups, 'autoscaling')).toMatchObject({
      versions: [{ groupVersion: 'autoscaling/v2' }, { groupVersion: 'autoscaling/v1' }],
      preferredVersion: { groupVersion: 'autoscaling/v2', version: 'v2' },
    });
    expect((await send('GET', '/apis/apps')).body).toMatchObject({ kind: 'APIGroup', name: 'apps' });
  });

  test('lists resources and their subresources', async () => {
    const core = (await send('GET', '/api/v1')).body;
    expect(core).toMatchObject({ kind: 'APIResourceList', groupVersion: 'v1' });
    expect(find(core.resources, 'pods')).toMatchObject({
      kind: 'Pod',
      namespaced: true,
      singularName: 'pod',
      shortNames: ['po'],
      verbs: expect.arrayContaining(['create', 'watch']),
    });
    expect(find(core.resources, 'pods/log')).toMatchObject({ kind: 'Pod', verbs: ['get'] });
    expect(find(core.resources, 'pods/eviction')).toMatchObject({ group: 'policy', version: 'v1', kind: 'Eviction' });
    expect(find(core.resources, 'namespaces')).toMatchObject({ namespaced: false });
    const apps = (await send('GET', '/apis/apps/v1')).body;
    expect(find(apps.resources, 'deployments/scale')).toMatchObject({
      group: 'autoscaling',
      version: 'v1',
      kind: 'Scale',
    });
  });

  test.for(['/apis/none.example.com', '/apis/apps/v9', '/api/v2', '/nothing'])('%s is 404', async (path) => {
    expect((await send('GET', path)).status).toBe(404);
  });
});

describe('the aggregated form', () => {
  test.for(['v2', 'v2beta1'])('%s holds every group and resource in two answers', async (version) => {
    const accept = `${aggregated(version)},application/json`;
    const core = await send('GET', '/api', undefined, { accept });
    expect(core.headers['content-type']).toBe(aggregated(version));
    expect(core.body).toMatchObject({ kind: 'APIGroupDiscoveryList', apiVersion: `apidiscovery.k8s.io/${version}` });
    expect(find(core.body.items[0].versions[0].resources, 'pods')).toMatchObject({
      responseKind: { group: '', version: 'v1', kind: 'Pod' },
      scope: 'Namespaced',
      singularResource: 'pod',
    });
    const { body } = await send('GET', '/apis', undefined, { accept });
    const apps = body.items.find((item: { metadata: Named }) => item.metadata.name === 'apps');
    expect(find(apps.versions[0].resources, 'deployments')).toMatchObject({
      subresources: [{ subresource: 'scale' }, { subresource: 'status' }],
    });
  });
});

test('a new kind is discovered at once, and is gone with its definition', async () => {
  const names = async (): Promise<string[]> =>
    (await send('GET', '/apis')).body.groups.map(({ name }: { name: string }) => name);
  expect(await names()).not.toContain('example.com');
  const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  expect((await send('POST', definitions, widgetDefinition())).status).toBe(201);
  expect(await names()).toContain('example.com');
  expect((await send('GET', '/apis/example.com/v1')).body.resources[0]).toMatchObject({
    name: 'widgets',
    kind: 'Widget',
    shortNames: ['wd'],
  });
  expect((await send('GET', '/openapi/v3')).body.paths).toHaveProperty(['apis/example.com/v1']);
  await send('DELETE', `${definitions}/widgets.example.com`);
  await expect.poll(names).not.toContain('example.com');
  expect((await send('GET', '/openapi/v3')).body.paths).not.toHaveProperty(['apis/example.com/v1']);
});

describe('OpenAPI v3', () => {
  test('has an index with a hash a document, which changes with the document only', async () => {
    const { paths } = (await send('GET', '/openapi/v3')).body;
    const { serverRelativeURL } = paths['apis/apps/v1'];
    expect(serverRelativeURL).toMatch(/^\/openapi\/v3\/apis\/apps\/v1\?hash=[0-9A-F]+$/);
    expect((await send('GET', '/openapi/v3')).body.paths['apis/apps/v1'].serverRelativeURL).toBe(serverRelativeURL);
    const document = await send('GET', serverRelativeURL);
    expect(document.body).toMatchObject({ openapi: expect.stringMatching(/^3\./), paths: expect.any(Object) });
    const cached = await send('GET', serverRelativeURL, undefined, {
      headers: { 'if-none-match': document.headers['etag'] ?? '' },
    });
    expect(cached.status).toBe(304);
    expect((await send('GET', '/openapi/v3/apis/none/v1')).status).toBe(404);
  });
});
