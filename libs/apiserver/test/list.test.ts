import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiServer } from '../src/server/api-server.ts';
import { startTestApiServer, type TestClient, testClient } from '../src/testing.ts';

let server: ApiServer;
let send: TestClient;
beforeAll(async () => {
  server = await startTestApiServer({ history: { changes: 40, characters: 1_000_000 } });
  send = testClient(server.handle);
  for (const name of ['b', 'a', 'd', 'c', 'e'])
    await create('default', name, { letter: name, half: name < 'c' ? 'first' : 'second' });
  await create('kube-system', 'z', { letter: 'z' });
});
afterAll(() => server.close());

const maps = '/api/v1/namespaces/default/configmaps';
const create = (namespace: string, name: string, labels: object = {}) =>
  send('POST', `/api/v1/namespaces/${namespace}/configmaps`, { metadata: { name, labels }, data: { name } });
const names = (body: { items: { metadata: { name: string } }[] }): string[] =>
  body.items.map(({ metadata }) => metadata.name);

test('a list holds the objects in the order of their keys, under one version', async () => {
  const { body } = await send('GET', maps);
  expect(body).toMatchObject({ kind: 'ConfigMapList', apiVersion: 'v1' });
  expect(names(body)).toEqual(['a', 'b', 'c', 'd', 'e']);
  expect(names((await send('GET', '/api/v1/configmaps')).body)).toEqual(['a', 'b', 'c', 'd', 'e', 'z']);
  expect(Number(body.metadata.resourceVersion)).toBeGreaterThan(0);
});

describe('selectors', () => {
  const cases = [
    { query: 'labelSelector=half%3Dfirst', want: ['a', 'b'] },
    { query: 'labelSelector=letter%20in%20(a,e),half', want: ['a', 'e'] },
    { query: 'labelSelector=!half', want: [] },
    { query: 'fieldSelector=metadata.name%3Dc', want: ['c'] },
    { query: 'fieldSelector=metadata.name!%3Dc&labelSelector=half%3Dsecond', want: ['d', 'e'] },
  ];
  test.for(cases)('$query', async ({ query, want }) => {
    expect(names((await send('GET', `${maps}?${query}`)).body)).toEqual(want);
  });

  test('a field that cannot be selected by is refused', async () => {
    expect(await send('GET', `${maps}?fieldSelector=data.name%3Dc`)).toMatchObject({
      status: 400,
      body: { reason: 'BadRequest' },
    });
    expect((await send('GET', `${maps}?labelSelector=a%20b%20c`)).status).toBe(400);
  });
});

describe('pages', () => {
  test('of one list show one moment, whatever happens in between', async () => {
    const first = await send('GET', `${maps}?limit=2`);
    expect(names(first.body)).toEqual(['a', 'b']);
    expect(first.body.metadata.remainingItemCount).toBe(3);
    await send('DELETE', `${maps}/c`);
    await create('default', 'bb');
    await send('PATCH', `${maps}/d`, { data: { name: 'new' } }, { contentType: 'application/merge-patch+json' });
    const second = await send('GET', `${maps}?limit=2&continue=${first.body.metadata.continue}`);
    expect(names(second.body)).toEqual(['c', 'd']);
    expect(second.body.items[1].data.name).toBe('d');
    expect(second.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
    const third = await send('GET', `${maps}?limit=2&continue=${second.body.metadata.continue}`);
    expect(names(third.body)).toEqual(['e']);
    expect(third.body.metadata.continue).toBeUndefined();
    expect(names((await send('GET', maps)).body)).toEqual(['a', 'b', 'bb', 'd', 'e']);
    await create('default', 'c', { letter: 'c', half: 'second' });
    await send('DELETE', `${maps}/bb`);
  });

  test('of a list at an exact version show that version', async () => {
    const before = (await send('GET', maps)).body;
    await create('default', 'later');
    const exact = await send(
      'GET',
      `${maps}?resourceVersion=${before.metadata.resourceVersion}&resourceVersionMatch=Exact`,
    );
    expect(exact.body).toEqual(before);
    await send('DELETE', `${maps}/later`);
  });

  test('whose moment is forgotten answer 410', async () => {
    const first = await send('GET', `${maps}?limit=2`);
    for (let index = 0; index < 60; index++) {
      await send(
        'PATCH',
        `${maps}/a`,
        { data: { index: String(index) } },
        { contentType: 'application/merge-patch+json' },
      );
    }
    const second = await send('GET', `${maps}?limit=2&continue=${first.body.metadata.continue}`);
    expect(second).toMatchObject({ status: 410, body: { reason: 'Expired', code: 410 } });
  });

  test.for(['nonsense', 'e30', 'W10'])('with the token %s are refused', async (token) => {
    expect((await send('GET', `${maps}?limit=2&continue=${token}`)).status).toBe(400);
  });
});

describe('resourceVersion', () => {
  test('0 and an older one are answered with what is there now', async () => {
    expect((await send('GET', `${maps}?resourceVersion=0`)).status).toBe(200);
    expect((await send('GET', `${maps}?resourceVersion=1&resourceVersionMatch=NotOlderThan`)).status).toBe(200);
  });

  test('from the future is answered with a Timeout that asks to come again', async () => {
    const answer = await send('GET', `${maps}?resourceVersion=999999&resourceVersionMatch=NotOlderThan`);
    expect(answer).toMatchObject({
      status: 504,
      body: { reason: 'Timeout', details: { causes: [{ reason: 'ResourceVersionTooLarge' }] } },
    });
    expect(answer.headers['retry-after']).toBe('1');
  });

  test.for([
    'resourceVersion=x',
    'resourceVersionMatch=Exact',
    'resourceVersion=0&resourceVersionMatch=Exact',
    'resourceVersion=1&resourceVersionMatch=Roughly',
    'limit=-1',
  ])('%s is refused', async (query) => {
    expect((await send('GET', `${maps}?${query}`)).status).toBe(400);
  });
});

describe('other forms', () => {
  const table = (version: string) => `application/json;as=Table;v=${version};g=meta.k8s.io,application/json`;

  test.for(['v1', 'v1beta1'])('a Table %s has columns, rows and the metadata of each object', async (version) => {
    const { body } = await send('GET', maps, undefined, { accept: table(version) });
    expect(body).toMatchObject({ kind: 'Table', apiVersion: `meta.k8s.io/${version}` });
    expect(body.columnDefinitions[0]).toMatchObject({ name: 'Name', type: 'string', format: 'name', priority: 0 });
    expect(body.rows[0].cells[0]).toBe('a');
    expect(body.rows[0].object).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'a' } });
    expect(body.rows[0].object.data).toBeUndefined();
  });

  test('includeObject says how much of each object comes with a row', async () => {
    const full = await send('GET', `${maps}?includeObject=Object`, undefined, { accept: table('v1') });
    expect(full.body.rows[0].object).toMatchObject({ kind: 'ConfigMap', data: expect.anything() });
    const none = await send('GET', `${maps}?includeObject=None`, undefined, { accept: table('v1') });
    expect(none.body.rows[0].object).toBeUndefined();
  });

  test('one object can be a Table too', async () => {
    const { body } = await send('GET', `${maps}/a`, undefined, { accept: table('v1') });
    expect(body.rows).toHaveLength(1);
  });

  test('metadata alone, of a list and of one object', async () => {
    const accept = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
    const { body } = await send('GET', maps, undefined, { accept });
    expect(body).toMatchObject({ kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' });
    expect(body.items[0]).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'a' } });
    const one = await send('GET', `${maps}/a`, undefined, {
      accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
    });
    expect(one.body.data).toBeUndefined();
  });

  test('a type that is not spoken is refused, one of several is enough', async () => {
    const accept = 'application/vnd.kubernetes.protobuf';
    expect((await send('GET', maps, undefined, { accept })).status).toBe(406);
    expect((await send('GET', maps, undefined, { accept: `${accept},application/json` })).status).toBe(200);
  });
});
