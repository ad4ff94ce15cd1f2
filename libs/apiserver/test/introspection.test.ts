import { get } from 'node:https';
import { memoryStore } from '@sluice/store';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiServer } from '../src/server/api-server.ts';
import { startTestApiServer, type TestClient, testClient } from '../src/testing.ts';

function overNetwork(path: string): Promise<string> {
  const headers = { authorization: `Bearer ${server.token}` };
  return new Promise((resolve, reject) => {
    get(server.url + path, { headers, ca: server.ca, agent: false }, (answer) => {
      answer
        .setEncoding('utf8')
        .toArray()
        .then((parts) => resolve(parts.join('')), reject);
    }).on('error', reject);
  });
}

const store = memoryStore();
let server: ApiServer;
let send: TestClient;
let isBroken = false;
beforeAll(async () => {
  const failing = {
    ...store,
    get: store.get.bind(store),
    range: store.range.bind(store),
    close: store.close.bind(store),
    commit: (operations: Parameters<typeof store.commit>[0]) =>
      isBroken ? Promise.reject(new Error('the disk is gone')) : store.commit(operations),
  };
  const container = { name: 'main', cpuNanocores: 1_500_000_000, memoryBytes: 3_000_000 };
  server = await startTestApiServer({
    store: failing,
    usage: {
      windowMs: 10_000,
      pods: async () => [
        { namespace: 'default', name: 'p', containers: [container] },
        { namespace: 'default', name: 'gone', containers: [container] },
      ],
      nodes: async () => new Map([['local', { cpuNanocores: 2e9, memoryBytes: 1_048_576 }]]),
    },
  });
  send = testClient(server.handle);
});
afterAll(() => server.close());

describe('health', () => {
  test('is told as a whole, check by check, and for each check', async () => {
    expect((await send('GET', '/readyz')).body).toBe('ok');
    expect((await send('GET', '/readyz?verbose')).body).toBe(
      '[+]ping ok\n[+]etcd ok\n[+]shutdown ok\nreadyz check passed\n',
    );
    expect((await send('GET', '/livez/ping')).body).toBe('ok');
    expect((await send('GET', '/livez/nothing')).status).toBe(404);
  });

  test('a store that cannot write makes the server unready, not dead', async () => {
    isBroken = true;
    const unready = await send('GET', '/readyz');
    expect(unready.status).toBe(500);
    expect(unready.body).toBe('[+]ping ok\n[-]etcd failed: reason withheld\n[+]shutdown ok\nreadyz check failed\n');
    expect((await send('GET', '/livez')).status).toBe(200);
    expect((await send('GET', '/readyz?exclude=etcd')).status).toBe(200);
    expect((await send('GET', '/readyz?exclude=etcd&exclude=x&verbose')).body).toContain('no matches for "x"');
    isBroken = false;
  });
});

describe('usage', () => {
  const metrics = '/apis/metrics.k8s.io/v1beta1';

  test('of pods is read from the node, for pods that are stored', async () => {
    const spec = { containers: [{ name: 'main', image: 'i' }] };
    await send('POST', '/api/v1/namespaces/default/pods', { metadata: { name: 'p', labels: { app: 'web' } }, spec });
    const { body } = await send('GET', `${metrics}/namespaces/default/pods`);
    expect(body).toMatchObject({ kind: 'PodMetricsList', apiVersion: 'metrics.k8s.io/v1beta1' });
    expect(body.items).toMatchObject([
      {
        metadata: { name: 'p', namespace: 'default', labels: { app: 'web' } },
        window: '10s',
        containers: [{ name: 'main', usage: { cpu: '1500m', memory: '2930Ki' } }],
      },
    ]);
    expect((await send('GET', `${metrics}/pods?labelSelector=app%3Dother`)).body.items).toEqual([]);
    expect((await send('GET', `${metrics}/namespaces/default/pods/p`)).body.kind).toBe('PodMetrics');
    expect((await send('GET', `${metrics}/namespaces/default/pods/q`)).body.message).toBe(
      'pods.metrics.k8s.io "q" not found',
    );
  });

  test('of nodes is there, and nothing of it can be written', async () => {
    const { body } = await send('GET', `${metrics}/nodes`);
    expect(body.items).toMatchObject([{ metadata: { name: 'local' }, usage: { cpu: '2', memory: '1Mi' } }]);
    expect((await send('POST', `${metrics}/nodes`, {})).status).toBe(405);
    const { body: group } = await send('GET', metrics);
    expect(group.resources.map(({ name, verbs }: { name: string; verbs: string[] }) => [name, verbs])).toEqual([
      ['nodes', ['get', 'list']],
      ['pods', ['get', 'list']],
    ]);
  });

  test('is not served by a server that does not know it', async () => {
    const plain = await startTestApiServer();
    expect((await testClient(plain.handle)('GET', metrics)).status).toBe(404);
    await plain.close();
  });
});

test('the metrics count requests from the network, objects and watches', async () => {
  await overNetwork('/api/v1/namespaces/default/pods/none');
  const text = await overNetwork('/metrics');
  expect(text).toContain(
    'apiserver_request_total{group="",resource="pods",scope="resource",subresource="",verb="GET",version="v1",code="404"} 1',
  );
  expect(text).toMatch(/apiserver_request_duration_seconds_bucket\{[^}]*le="\+Inf"\} 1/);
  expect(text).toMatch(/apiserver_storage_objects\{resource="namespaces"\} 4/);
  expect(text).toContain('apiserver_longrunning_requests{verb="WATCH"} 0');
});

test('OpenAPI v2 is there for kubectl, as protobuf only', async () => {
  const accept = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
  const found = await send('GET', '/openapi/v2', undefined, { accept });
  expect(found).toMatchObject({ status: 200, headers: { 'content-type': accept.replace('@', '.') } });
  expect((await send('GET', '/openapi/v2', undefined, { accept: 'application/json' })).status).toBe(406);
});

test('the issuer of tokens tells where its keys are', async () => {
  const { body } = await send('GET', '/.well-known/openid-configuration');
  expect(body.jwks_uri).toBe('https://kubernetes.default.svc/openid/v1/jwks');
});
