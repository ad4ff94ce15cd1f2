import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ApiServer } from '../src/server/api-server.ts';
import { startTestApiServer, type TestClient, testClient } from '../src/testing.ts';
import { patchOf, startWebhooks } from './webhook-server.ts';

let server: ApiServer;
let send: TestClient;
let hooks: Awaited<ReturnType<typeof startWebhooks>>;
beforeEach(async () => {
  [server, hooks] = await Promise.all([startTestApiServer(), startWebhooks()]);
  send = testClient(server.handle);
});
afterEach(async () => {
  await Promise.all([server.close(), hooks.close()]);
});

const group = '/apis/admissionregistration.k8s.io/v1';
const maps = '/api/v1/namespaces/default/configmaps';
const merge = { contentType: 'application/merge-patch+json' };
const apply = { contentType: 'application/apply-patch+yaml' };

const rule = (change: object = {}): object => ({
  apiGroups: [''],
  apiVersions: ['v1'],
  resources: ['configmaps'],
  operations: ['*'],
  ...change,
});

async function install(sort: 'Mutating' | 'Validating', path: string, change: object = {}): Promise<void> {
  const webhook = {
    name: `${path.slice(1)}.example.com`,
    clientConfig: hooks.client(path),
    rules: [rule()],
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    ...change,
  };
  const made = await send('POST', `${group}/${sort.toLowerCase()}webhookconfigurations`, {
    metadata: { name: path.slice(1) },
    webhooks: [webhook],
  });
  expect(made.status).toBe(201);
}

const map = (name: string, data: object = {}): object => ({ metadata: { name }, data });

test('a mutating webhook changes what is stored, by create, update, patch and apply', async () => {
  hooks.answers['/add'] = () => patchOf([{ op: 'add', path: '/metadata/labels', value: { seen: 'yes' } }]);
  await install('Mutating', '/add');
  const made = await send('POST', maps, map('a'));
  expect(made.body.metadata.labels).toEqual({ seen: 'yes' });
  const put = await send('PUT', `${maps}/a`, map('a', { x: '1' }));
  expect(put.body).toMatchObject({ metadata: { labels: { seen: 'yes' } }, data: { x: '1' } });
  await send('PATCH', `${maps}/a`, { metadata: { labels: null } }, merge);
  expect((await send('GET', `${maps}/a`)).body.metadata.labels).toEqual({ seen: 'yes' });
  const body = { apiVersion: 'v1', kind: 'ConfigMap', data: { y: '2' } };
  const applied = await send('PATCH', `${maps}/b?fieldManager=me`, body, apply);
  expect(applied).toMatchObject({ status: 201, body: { metadata: { labels: { seen: 'yes' } }, data: { y: '2' } } });
  expect(hooks.asked.map(({ request }) => request.operation)).toEqual(['CREATE', 'UPDATE', 'UPDATE', 'CREATE']);
});

test('a webhook sees who asks for what, the object and what it was', async () => {
  await install('Validating', '/look');
  await send('POST', maps, map('a', { x: '1' }));
  await send('PATCH', `${maps}/a`, { data: { x: '2' } }, merge);
  await send('DELETE', `${maps}/a`);
  const [created, updated, deleted] = hooks.asked.map(({ request }) => request);
  expect(created).toMatchObject({
    kind: { group: '', version: 'v1', kind: 'ConfigMap' },
    resource: { group: '', version: 'v1', resource: 'configmaps' },
    name: 'a',
    namespace: 'default',
    operation: 'CREATE',
    userInfo: { username: 'kubernetes-admin' },
    object: { data: { x: '1' } },
    oldObject: null,
    dryRun: false,
    options: { kind: 'CreateOptions' },
  });
  expect(created.object.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
  expect(updated).toMatchObject({ operation: 'UPDATE', object: { data: { x: '2' } }, oldObject: { data: { x: '1' } } });
  expect(deleted).toMatchObject({ operation: 'DELETE', object: null, oldObject: { data: { x: '2' } } });
});

test('a refusal comes with the words and the code of the webhook, and nothing is stored', async () => {
  hooks.answers['/no'] = () => ({
    allowed: false,
    status: { code: 403, message: 'not today' },
    warnings: ['mind this'],
  });
  await install('Validating', '/no');
  const refused = await send('POST', maps, map('a'));
  expect(refused).toMatchObject({
    status: 403,
    body: { message: 'admission webhook "no.example.com" denied the request: not today', code: 403 },
  });
  expect((await send('GET', `${maps}/a`)).status).toBe(404);
});

test('warnings of webhooks reach the client', async () => {
  hooks.answers['/warn'] = () => ({ allowed: true, warnings: ['use something newer'] });
  await install('Validating', '/warn');
  expect((await send('POST', maps, map('a'))).headers['warning']).toBe('299 - "use something newer"');
});

test('a webhook that cannot be reached fails the request, or is passed over where it says so', async () => {
  const clientConfig = { url: 'https://127.0.0.1:1/', caBundle: hooks.caBundle };
  await install('Validating', '/lost', { clientConfig, failurePolicy: 'Ignore' });
  expect((await send('POST', maps, map('a'))).status).toBe(201);
  await install('Validating', '/strict', { clientConfig });
  const failed = await send('POST', maps, map('b'));
  expect(failed.status).toBe(500);
  expect(failed.body.message).toMatch(
    /^Internal error occurred: failed calling webhook "strict.example.com": failed to call webhook: Post "https:\/\/127.0.0.1:1\/": .*ECONNREFUSED/,
  );
});

test.for([
  ['no JSON', 'what?', 'the answer is not JSON'],
  ['the uid of another request', { uid: 'other', allowed: true }, 'the response has not the uid of the request'],
] as const)('an answer that is %s fails the request', async ([, answer, why]) => {
  hooks.answers['/odd'] = () => answer;
  await install('Validating', '/odd');
  const failed = await send('POST', maps, map('a'));
  expect(failed.body.message).toBe(
    `Internal error occurred: failed calling webhook "odd.example.com": failed to call webhook: ${why}`,
  );
});

test('a webhook that does not answer in time fails the request', async () => {
  hooks.answers['/slow'] = () => new Promise(() => undefined);
  await install('Validating', '/slow', { timeoutSeconds: 1 });
  const failed = await send('POST', maps, map('a'));
  expect(failed.status).toBe(500);
  expect(failed.body.message).toContain('context deadline exceeded');
});

test('rules, selectors and match conditions say who is asked', async () => {
  await send('POST', '/api/v1/namespaces', { metadata: { name: 'quiet', labels: { hooks: 'off' } } });
  const both = { namespaceSelector: { matchExpressions: [{ key: 'hooks', operator: 'NotIn', values: ['off'] }] } };
  await install('Validating', '/some', {
    ...both,
    rules: [rule({ operations: ['CREATE'] })],
    objectSelector: { matchLabels: { ask: 'yes' } },
    matchConditions: [{ name: 'named', expression: "object.metadata.name.startsWith('a')" }],
  });
  const asking = (name: string) => ({ metadata: { name, labels: { ask: 'yes' } } });
  await send('POST', maps, asking('a'));
  await send('POST', maps, asking('b'));
  await send('POST', maps, map('a2'));
  await send('POST', maps.replace('default', 'quiet'), asking('a'));
  await send('PATCH', `${maps}/a`, { data: { x: '1' } }, merge);
  expect(hooks.asked.map(({ request }) => request.name)).toEqual(['a']);
});

test('writes to status are asked about as such', async () => {
  await install('Validating', '/status', { rules: [rule({ resources: ['pods/status'] })] });
  const pods = '/api/v1/namespaces/default/pods';
  await send('POST', pods, { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } });
  await send('PATCH', `${pods}/p/status`, { status: { message: 'well' } }, merge);
  expect(hooks.asked.map(({ request }) => [request.subResource, request.object.status.message])).toEqual([
    ['status', 'well'],
  ]);
});

test('mutating webhooks see what the ones before made, and once more what came after them when they ask for it', async () => {
  const count = (request: { readonly object: { readonly data?: Record<string, string> } }): number =>
    Number(request.object.data?.['count'] ?? '0');
  hooks.answers['/first'] = (request) =>
    count(request) === 2 ? { allowed: true } : patchOf([{ op: 'add', path: '/data', value: { count: '1' } }]);
  hooks.answers['/second'] = (request) => patchOf([{ op: 'add', path: '/data/count', value: `${count(request) + 1}` }]);
  await install('Mutating', '/first', { reinvocationPolicy: 'IfNeeded' });
  await install('Mutating', '/second');
  expect((await send('POST', maps, map('a'))).body.data).toEqual({ count: '2' });
  expect(hooks.asked.map(({ path }) => path)).toEqual(['/first', '/second', '/first']);
});

test('what a webhook makes of an object is validated like any other', async () => {
  hooks.answers['/bad'] = () => patchOf([{ op: 'add', path: '/metadata/labels', value: { '-': 'x' } }]);
  await install('Mutating', '/bad');
  expect(await send('POST', maps, map('a'))).toMatchObject({ status: 422, body: { reason: 'Invalid' } });
});

test('a dry run is said to be one', async () => {
  await install('Validating', '/clean', { sideEffects: 'NoneOnDryRun' });
  expect((await send('POST', `${maps}?dryRun=All`, map('a'))).status).toBe(201);
  expect(hooks.asked[0]?.request).toMatchObject({ dryRun: true, options: { dryRun: ['All'] } });
  expect((await send('GET', `${maps}/a`)).status).toBe(404);
});

test('a write that changes while webhooks think about it is asked about again', async () => {
  await send('POST', maps, map('a', { count: '0' }));
  await install('Validating', '/think', { rules: [rule({ operations: ['UPDATE'] })] });
  let raced = false;
  hooks.answers['/think'] = async () => {
    if (!raced) {
      raced = true;
      await send('PATCH', `${maps}/a`, { data: { other: '1' } }, merge);
    }
    return { allowed: true };
  };
  const patched = await send('PATCH', `${maps}/a`, { data: { count: '1' } }, merge);
  expect(patched.body.data).toEqual({ count: '1', other: '1' });
});

test('nobody locks himself out: the configurations themselves are not asked about', async () => {
  hooks.answers['/all'] = () => ({ allowed: false });
  await install('Validating', '/all', {
    rules: [rule({ apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*', '*'] })],
  });
  expect((await send('POST', maps, map('a'))).status).toBe(400);
  expect((await send('DELETE', `${group}/validatingwebhookconfigurations/all`)).status).toBe(200);
  expect((await send('POST', maps, map('a'))).status).toBe(201);
});

test('a webhook behind a service is called on its address, under its name', async () => {
  const service = await startTestService();
  await install('Validating', '/svc', {
    clientConfig: {
      service: { namespace: 'default', name: 'hook', path: '/svc', port: service.port },
      caBundle: hooks.caBundle,
    },
  });
  const failed = await send('POST', maps, map('a'));
  // Nothing carries the service's address here: the call goes to it all the same.
  expect(failed.body.message).toContain(`Post "https://${service.address}:${service.port}/svc"`);
});

async function startTestService(): Promise<{ readonly address: string; readonly port: number }> {
  const made = await send('POST', '/api/v1/namespaces/default/services', {
    metadata: { name: 'hook' },
    spec: { ports: [{ port: hooks.port }] },
  });
  return { address: made.body.spec.clusterIP, port: hooks.port };
}
