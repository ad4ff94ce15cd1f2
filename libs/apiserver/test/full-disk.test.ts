import { memoryStore } from '@sluice/store';
import { expect, test } from 'vitest';
import { openTestWatch, startTestApiServer, testClient } from '../src/testing.ts';

const maps = '/api/v1/namespaces/default/configmaps';

test('a full disk refuses writes with a Status, goes on reading, and writes again once there is room', async () => {
  const store = memoryStore();
  const server = await startTestApiServer({ store });
  const send = testClient(server.handle);
  await send('POST', maps, { metadata: { name: 'before' } });
  const watch = await openTestWatch(server.handle, `${maps}?watch=true`);
  await watch.take(1);
  store.fillUp(true);
  const refused = await send('POST', maps, { metadata: { name: 'during' } });
  expect(refused).toMatchObject({
    status: 507,
    body: { kind: 'Status', status: 'Failure', reason: 'InsufficientStorage', code: 507 },
  });
  const { body } = await send('GET', maps);
  expect(body.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name)).toEqual(['before']);
  store.fillUp(false);
  expect((await send('POST', maps, { metadata: { name: 'during' } })).status).toBe(201);
  // The refused write is in no history: the watch sees the object once.
  expect((await watch.take(1)).map(({ type, object }) => [type, object.metadata.name])).toEqual([['ADDED', 'during']]);
  const { body: after } = await send('GET', `${maps}/during`);
  expect(Number(after.metadata.resourceVersion)).toBeGreaterThan(Number(body.metadata.resourceVersion));
  watch.close();
  await server.close();
});
