import { afterAll, beforeAll, expect, test } from 'vitest';
import { memoryStore } from '@sluice/store';
import type { ApiServer } from '../src/server/api-server.ts';
import { startTestApiServer, type TestClient, testClient } from '../src/testing.ts';

const store = memoryStore();
let server: ApiServer;
let send: TestClient;
beforeAll(async () => {
  server = await startTestApiServer({ store });
  send = testClient(server.handle);
});
afterAll(() => server.close());

const services = '/api/v1/namespaces/default/services';
const create = (name: string, spec: object = {}) =>
  send('POST', services, { metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } });

test('a service gets an address of 127.96.0.0/16 that nobody else has', async () => {
  const answers = await Promise.all(Array.from({ length: 300 }, (_, index) => create(`many-${index}`)));
  const addresses = answers.map(({ body }) => body.spec.clusterIP);
  expect(new Set(addresses).size).toBe(300);
  for (const address of addresses) expect(address).toMatch(/^127\.96\.\d+\.\d+$/);
  expect(answers[0]?.body.spec).toMatchObject({
    clusterIPs: [addresses[0]],
    ipFamilies: ['IPv4'],
    ipFamilyPolicy: 'SingleStack',
  });
});

test('the API server is a service itself', async () => {
  expect((await send('GET', `${services}/kubernetes`)).body.spec).toMatchObject({
    clusterIP: '127.96.0.1',
    ports: [{ name: 'https', port: Number(new URL(server.url).port) }],
  });
});

test('an address may be asked for, once', async () => {
  expect((await create('fixed', { clusterIP: '127.96.7.7' })).body.spec.clusterIP).toBe('127.96.7.7');
  expect(await create('second', { clusterIP: '127.96.7.7' })).toMatchObject({
    status: 422,
    body: { reason: 'Invalid', message: expect.stringContaining('provided IP is already allocated') },
  });
  expect((await create('outside', { clusterIP: '10.0.0.1' })).body.message).toContain('not in the valid range');
});

test('a headless service has none, an external name neither', async () => {
  expect((await create('headless', { clusterIP: 'None' })).body.spec).toMatchObject({
    clusterIP: 'None',
    clusterIPs: ['None'],
  });
  expect(
    (await create('external', { type: 'ExternalName', externalName: 'example.com' })).body.spec.clusterIP,
  ).toBeUndefined();
});

test('an update that leaves the address out keeps it, one that changes it is refused', async () => {
  const { body } = await create('steady');
  const { clusterIP: _, clusterIPs: __, ...spec } = body.spec;
  expect((await send('PUT', `${services}/steady`, { ...body, spec })).body.spec.clusterIP).toBe(body.spec.clusterIP);
  const moved = await send('PUT', `${services}/steady`, { ...body, spec: { ...spec, clusterIP: '127.96.9.9' } });
  expect(moved).toMatchObject({ status: 422, body: { details: { causes: [{ field: 'spec.clusterIPs[0]' }] } } });
});

test('an address is free again after deletion, after a dry run and after a write that failed', async () => {
  const address = '127.96.50.50';
  const take = (name: string, query = '') =>
    send('POST', `${services}${query}`, { metadata: { name }, spec: { clusterIP: address, ports: [{ port: 80 }] } });
  expect((await take('dry', '?dryRun=All')).status).toBe(201);
  store.fillUp(true);
  expect(await take('full')).toMatchObject({ status: 507, body: { kind: 'Status', code: 507 } });
  store.fillUp(false);
  expect((await take('taken')).status).toBe(201);
  await send('DELETE', `${services}/taken`);
  expect((await take('again')).status).toBe(201);
});
