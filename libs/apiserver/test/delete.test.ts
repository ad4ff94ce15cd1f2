import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiServer } from '../src/server/api-server.ts';
import { startTestApiServer, type TestClient, testClient } from '../src/testing.ts';

let server: ApiServer;
let send: TestClient;
const now = Date.parse('2026-01-02T03:04:05Z');
beforeAll(async () => {
  server = await startTestApiServer({ now: () => now });
  send = testClient(server.handle);
});
afterAll(() => server.close());

const maps = '/api/v1/namespaces/default/configmaps';
const pods = '/api/v1/namespaces/default/pods';
const create = async (metadata: object) => (await send('POST', maps, { metadata })).body;
const createPod = async (name: string, spec: object = {}) =>
  (await send('POST', pods, { metadata: { name }, spec: { containers: [{ name: 'a', image: 'a' }], ...spec } })).body;
const status = async (path: string) => (await send('GET', path)).status;

describe('an object', () => {
  test('is gone at once, and the answer is a Status with its uid', async () => {
    const { metadata } = await create({ name: 'simple' });
    expect(await send('DELETE', `${maps}/simple`)).toMatchObject({
      status: 200,
      body: { kind: 'Status', status: 'Success', details: { name: 'simple', kind: 'configmaps', uid: metadata.uid } },
    });
    expect(await status(`${maps}/simple`)).toBe(404);
    expect(await status(`${maps}/simple`)).toBe(404);
  });

  test('with finalizers stays, marked, until the last is removed', async () => {
    await create({ name: 'held', finalizers: ['example.com/a', 'example.com/b'] });
    const marked = await send('DELETE', `${maps}/held`);
    expect(marked.body.metadata).toMatchObject({
      deletionTimestamp: '2026-01-02T03:04:05Z',
      deletionGracePeriodSeconds: 0,
    });
    const again = await send('DELETE', `${maps}/held`);
    expect(again.body.metadata.resourceVersion).toBe(marked.body.metadata.resourceVersion);
    const patch = (finalizers: readonly string[] | null) =>
      send('PATCH', `${maps}/held`, { metadata: { finalizers } }, { contentType: 'application/merge-patch+json' });
    expect((await patch(['example.com/b'])).body.metadata.finalizers).toEqual(['example.com/b']);
    expect((await patch(null)).status).toBe(200);
    expect(await status(`${maps}/held`)).toBe(404);
  });

  test('keeps its deletion time whatever an update says', async () => {
    const { metadata } = await create({ name: 'dying', finalizers: ['example.com/a'] });
    await send('DELETE', `${maps}/dying`);
    const update = await send('PUT', `${maps}/dying`, {
      metadata: { name: 'dying', finalizers: ['example.com/a'], uid: metadata.uid },
    });
    expect(update.body.metadata.deletionTimestamp).toBe('2026-01-02T03:04:05Z');
  });

  test.for([
    { policy: 'Foreground', finalizer: 'foregroundDeletion' },
    { policy: 'Orphan', finalizer: 'orphan' },
  ])('with policy $policy waits for the garbage collector', async ({ policy, finalizer }) => {
    const name = policy.toLowerCase();
    await create({ name });
    const { body } = await send('DELETE', `${maps}/${name}`, { propagationPolicy: policy });
    expect(body.metadata.finalizers).toEqual([finalizer]);
    expect((await send('DELETE', `${maps}/${name}`, { propagationPolicy: 'Background' })).body.status).toBe('Success');
  });

  test('is kept when a precondition does not hold', async () => {
    const { metadata } = await create({ name: 'guarded' });
    const uid = await send('DELETE', `${maps}/guarded`, { preconditions: { uid: 'other' } });
    expect(uid).toMatchObject({ status: 409, body: { reason: 'Conflict' } });
    expect(uid.body.message).toContain(
      `Precondition failed: UID in precondition: other, UID in object meta: ${metadata.uid}`,
    );
    expect((await send('DELETE', `${maps}/guarded`, { preconditions: { resourceVersion: '1' } })).status).toBe(409);
    expect((await send('DELETE', `${maps}/guarded?dryRun=All`)).status).toBe(200);
    expect(await status(`${maps}/guarded`)).toBe(200);
    expect((await send('DELETE', `${maps}/guarded`, { preconditions: { uid: metadata.uid } })).status).toBe(200);
  });

  test('refuses a policy that does not exist', async () => {
    await create({ name: 'policy' });
    expect((await send('DELETE', `${maps}/policy?propagationPolicy=Sideways`)).status).toBe(400);
  });
});

describe('a pod', () => {
  test('on a node is given its grace period and goes when the node deletes it with none', async () => {
    await createPod('graceful', { terminationGracePeriodSeconds: 12 });
    const { body } = await send('DELETE', `${pods}/graceful`);
    expect(body).toMatchObject({
      kind: 'Pod',
      metadata: { deletionGracePeriodSeconds: 12, deletionTimestamp: '2026-01-02T03:04:17Z' },
    });
    const shorter = await send('DELETE', `${pods}/graceful`, { gracePeriodSeconds: 3 });
    expect(shorter.body.metadata).toMatchObject({
      deletionGracePeriodSeconds: 3,
      deletionTimestamp: '2026-01-02T03:04:08Z',
    });
    const longer = await send('DELETE', `${pods}/graceful`, { gracePeriodSeconds: 30 });
    expect(longer.body.metadata.deletionGracePeriodSeconds).toBe(3);
    await send('DELETE', `${pods}/graceful`, { gracePeriodSeconds: 0 });
    expect(await status(`${pods}/graceful`)).toBe(404);
  });

  test('without a node, or finished, goes at once', async () => {
    await createPod('nowhere', { nodeSelector: { a: 'b' } });
    await send('DELETE', `${pods}/nowhere`);
    expect(await status(`${pods}/nowhere`)).toBe(404);
    const pod = await createPod('finished');
    await send('PUT', `${pods}/finished/status`, { ...pod, status: { phase: 'Succeeded' } });
    await send('DELETE', `${pods}/finished`);
    expect(await status(`${pods}/finished`)).toBe(404);
  });

  test('is deleted by an eviction', async () => {
    await createPod('evicted', { terminationGracePeriodSeconds: 0 });
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'evicted' } };
    expect((await send('POST', `${pods}/evicted/eviction`, eviction)).status).toBe(201);
    expect(await status(`${pods}/evicted`)).toBe(404);
  });
});

test('a collection is deleted as far as the selector reaches', async () => {
  await create({ name: 'in-1', labels: { group: 'in' } });
  await create({ name: 'in-2', labels: { group: 'in' } });
  await create({ name: 'out', labels: { group: 'out' } });
  const { body } = await send('DELETE', `${maps}?labelSelector=group%3Din`);
  expect(body.items.map((item: { metadata: { name: string } }) => item.metadata.name)).toEqual(['in-1', 'in-2']);
  expect(await status(`${maps}/in-1`)).toBe(404);
  expect(await status(`${maps}/out`)).toBe(200);
});

describe('a namespace', () => {
  test('becomes Terminating, takes nothing new, and goes once it is finalized', async () => {
    const made = await send('POST', '/api/v1/namespaces', { metadata: { name: 'short' } });
    expect(made.body).toMatchObject({
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
      metadata: { labels: { 'kubernetes.io/metadata.name': 'short' } },
    });
    const path = '/api/v1/namespaces/short';
    const inside = `${path}/configmaps`;
    expect((await send('POST', inside, { metadata: { name: 'x' } })).status).toBe(201);
    const deleted = await send('DELETE', path);
    expect(deleted.body.status.phase).toBe('Terminating');
    expect(await send('POST', inside, { metadata: { name: 'y' } })).toMatchObject({
      status: 403,
      body: {
        reason: 'Forbidden',
        message:
          'configmaps "y" is forbidden: unable to create new content in namespace short because it is being terminated',
        details: { causes: [{ reason: 'NamespaceTerminating', field: 'metadata.namespace' }] },
      },
    });
    expect((await send('DELETE', inside)).status).toBe(200);
    const finalized = await send('PUT', `${path}/finalize`, { ...deleted.body, spec: { finalizers: [] } });
    expect(finalized.status).toBe(200);
    expect(await status(path)).toBe(404);
  });

  test.for(['default', 'kube-system', 'kube-public'])('%s cannot be deleted', async (name) => {
    const answer = await send('DELETE', `/api/v1/namespaces/${name}`);
    expect(answer).toMatchObject({
      status: 403,
      body: { message: `namespaces "${name}" is forbidden: this namespace may not be deleted` },
    });
  });
});
