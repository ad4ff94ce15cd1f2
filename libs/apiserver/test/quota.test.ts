import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ApiServer } from '../src/server/api-server.ts';
import { startTestApiServer, type TestClient, testClient } from '../src/testing.ts';

let server: ApiServer;
let send: TestClient;
beforeEach(async () => {
  server = await startTestApiServer();
  send = testClient(server.handle);
});
afterEach(() => server.close());

const base = '/api/v1/namespaces/default';
const merge = { contentType: 'application/merge-patch+json' };
const quota = (hard: object, spec: object = {}) => ({ metadata: { name: 'q' }, spec: { hard, ...spec } });
const pod = (name: string, resources: object = {}, spec: object = {}) => ({
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'i', resources }], ...spec },
});
const used = async (): Promise<unknown> => (await send('GET', `${base}/resourcequotas/q`)).body.status?.used;

test('a creation beyond the quota is forbidden in the words of Kubernetes, and allowed once there is room', async () => {
  await send('POST', `${base}/resourcequotas`, quota({ configmaps: 1 }));
  expect((await send('POST', `${base}/configmaps`, { metadata: { name: 'a' } })).status).toBe(201);
  const refused = await send('POST', `${base}/configmaps`, { metadata: { name: 'b' } });
  expect(refused).toMatchObject({
    status: 403,
    body: {
      message:
        'configmaps "b" is forbidden: exceeded quota: q, requested: configmaps=1, used: configmaps=1, limited: configmaps=1',
    },
  });
  await send('DELETE', `${base}/configmaps/a`);
  expect((await send('POST', `${base}/configmaps`, { metadata: { name: 'b' } })).status).toBe(201);
});

test('creations that come together do not slip through together', async () => {
  await send('POST', `${base}/resourcequotas`, quota({ 'count/secrets': '3' }));
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, index) => send('POST', `${base}/secrets`, { metadata: { name: `s${index}` } })),
  );
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(3);
});

test('what pods ask for is summed, and has to be said', async () => {
  await send('POST', `${base}/resourcequotas`, quota({ pods: '5', 'requests.cpu': '1', 'limits.memory': '1Gi' }));
  const resources = { requests: { cpu: '600m' }, limits: { memory: '256Mi' } };
  expect((await send('POST', `${base}/pods`, pod('a', resources))).status).toBe(201);
  const greedy = await send('POST', `${base}/pods`, pod('b', resources));
  expect(greedy.body.message).toBe(
    'pods "b" is forbidden: exceeded quota: q, requested: requests.cpu=600m, used: requests.cpu=600m, limited: requests.cpu=1',
  );
  const silent = await send('POST', `${base}/pods`, pod('c'));
  expect(silent.body.message).toBe(
    'pods "c" is forbidden: failed quota: q: must specify limits.memory for: c; requests.cpu for: c',
  );
  await expect.poll(used).toEqual({ pods: '1', 'requests.cpu': '600m', 'limits.memory': '256Mi' });
});

test('the status of a quota follows what is there; pods that have ended no longer count', async () => {
  await send('POST', `${base}/resourcequotas`, quota({ pods: '2' }));
  await send('POST', `${base}/pods`, pod('a'));
  await expect.poll(used).toEqual({ pods: '1' });
  await send('PATCH', `${base}/pods/a/status`, { status: { phase: 'Succeeded' } }, merge);
  await expect.poll(used).toEqual({ pods: '0' });
});

test('a quota with a scope counts only the pods in it', async () => {
  await send('POST', `${base}/resourcequotas`, quota({ pods: '1' }, { scopes: ['BestEffort'] }));
  await send('POST', `${base}/pods`, pod('a', { requests: { cpu: '1' } }));
  expect((await send('POST', `${base}/pods`, pod('b'))).status).toBe(201);
  expect((await send('POST', `${base}/pods`, pod('c'))).status).toBe(403);
  expect((await send('POST', `${base}/pods`, pod('d', { requests: { cpu: '1' } }))).status).toBe(201);
});

test('a dry run is held to the quota and uses none of it', async () => {
  await send('POST', `${base}/resourcequotas`, quota({ configmaps: 1 }));
  expect((await send('POST', `${base}/configmaps?dryRun=All`, { metadata: { name: 'a' } })).status).toBe(201);
  expect((await send('POST', `${base}/configmaps`, { metadata: { name: 'b' } })).status).toBe(201);
  expect((await send('POST', `${base}/configmaps?dryRun=All`, { metadata: { name: 'c' } })).status).toBe(403);
});
