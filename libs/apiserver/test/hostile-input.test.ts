import { request } from 'node:https';
import { connect } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { ApiServer } from '../src/server/api-server.ts';
import { openTestWatch, startTestApiServer, type TestClient, testClient } from '../src/testing.ts';
import { widgetDefinition, widgetVersion } from './widget.ts';

let server: ApiServer;
let send: TestClient;
beforeAll(async () => {
  server = await startTestApiServer();
  send = testClient(server.handle);
});
afterAll(() => server.close());
afterEach(async () => {
  // Whatever happened, the server goes on.
  if ((await send('GET', '/readyz')).status !== 200) throw new Error('the server is no longer ready');
});

const maps = '/api/v1/namespaces/default/configmaps';
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/** Takes no more computing than a bound that is far from what is needed, and as far from what an attack would take. */
async function soon<T>(work: () => Promise<T>): Promise<T> {
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1e6).toBeLessThan(5);
  return result;
}

test.for([
  ['a label selector without end', `labelSelector=${encodeURIComponent('a in ('.repeat(20_000))}`],
  ['a label selector of a thousand terms', `labelSelector=${'a,'.repeat(100_000)}`],
  ['a label selector with a value that is none', 'labelSelector=a%3D%00'],
  ['a field selector through a prototype', 'fieldSelector=metadata.__proto__.x%3D1'],
  ['a field selector as deep as the sea', `fieldSelector=${'a.'.repeat(50_000)}b%3D1`],
  ['a field selector that ends in a backslash', 'fieldSelector=metadata.name%3D%5C'],
  ['a negative limit', 'limit=-1'],
  ['a limit beyond numbers', `limit=${'9'.repeat(400)}`],
  ['a resource version that is a word', 'resourceVersion=latest'],
  ['a continue token of megabytes', `continue=${'A'.repeat(2_000_000)}`],
  ['a timeout of ages on a watch', 'watch=true&timeoutSeconds=99999999999999999999'],
] as const)('%s is a bad request', async ([, query]) => {
  const answer = await soon(() => send('GET', `${maps}?${query}`));
  expect(answer).toMatchObject({ status: 400, body: { kind: 'Status', reason: 'BadRequest' } });
});

describe('patches', () => {
  const json = { contentType: 'application/json-patch+json' };
  const cases: { name: string; patch: unknown; type?: string }[] = [
    { name: 'a path through a prototype', patch: [{ op: 'add', path: '/__proto__/polluted', value: 1 }] },
    { name: 'a path through a constructor', patch: [{ op: 'add', path: '/constructor/prototype/polluted', value: 1 }] },
    { name: 'a path that is not there', patch: [{ op: 'remove', path: `/data${'/x'.repeat(10_000)}` }] },
    {
      name: 'more operations than are taken',
      patch: Array.from({ length: 20_000 }, (_, index) => ({ op: 'test', path: `/data/${index}`, value: '' })),
    },
    {
      name: 'copies that double',
      patch: Array.from({ length: 64 }, (_, index) => ({ op: 'copy', from: '/data', path: `/data/${index}` })),
    },
    { name: 'an operation without a name', patch: [{ path: '/data' }] },
    { name: 'a strategic directive that is none', patch: { data: { $patch: 'explode' } }, type: 'strategic-merge' },
    { name: 'an element order that is none', patch: { '$setElementOrder/x': 1 }, type: 'strategic-merge' },
  ];
  test.for(cases)('$name is refused', async ({ patch, type }) => {
    await send('POST', maps, { metadata: { name: 'patched' }, data: { a: 'b' } });
    const options = type ? { contentType: `application/${type}-patch+json` } : json;
    const answer = await soon(() => send('PATCH', `${maps}/patched`, patch, options));
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(answer.body.kind).toBe('Status');
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });

  test('managed fields with paths that mean nothing are refused', async () => {
    const managedFields = [
      {
        manager: 'x',
        operation: 'Update',
        apiVersion: 'v1',
        fieldsType: 'FieldsV1',
        fieldsV1: { 'k:{"a":': {}, __proto__: {} },
      },
    ];
    const answer = await soon(() => send('POST', maps, { metadata: { name: 'owned', managedFields } }));
    expect([201, 400, 422]).toContain(answer.status);
  });
});

describe('definitions made to be expensive', () => {
  const spec = (properties: object): object => ({ type: 'object', properties: { spec: properties } });
  const define = (schema: object): object =>
    widgetDefinition({ versions: [{ ...(widgetVersion('v1', true) as object), schema: { openAPIV3Schema: schema } }] });
  const nested = (depth: number): object => {
    let schema: object = { type: 'string' };
    for (let level = 0; level < depth; level++) schema = { type: 'object', properties: { a: schema } };
    return schema;
  };
  const ruled = (rule: string): object => ({
    type: 'array',
    items: { type: 'string' },
    'x-kubernetes-validations': [{ rule }],
  });

  test.for([
    ['nested as deep as a body may be', spec(nested(450))],
    ['with a pattern that repeats repeats', spec({ type: 'string', pattern: '((a{1,1000}){1,1000}){1,1000}' })],
    ['with a rule that cannot be parsed', spec(ruled('('.repeat(3_000)))],
    ['with a rule of megabytes', spec(ruled(`"${'x'.repeat(1_000_000)}" == ""`))],
    ['that refer to each other', spec({ $ref: '#/properties/spec' })],
    ['with thousands of properties', spec({ type: 'object', properties: many(20_000) })],
  ] as const)('%s are answered in time', async ([, schema]) => {
    const answer = await soon(() => send('POST', definitions, define(schema)));
    expect([201, 400, 422]).toContain(answer.status);
    if (answer.status === 201) await remove();
  });

  test('with a rule that costs too much refuse the object, within the budget', async () => {
    await send('POST', definitions, define(spec(ruled('self.all(a, self.all(b, self.all(c, a + b + c != "")))'))));
    const value = Array.from({ length: 400 }, (_, index) => `item ${index}`);
    const answer = await soon(() =>
      send('POST', '/apis/example.com/v1/namespaces/default/widgets', { metadata: { name: 'x' }, spec: value }),
    );
    expect(answer).toMatchObject({ status: 422, body: { reason: 'Invalid' } });
    expect(answer.body.message).toContain(
      'no further validation rules will be run due to call cost exceeds limit for rule',
    );
    await remove();
  });

  function many(count: number): object {
    return Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}`, { type: 'string' }]));
  }

  async function remove(): Promise<void> {
    await send('DELETE', `${definitions}/widgets.example.com`);
    await expect.poll(async () => (await send('GET', `${definitions}/widgets.example.com`)).status).toBe(404);
  }
});

test('a thousand idle watches cost little, and all hear of a change', async () => {
  const path = `${maps}?watch=true&resourceVersion=${(await send('GET', maps)).body.metadata.resourceVersion}`;
  const watches = await Promise.all(Array.from({ length: 1_000 }, () => openTestWatch(server.handle, path)));
  await send('POST', maps, { metadata: { name: 'heard' } });
  const heard = await Promise.all(watches.map((watch) => watch.next()));
  expect(heard.every((event) => event?.type === 'ADDED' && event.object.metadata.name === 'heard')).toBe(true);
  for (const watch of watches) watch.close();
});

test('a quiet watch hears a bookmark every minute', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  try {
    const { resourceVersion } = (await send('GET', maps)).body.metadata;
    const path = `/api/v1/secrets?watch=true&allowWatchBookmarks=true&resourceVersion=${resourceVersion}`;
    const watch = await openTestWatch(server.handle, path);
    const next = watch.next();
    await send('POST', maps, { metadata: { name: 'elsewhere' } });
    vi.advanceTimersByTime(60_000);
    const event = await next;
    expect(event).toMatchObject({ type: 'BOOKMARK', object: { kind: 'Secret', apiVersion: 'v1' } });
    expect(Number(event?.object.metadata.resourceVersion)).toBeGreaterThan(Number(resourceVersion));
    watch.close();
  } finally {
    vi.useRealTimers();
  }
});

test('a body that never ends gives its place back', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const body = (async function* () {
      yield Buffer.from('{"metadata":');
      await new Promise(() => undefined);
    })();
    const headers = { 'content-type': 'application/json' };
    const answer = server.handle({ method: 'POST', path: maps, headers, body });
    await vi.advanceTimersByTimeAsync(30_000);
    const { status, body: text } = await answer;
    expect([status, text]).toEqual([408, expect.stringContaining('did not come within 30 s')]);
  } finally {
    vi.useRealTimers();
  }
});

test('connections that say nothing, or nonsense, do not keep others out', async () => {
  const { hostname, port } = new URL(server.url);
  const sockets = await Promise.all(
    ['', 'GET / HTTP/1.1\r\nHost: x\r\n', '\0'.repeat(1_000), 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'].map(
      (text) =>
        new Promise<ReturnType<typeof connect>>((resolve) => {
          const socket = connect({ host: hostname, port: Number(port), ca: server.ca }, () => {
            socket.write(text);
            resolve(socket);
          });
          socket.on('error', () => undefined);
        }),
    ),
  );
  const status = await new Promise((resolve, reject) => {
    const options = { ca: server.ca, agent: false as const };
    request(`${server.url}/livez`, options, (answer) => resolve(answer.resume().statusCode))
      .on('error', reject)
      .end();
  });
  expect(status).toBe(200);
  for (const socket of sockets) socket.destroy();
});
