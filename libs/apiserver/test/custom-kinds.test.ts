import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { memoryStore } from '@sluice/store';
import type { ApiServer } from '../src/server/api-server.ts';
import { openTestWatch, startTestApiServer, type TestClient, testClient } from '../src/testing.ts';
import { widgetDefinition, widgetVersion } from './widget.ts';

const store = memoryStore();
let server: ApiServer;
let send: TestClient;
beforeAll(async () => {
  server = await startTestApiServer({ store });
  send = testClient(server.handle);
});
afterAll(() => server.close());

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const widgets = '/apis/example.com/v1/namespaces/default/widgets';
const merge = { contentType: 'application/merge-patch+json' };
async function gone(): Promise<void> {
  await expect.poll(async () => (await send('GET', `${definitions}/widgets.example.com`)).status).toBe(404);
}

beforeEach(async () => {
  await send('POST', definitions, widgetDefinition());
});
afterEach(async () => {
  await send('DELETE', `${definitions}/widgets.example.com`);
  await gone();
});

test('a definition is established in the write that brings it', async () => {
  const { body } = await send('GET', `${definitions}/widgets.example.com`);
  expect(body.status).toMatchObject({
    acceptedNames: { plural: 'widgets', kind: 'Widget', listKind: 'WidgetList', singular: 'widget' },
    storedVersions: ['v1'],
  });
  const conditions = new Map(
    body.status.conditions.map((condition: { type: string; status: string }) => [condition.type, condition.status]),
  );
  expect([conditions.get('NamesAccepted'), conditions.get('Established')]).toEqual(['True', 'True']);
});

describe('a custom object', () => {
  test('is defaulted, pruned and counted', async () => {
    const made = await send('POST', widgets, {
      metadata: { name: 'one' },
      spec: { size: 3, unknown: true },
      status: { replicas: 1 },
    });
    expect(made.body).toMatchObject({
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      spec: { size: 3, color: 'red' },
      metadata: { generation: 1 },
    });
    expect(made.body.spec.unknown).toBeUndefined();
    expect(made.body.status).toBeUndefined();
    expect(made.headers['warning']).toContain('unknown field \\"spec.unknown\\"');
    const patched = await send('PATCH', `${widgets}/one`, { spec: { size: 4 } }, merge);
    expect(patched.body.metadata.generation).toBe(2);
    const status = await send('PATCH', `${widgets}/one/status`, { status: { replicas: 2 }, spec: { size: 9 } }, merge);
    expect(status.body).toMatchObject({ spec: { size: 4 }, status: { replicas: 2 }, metadata: { generation: 2 } });
  });

  test('with unknown fields is refused when the client is strict', async () => {
    const body = { metadata: { name: 'strict' }, spec: { size: 1, colour: 'blue' } };
    expect(await send('POST', `${widgets}?fieldValidation=Strict`, body)).toMatchObject({
      status: 400,
      body: {
        reason: 'BadRequest',
        message: expect.stringContaining('strict decoding error: unknown field "spec.colour"'),
      },
    });
    expect((await send('POST', `${widgets}?fieldValidation=Ignore`, body)).headers['warning']).toBeUndefined();
  });

  test('that breaks its schema is refused with a cause', async () => {
    expect(await send('POST', widgets, { metadata: { name: 'bad' }, spec: { size: 0 } })).toMatchObject({
      status: 422,
      body: { reason: 'Invalid', details: { group: 'example.com', kind: 'Widget', causes: [{ field: 'spec.size' }] } },
    });
  });

  test('is replaced only by an update that says from which version', async () => {
    const { body } = await send('POST', widgets, { metadata: { name: 'put' }, spec: { size: 1 } });
    expect((await send('PUT', `${widgets}/put`, { ...body, metadata: { name: 'put' } })).status).toBe(422);
    expect((await send('PUT', `${widgets}/put`, { ...body, spec: { size: 2 } })).body.spec.size).toBe(2);
  });

  test('takes no strategic merge patch', async () => {
    await send('POST', widgets, { metadata: { name: 'smp' }, spec: { size: 1 } });
    const answer = await send('PATCH', `${widgets}/smp`, {}, { contentType: 'application/strategic-merge-patch+json' });
    expect(answer.status).toBe(415);
  });

  test('scales', async () => {
    await send('POST', widgets, { metadata: { name: 'wide' }, spec: { size: 1, replicas: 2 } });
    await send('PATCH', `${widgets}/wide/status`, { status: { replicas: 1, selector: 'a=b' } }, merge);
    expect((await send('GET', `${widgets}/wide/scale`)).body).toMatchObject({
      kind: 'Scale',
      spec: { replicas: 2 },
      status: { replicas: 1, selector: 'a=b' },
    });
    await send('PATCH', `${widgets}/wide/scale`, { spec: { replicas: 5 } }, merge);
    expect((await send('GET', `${widgets}/wide`)).body.spec.replicas).toBe(5);
  });

  test('is printed with the columns of its definition', async () => {
    await send('POST', widgets, { metadata: { name: 'shown' }, spec: { size: 7 } });
    const { body } = await send('GET', widgets, undefined, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
    expect(body.columnDefinitions.map(({ name }: { name: string }) => name)).toEqual(['Name', 'Size']);
    expect(body.rows[0].cells).toEqual(['shown', 7]);
  });
});

test('versions of one kind show the same objects', async () => {
  const change = { spec: { versions: [widgetVersion('v1', false), widgetVersion('v2', true)] } };
  expect((await send('PATCH', `${definitions}/widgets.example.com`, change, merge)).status).toBe(200);
  const made = await send('POST', widgets, { metadata: { name: 'both' }, spec: { size: 1 } });
  expect(made.body.apiVersion).toBe('example.com/v1');
  const other = await send('GET', `${widgets.replace('/v1/', '/v2/')}/both`);
  expect(other.body).toEqual({ ...made.body, apiVersion: 'example.com/v2' });
  expect((await send('GET', widgets)).body.items[0].apiVersion).toBe('example.com/v1');
  expect((await send('GET', `${definitions}/widgets.example.com`)).body.status.storedVersions).toEqual(['v1', 'v2']);
});

test('deleting a definition deletes its objects, waits for their finalizers and ends their watches', async () => {
  await send('POST', widgets, { metadata: { name: 'plain' }, spec: { size: 1 } });
  await send('POST', widgets, { metadata: { name: 'held', finalizers: ['example.com/x'] }, spec: { size: 1 } });
  const watch = await openTestWatch(server.handle, `${widgets}?watch=true`);
  await watch.take(2);
  await send('DELETE', `${definitions}/widgets.example.com`);
  await expect.poll(async () => (await send('GET', `${widgets}/plain`)).status).toBe(404);
  const definition = (await send('GET', `${definitions}/widgets.example.com`)).body;
  expect(definition.status.conditions).toContainEqual(expect.objectContaining({ type: 'Terminating', status: 'True' }));
  await send('PATCH', `${widgets}/held`, { metadata: { finalizers: null } }, merge);
  await gone();
  expect((await send('GET', widgets)).status).toBe(404);
  const types: string[] = [];
  for (let event = await watch.next(); event; event = await watch.next())
    types.push(`${event.type} ${event.object.metadata.name}`);
  expect(types.filter((type) => type.startsWith('DELETED'))).toEqual(['DELETED plain', 'DELETED held']);
});

test('a kind that is taken in the group is not accepted', async () => {
  const names = { plural: 'gadgets', kind: 'Widget' };
  const second = { ...widgetDefinition({ names }), metadata: { name: 'gadgets.example.com' } };
  const { body } = await send('POST', definitions, second);
  expect(body.status.conditions).toContainEqual(
    expect.objectContaining({ type: 'NamesAccepted', status: 'False', reason: 'KindConflict' }),
  );
  expect((await send('GET', '/apis/example.com/v1/namespaces/default/gadgets')).status).toBe(404);
  await send('DELETE', `${definitions}/gadgets.example.com`);
});

test('custom kinds are served again after a restart', async () => {
  await send('POST', widgets, { metadata: { name: 'kept' }, spec: { size: 1 } });
  const again = await startTestApiServer({ store });
  expect((await testClient(again.handle)('GET', `${widgets}/kept`)).body.spec.size).toBe(1);
  await again.close();
});
