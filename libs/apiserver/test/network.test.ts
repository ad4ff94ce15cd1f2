import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { memoryStore } from '@sluice/store';
import type { ApiServer } from '../src/server/api-server.ts';
import { startTestApiServer, type TestClient, testClient } from '../src/testing.ts';

// oxlint-disable vitest/valid-expect -- a second argument names the case
type Reply = { readonly status: number; readonly headers: Readonly<Record<string, unknown>>; readonly bytes: Buffer };

let directory: string;
let server: ApiServer;
let send: TestClient;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sluice-pki-'));
  server = await startTestApiServer({ directory });
  send = testClient(server.handle);
});
afterAll(async () => {
  await server.close();
  await rm(directory, { recursive: true, force: true });
});

type Call = {
  readonly method?: string;
  readonly token?: string | undefined;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
};

function call(url: string, path: string, { method = 'GET', token, headers = {}, body }: Call = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const options = { method, ca: server.ca, headers: { ...headers, ...authorization }, agent: false };
    const outgoing = httpsRequest(url + path, options, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, bytes: Buffer.concat(chunks) }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
const bodyOf = ({ bytes }: Reply) => JSON.parse(bytes.toString());

describe('over TLS', () => {
  test("the certificate holds for the address and for localhost, under the server's own authority", async () => {
    expect((await call(server.url, '/version')).status).toBe(200);
    expect((await call(server.url.replace('127.0.0.1', 'localhost'), '/version')).status).toBe(200);
    expect(bodyOf(await call(server.url, '/version'))).toMatchObject({
      major: '1',
      minor: '35',
      gitVersion: expect.stringMatching(/^v1\.35\.\d/),
    });
  });

  test.for(['/healthz', '/livez', '/readyz'])('%s needs no credentials', async (path) => {
    expect((await call(server.url, path)).bytes.toString()).toBe('ok');
  });

  test.for(['/api', '/api/v1/pods', '/openapi/v3', '/apis/apps/v1/namespaces/default/deployments/x'])(
    '%s without credentials is 401',
    async (path) => {
      for (const token of [undefined, 'wrong', 'a.b.c']) {
        const reply = await call(server.url, path, { token });
        expect(reply.status).toBe(401);
        expect(bodyOf(reply)).toMatchObject({ kind: 'Status', reason: 'Unauthorized', code: 401 });
      }
    },
  );

  test("the administrator's token opens everything", async () => {
    const { token } = server;
    expect((await call(server.url, '/api/v1/namespaces', { token })).status).toBe(200);
  });

  test('large answers are compressed for those who accept it', async () => {
    const { token } = server;
    for (let index = 0; index < 4; index++) {
      await send('POST', '/api/v1/namespaces/default/configmaps', {
        metadata: { name: `large-${index}` },
        data: { text: 'ab'.repeat(50_000) },
      });
    }
    const path = '/api/v1/namespaces/default/configmaps';
    const plain = await call(server.url, path, { token });
    const packed = await call(server.url, path, { token, headers: { 'accept-encoding': 'gzip' } });
    expect(packed.headers['content-encoding']).toBe('gzip');
    expect(packed.bytes.length).toBeLessThan(plain.bytes.length / 10);
    expect(JSON.parse(gunzipSync(packed.bytes).toString())).toEqual(bodyOf(plain));
    expect(
      (await call(server.url, '/api', { token, headers: { 'accept-encoding': 'gzip' } })).headers['content-encoding'],
    ).toBeUndefined();
  });

  test('a body over 3 MiB is refused and the server goes on', async () => {
    const { token } = server;
    const reply = await call(server.url, '/api/v1/namespaces/default/configmaps', {
      method: 'POST',
      token,
      headers: { 'content-type': 'application/json' },
      body: Buffer.alloc(3 * 1024 * 1024 + 1, 32),
    });
    expect(reply.status).toBe(413);
    expect(bodyOf(reply)).toMatchObject({ reason: 'RequestEntityTooLarge' });
    expect((await call(server.url, '/healthz')).status).toBe(200);
  });

  test('what upgrades to a stream is refused by name', async () => {
    await send('POST', '/api/v1/namespaces/default/pods', {
      metadata: { name: 'p' },
      spec: { containers: [{ name: 'a', image: 'a' }] },
    });
    const headers = { connection: 'Upgrade', upgrade: 'websocket' };
    const reply = await call(server.url, '/api/v1/namespaces/default/pods/p/exec?command=ls', {
      token: server.token,
      headers,
    });
    expect(reply.status).toBe(501);
    expect(bodyOf(reply).message).toMatch(/exec [a-z ]*is not supported yet/u);
  });
});

describe('credentials', () => {
  test('are files that only their owner reads', async () => {
    const files = await readdir(directory);
    expect(files.toSorted()).toEqual([
      'admin.token',
      'ca.crt',
      'ca.key',
      'server.crt',
      'server.key',
      'service-account.key',
    ]);
    for (const file of files) expect((await stat(join(directory, file))).mode & 0o777, file).toBe(0o600);
  });

  test('are the same after a restart', async () => {
    const again = await startTestApiServer({ directory });
    expect([again.ca, again.token]).toEqual([server.ca, server.token]);
    await again.close();
  });

  test('a server certificate that is about to expire is replaced, the authority stays', async () => {
    const own = await mkdtemp(join(tmpdir(), 'sluice-pki-'));
    const first = await startTestApiServer({ directory: own });
    await first.close();
    const before = (await stat(join(own, 'server.crt'))).ino;
    const later = await startTestApiServer({ directory: own, now: () => Date.now() + 340 * 86_400_000 });
    expect(later.ca).toBe(first.ca);
    expect((await stat(join(own, 'server.crt'))).ino).not.toBe(before);
    await later.close();
    await rm(own, { recursive: true });
  });

  test('the kubeconfig names the server, its authority and the token', () => {
    const config = JSON.parse(server.kubeconfig());
    expect(config.clusters[0].cluster.server).toBe(server.url);
    expect(Buffer.from(config.clusters[0].cluster['certificate-authority-data'], 'base64').toString()).toBe(server.ca);
    expect(config.users[0].user.token).toBe(server.token);
    expect(config['current-context']).toBe(config.contexts[0].name);
  });
});

describe('service accounts', () => {
  const tokenOf = async (name: string): Promise<string> => {
    const path = '/api/v1/namespaces/default/serviceaccounts';
    await send('POST', path, { metadata: { name } });
    return (await send('POST', `${path}/${name}/token`, { spec: { expirationSeconds: 3600 } })).body.status.token;
  };

  test('a token says who its account is and may do nothing that no role allows', async () => {
    const token = await tokenOf('reader');
    const review = await call(server.url, '/apis/authentication.k8s.io/v1/selfsubjectreviews', {
      method: 'POST',
      token,
      body: '{}',
      headers: { 'content-type': 'application/json' },
    });
    expect(bodyOf(review).status.userInfo).toMatchObject({
      username: 'system:serviceaccount:default:reader',
      groups: expect.arrayContaining(['system:serviceaccounts:default', 'system:authenticated']),
    });
    const refused = await call(server.url, '/api/v1/namespaces/default/pods', { token });
    expect(refused.status).toBe(403);
    expect(bodyOf(refused).message).toBe(
      'pods is forbidden: User "system:serviceaccount:default:reader" cannot list resource "pods" in API group "" in the namespace "default"',
    );
  });

  test('a role that is bound lets its account do what it names, there and nowhere else', async () => {
    const token = await tokenOf('worker');
    const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default';
    await send('POST', `${rbac}/roles`, {
      metadata: { name: 'pods' },
      rules: [{ apiGroups: [''], resources: ['pods', 'pods/log'], verbs: ['get', 'list'] }],
    });
    await send('POST', `${rbac}/rolebindings`, {
      metadata: { name: 'pods' },
      subjects: [{ kind: 'ServiceAccount', name: 'worker' }],
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'pods' },
    });
    const status = async (path: string, method = 'GET') => (await call(server.url, path, { token, method })).status;
    expect(await status('/api/v1/namespaces/default/pods')).toBe(200);
    expect(await status('/api/v1/namespaces/default/pods/missing')).toBe(404);
    expect(await status('/api/v1/namespaces/default/pods/missing', 'DELETE')).toBe(403);
    expect(await status('/api/v1/namespaces/kube-system/pods')).toBe(403);
    expect(await status('/api/v1/pods')).toBe(403);
    expect(await status('/api/v1/namespaces/default/secrets')).toBe(403);
    expect(await status('/apis/apps/v1')).toBe(200);
  });

  test('a token dies with its account', async () => {
    const token = await tokenOf('mortal');
    expect((await call(server.url, '/apis', { token })).status).toBe(200);
    await send('DELETE', '/api/v1/namespaces/default/serviceaccounts/mortal');
    expect((await call(server.url, '/apis', { token })).status).toBe(401);
    await tokenOf('mortal');
    expect((await call(server.url, '/apis', { token })).status).toBe(401);
  });

  test('a TokenReview tells known tokens from others', async () => {
    const review = async (token: string) =>
      (await send('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token } })).body.status;
    expect(await review(await tokenOf('reviewed'))).toMatchObject({
      authenticated: true,
      user: { username: 'system:serviceaccount:default:reviewed' },
    });
    expect(await review('nobody')).toMatchObject({ authenticated: false });
  });
});

test("after a restart the objects, their versions and the services' addresses are what they were", async () => {
  const store = memoryStore();
  const first = await startTestApiServer({ store });
  const sendFirst = testClient(first.handle);
  const services = '/api/v1/namespaces/default/services';
  const service = (await sendFirst('POST', services, { metadata: { name: 'kept' }, spec: { ports: [{ port: 80 }] } }))
    .body;
  await sendFirst('POST', services, { metadata: { name: 'gone' }, spec: { ports: [{ port: 80 }] } });
  await sendFirst('DELETE', `${services}/gone`);
  const last = Number((await sendFirst('GET', services)).body.metadata.resourceVersion);
  await first.close();
  const second = await startTestApiServer({ store });
  const sendSecond = testClient(second.handle);
  expect((await sendSecond('GET', `${services}/kept`)).body).toEqual(service);
  expect((await sendSecond('GET', `${services}/gone`)).status).toBe(404);
  const next = (await sendSecond('POST', services, { metadata: { name: 'next' }, spec: { ports: [{ port: 80 }] } }))
    .body;
  expect(Number(next.metadata.resourceVersion)).toBeGreaterThan(last);
  expect(next.spec.clusterIP).not.toBe(service.spec.clusterIP);
  await second.close();
});
