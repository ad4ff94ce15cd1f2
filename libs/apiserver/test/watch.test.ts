import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ApiServer } from '../src/server/api-server.ts';
import {
  openTestWatch,
  startTestApiServer,
  type TestClient,
  testClient,
  type TestEvent,
  type TestWatch,
} from '../src/testing.ts';

let server: ApiServer;
let send: TestClient;
let open: TestWatch[] = [];
beforeAll(async () => {
  server = await startTestApiServer({ history: { changes: 100, characters: 60_000_000 } });
  send = testClient(server.handle);
});
afterEach(() => {
  for (const watch of open) watch.close();
  open = [];
});
afterAll(() => server.close());

let made = 0;
/** A namespace of its own for each test. */
async function freshMaps(): Promise<string> {
  const name = `watch-${++made}`;
  await send('POST', '/api/v1/namespaces', { metadata: { name } });
  return `/api/v1/namespaces/${name}/configmaps`;
}
async function watch(path: string, accept?: string): Promise<TestWatch> {
  const opened = await openTestWatch(server.handle, path, accept);
  open.push(opened);
  return opened;
}
const create = (maps: string, name: string, labels: object = {}) => send('POST', maps, { metadata: { name, labels } });
const label = (maps: string, name: string, labels: object) =>
  send('PATCH', `${maps}/${name}`, { metadata: { labels } }, { contentType: 'application/merge-patch+json' });
const shown = (events: readonly TestEvent[]): string[] =>
  events.map(({ type, object }) => `${type} ${object.metadata.name}`);
const versionOf = async (maps: string): Promise<string> => (await send('GET', maps)).body.metadata.resourceVersion;

describe('a watch', () => {
  test('from a version shows every later change once and in order', async () => {
    const maps = await freshMaps();
    await create(maps, 'before');
    const from = await versionOf(maps);
    await create(maps, 'missed');
    const events = await watch(`${maps}?watch=true&resourceVersion=${from}`);
    await create(maps, 'live');
    await label(maps, 'live', { a: 'b' });
    await send('DELETE', `${maps}/before`);
    const taken = await events.take(4);
    expect(shown(taken)).toEqual(['ADDED missed', 'ADDED live', 'MODIFIED live', 'DELETED before']);
    const versions = taken.map(({ object }) => Number(object.metadata.resourceVersion));
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
  });

  test('without a version begins with what is there', async () => {
    const maps = await freshMaps();
    await create(maps, 'a');
    await create(maps, 'b');
    const events = await watch(`${maps}?watch=true`);
    await create(maps, 'c');
    expect(shown(await events.take(3))).toEqual(['ADDED a', 'ADDED b', 'ADDED c']);
  });

  test('sees objects enter and leave its selector', async () => {
    const maps = await freshMaps();
    await create(maps, 'x', { in: 'yes' });
    const from = await versionOf(maps);
    const events = await watch(`${maps}?watch=true&resourceVersion=${from}&labelSelector=in%3Dyes`);
    await create(maps, 'y');
    await label(maps, 'y', { in: 'yes' });
    await label(maps, 'x', { other: 'z' });
    const left = (await label(maps, 'x', { in: 'no' })).body;
    await send('DELETE', `${maps}/x`);
    await send('DELETE', `${maps}/y`);
    const taken = await events.take(4);
    expect(shown(taken)).toEqual(['ADDED y', 'MODIFIED x', 'DELETED x', 'DELETED y']);
    expect(taken[2]?.object.metadata).toMatchObject({
      labels: { in: 'yes', other: 'z' },
      resourceVersion: left.metadata.resourceVersion,
    });
  });

  test('of one namespace or one name does not see the others', async () => {
    const [maps, others] = [await freshMaps(), await freshMaps()];
    const byNamespace = await watch(`${maps}?watch=true&resourceVersion=${await versionOf(maps)}`);
    const byName = await watch(`${maps}?watch=true&fieldSelector=metadata.name%3Dtwo`);
    await create(others, 'two');
    await create(maps, 'one');
    await create(maps, 'two');
    expect(shown(await byNamespace.take(2))).toEqual(['ADDED one', 'ADDED two']);
    expect(shown(await byName.take(1))).toEqual(['ADDED two']);
  });

  test('ends after timeoutSeconds', async () => {
    const maps = await freshMaps();
    const events = await watch(`${maps}?watch=true&timeoutSeconds=1`);
    expect(await events.next()).toBeUndefined();
  });

  test('as a Table sends the columns once, in its first event', async () => {
    const maps = await freshMaps();
    await create(maps, 'there');
    const events = await watch(`${maps}?watch=true`, 'application/json;as=Table;v=v1;g=meta.k8s.io');
    await create(maps, 'a');
    await create(maps, 'b');
    const [first, , second] = await events.take(3);
    expect(first?.object.columnDefinitions.length).toBeGreaterThan(0);
    expect(first?.object.rows[0].object.metadata.name).toBe('there');
    expect(second?.object).toMatchObject({
      kind: 'Table',
      columnDefinitions: null,
      rows: [{ object: { metadata: { name: 'b' } } }],
    });
  });

  test('of the deprecated watch path is a watch', async () => {
    const maps = await freshMaps();
    await create(maps, 'old');
    const events = await watch(maps.replace('/api/v1/', '/api/v1/watch/'));
    expect(shown(await events.take(1))).toEqual(['ADDED old']);
  });
});

describe('initial events', () => {
  test('end with a bookmark that says so, before anything live', async () => {
    const maps = await freshMaps();
    await create(maps, 'a');
    const query = 'watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
    const events = await watch(`${maps}?${query}`);
    await create(maps, 'b');
    const taken = await events.take(3);
    expect(taken.map(({ type }) => type)).toEqual(['ADDED', 'BOOKMARK', 'ADDED']);
    expect(taken[1]?.object).toMatchObject({
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: {
        annotations: { 'k8s.io/initial-events-end': 'true' },
        resourceVersion: expect.stringMatching(/^\d+$/),
      },
    });
  });

  test('are refused without the match that they need', async () => {
    const maps = await freshMaps();
    const answer = await send('GET', `${maps}?watch=true&sendInitialEvents=true`);
    expect(answer).toMatchObject({
      status: 422,
      body: { reason: 'Invalid', details: { causes: [{ field: 'resourceVersionMatch' }] } },
    });
    expect((await send('GET', `${maps}?watch=true&resourceVersionMatch=NotOlderThan`)).status).toBe(422);
  });
});

test('history that is gone ends the watch with an ERROR that says 410', async () => {
  const maps = await freshMaps();
  await create(maps, 'busy');
  const from = await versionOf(maps);
  for (let index = 0; index < 150; index++) await label(maps, 'busy', { index: String(index) });
  const events = await watch(`${maps}?watch=true&resourceVersion=${from}`);
  expect(await events.next()).toMatchObject({
    type: 'ERROR',
    object: {
      kind: 'Status',
      code: 410,
      reason: 'Expired',
      message: expect.stringContaining('too old resource version'),
    },
  });
  expect(await events.next()).toBeUndefined();
});

test('a client that does not read is cut off, and the others go on', async () => {
  const maps = await freshMaps();
  const from = await versionOf(maps);
  const slow = await watch(`${maps}?watch=true&resourceVersion=${from}`);
  await create(maps, 'big');
  expect(shown(await slow.take(1))).toEqual(['ADDED big']);
  const filler = 'x'.repeat(900_000);
  for (let index = 0; index < 25; index++) {
    await send(
      'PATCH',
      `${maps}/big`,
      { data: { filler, index: String(index) } },
      { contentType: 'application/merge-patch+json' },
    );
  }
  const fresh = await watch(`${maps}?watch=true&resourceVersion=${await versionOf(maps)}`);
  await create(maps, 'small');
  expect(shown(await fresh.take(1))).toEqual(['ADDED small']);
  const rest: TestEvent[] = [];
  for (let event = await slow.next(); event; event = await slow.next()) rest.push(event);
  expect(rest.length).toBeLessThan(26);
});

test('a hundred watches of one kind all see the same change', async () => {
  const maps = await freshMaps();
  const watches = await Promise.all(Array.from({ length: 100 }, () => watch(`${maps}?watch=true`)));
  await create(maps, 'seen');
  const events = await Promise.all(watches.map((each) => each.take(1)));
  expect(events.every(([event]) => event?.object.metadata.name === 'seen')).toBe(true);
});

test('closing the server ends its watches', async () => {
  const own = await startTestApiServer();
  const events = await openTestWatch(own.handle, '/api/v1/configmaps?watch=true');
  const ended = events.next();
  await own.close();
  expect(await ended).toBeUndefined();
});
