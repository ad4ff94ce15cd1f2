import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ApiServer } from '../src/server/api-server.ts';
import { startTestApiServer, type TestClient, testClient } from '../src/testing.ts';

let server: ApiServer;
let send: TestClient;
beforeAll(async () => {
  server = await startTestApiServer();
  send = testClient(server.handle);
});
afterAll(() => server.close());

const maps = '/api/v1/namespaces/default/configmaps';

const bodies: { name: string; body: string | Uint8Array; contentType?: string; status: number }[] = [
  { name: 'nothing', body: '', status: 400 },
  { name: 'half an object', body: '{"metadata":', status: 400 },
  { name: 'a number', body: '7', status: 400 },
  { name: 'metadata that is text', body: '{"metadata":"x"}', status: 400 },
  { name: 'data that is a list', body: '{"metadata":{"name":"x"},"data":[]}', status: 400 },
  { name: 'a label that is a number', body: '{"metadata":{"name":"x","labels":{"a":1}}}', status: 400 },
  { name: 'invalid UTF-8', body: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), status: 400 },
  { name: 'nesting without end', body: `${'['.repeat(200_000)}${']'.repeat(200_000)}`, status: 400 },
  {
    name: 'a deep annotation',
    body: `{"metadata":{"name":"deep","annotations":${'{"a":'.repeat(2_000)}1${'}'.repeat(2_000)}}}`,
    status: 400,
  },
  { name: 'YAML that ends early', body: 'metadata: {', contentType: 'application/yaml', status: 400 },
  { name: 'YAML of a billion laughs', body: laughs(), contentType: 'application/yaml', status: 400 },
  { name: 'a picture', body: Buffer.from([0x89, 0x50]), contentType: 'image/png', status: 415 },
  {
    name: 'protobuf without its magic',
    body: Buffer.from([1, 2, 3, 4]),
    contentType: 'application/vnd.kubernetes.protobuf',
    status: 400,
  },
  { name: 'CBOR', body: Buffer.from([0xa0]), contentType: 'application/cbor', status: 415 },
];
test.for(bodies)('a body of $name is answered with a Status', async ({ body, contentType, status }) => {
  const answer = await send('POST', maps, body, contentType === undefined ? {} : { contentType });
  expect(answer).toMatchObject({ status, body: { kind: 'Status', status: 'Failure', code: status } });
  expect((await send('GET', maps)).status).toBe(200);
});

function laughs(): string {
  const lines = ['a0: &a0 [x,x,x,x,x,x,x,x,x]'];
  for (let level = 1; level < 12; level++)
    lines.push(
      `a${level}: &a${level} [${Array(9)
        .fill(`*a${level - 1}`)
        .join(',')}]`,
    );
  return lines.join('\n');
}

test('__proto__ in a body changes no prototype', async () => {
  const answer = await send(
    'POST',
    maps,
    '{"metadata":{"name":"proto"},"__proto__":{"polluted":true},"data":{"__proto__":"kept"}}',
  );
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  expect(answer.body.polluted).toBeUndefined();
  const merge = { contentType: 'application/merge-patch+json' };
  await send(
    'PATCH',
    `${maps}/proto`,
    '{"__proto__":{"polluted":true},"data":{"constructor":{"prototype":{"polluted":true}}}}',
    merge,
  );
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

test.for([
  '/api/v1/namespaces/default/configmaps/%ZZ',
  '/api/v1/namespaces/default/configmaps/a/b/c/d/e/f',
  '/apis/none.example.com/v1/things',
  '/api/v2/pods',
  '/api/v1/namespaces/default/pods/x/nothing',
  '/..%2f..%2fetc/passwd',
])('%s is refused', async (path) => {
  const { status } = await send('GET', path);
  expect([400, 404]).toContain(status);
});

test.for(['PURGE', 'OPTIONS', 'PUT'])('%s of a collection is not allowed', async (method) => {
  expect(await send(method, maps, {})).toMatchObject({ status: 405, body: { reason: 'MethodNotAllowed' } });
});

test('a patch of an unknown type is refused with the types that there are', async () => {
  await send('POST', maps, { metadata: { name: 'patched' } });
  const answer = await send('PATCH', `${maps}/patched`, '{}', { contentType: 'application/json' });
  expect(answer).toMatchObject({
    status: 415,
    body: { reason: 'UnsupportedMediaType', message: expect.stringContaining('application/merge-patch+json') },
  });
});

test('dryRun and fieldValidation take their own values only', async () => {
  expect((await send('POST', `${maps}?dryRun=Some`, { metadata: { name: 'x' } })).status).toBe(422);
  expect((await send('POST', `${maps}?fieldValidation=Maybe`, { metadata: { name: 'x' } })).status).toBe(400);
});
