import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '@sluice/store';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ApiServer } from '../src/server/api-server.ts';
import { startTestApiServer, testClient } from '../src/testing.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sluice-restart-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const maps = '/api/v1/namespaces/default/configmaps';

async function served<T>(use: (server: ApiServer) => Promise<T>): Promise<T> {
  const store = await openStore({ directory: join(directory, 'store'), formatVersion: 1 });
  const server = await startTestApiServer({ store, directory: join(directory, 'pki') });
  try {
    return await use(server);
  } finally {
    await server.close();
    await store.close();
  }
}

async function events(server: ApiServer, from: string): Promise<readonly string[]> {
  const query = new URLSearchParams({ watch: 'true', resourceVersion: from, timeoutSeconds: '1' });
  const { body } = await server.handle({ method: 'GET', path: `${maps}?${query}`, headers: {} });
  let text = '';
  for await (const part of body as AsyncIterable<Uint8Array>) text += Buffer.from(part).toString();
  return text
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const { type, object } = JSON.parse(line) as {
        type: string;
        object: { code?: number; metadata: { name?: string } };
      };
      return `${type} ${object.metadata.name ?? object.code}`;
    });
}

test('a watch goes on after a restart where it was', async () => {
  const from = await served(async (server) => {
    const send = testClient(server.handle);
    await send('POST', maps, { metadata: { name: 'before' } });
    const { body } = await send('GET', maps);
    await send('POST', maps, { metadata: { name: 'a' } });
    await send('PATCH', `${maps}/a`, { data: { x: '1' } }, { contentType: 'application/merge-patch+json' });
    await send('DELETE', `${maps}/before`);
    return String(body.metadata.resourceVersion);
  });
  await served(async (server) => {
    expect(await events(server, from)).toEqual(['ADDED a', 'MODIFIED a', 'DELETED before']);
    await testClient(server.handle)('POST', maps, { metadata: { name: 'c' } });
    expect(await events(server, from)).toEqual(['ADDED a', 'MODIFIED a', 'DELETED before', 'ADDED c']);
  });
});
