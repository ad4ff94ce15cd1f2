import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ApiServer } from '../src/server/api-server.ts';
import { openTestWatch, startTestApiServer, type TestClient, testClient } from '../src/testing.ts';
import { startWebhooks } from './webhook-server.ts';
import { widgetDefinition } from './widget.ts';

let server: ApiServer;
let send: TestClient;
let hooks: Awaited<ReturnType<typeof startWebhooks>>;
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const v1 = '/apis/example.com/v1/namespaces/default/widgets';
const v2 = v1.replace('/v1/', '/v2/');
const merge = { contentType: 'application/merge-patch+json' };

type Widget = { readonly apiVersion: string; readonly spec: { readonly size?: number; readonly height?: number } };

/** v1 has `size`, v2 calls it `height`. */
function convert(widget: Widget, apiVersion: string): object {
  const { size, height, ...rest } = widget.spec;
  const value = size ?? height;
  return { ...widget, apiVersion, spec: { ...rest, [apiVersion.endsWith('v1') ? 'size' : 'height']: value } };
}

const version = (name: string, field: string, storage: boolean): object => ({
  name,
  served: true,
  storage,
  schema: {
    openAPIV3Schema: {
      type: 'object',
      properties: { spec: { type: 'object', required: [field], properties: { [field]: { type: 'integer' } } } },
    },
  },
});

beforeEach(async () => {
  [server, hooks] = await Promise.all([startTestApiServer(), startWebhooks()]);
  send = testClient(server.handle);
  hooks.answers['/convert'] = ({ objects, desiredAPIVersion }) => ({
    result: { status: 'Success' },
    convertedObjects: objects.map((widget: Widget) => convert(widget, desiredAPIVersion)),
  });
  const webhook = { clientConfig: hooks.client('/convert'), conversionReviewVersions: ['v1'] };
  await send(
    'POST',
    definitions,
    widgetDefinition({
      versions: [version('v1', 'size', false), version('v2', 'height', true)],
      conversion: { strategy: 'Webhook', webhook },
    }),
  );
});
afterEach(async () => {
  await Promise.all([server.close(), hooks.close()]);
});

const widget = (name: string, spec: object): object => ({ metadata: { name, labels: { of: name } }, spec });

test('an object is stored in one version and shown in each', async () => {
  const made = await send('POST', v1, { apiVersion: 'example.com/v1', kind: 'Widget', ...widget('a', { size: 3 }) });
  expect(made).toMatchObject({ status: 201, body: { apiVersion: 'example.com/v1', spec: { size: 3 } } });
  expect((await send('GET', `${v2}/a`)).body).toMatchObject({ apiVersion: 'example.com/v2', spec: { height: 3 } });
  const patched = await send('PATCH', `${v1}/a`, { spec: { size: 5 } }, merge);
  expect(patched.body.spec).toEqual({ size: 5 });
  expect((await send('GET', `${v2}/a`)).body.spec).toEqual({ height: 5 });
  const { body } = await send('GET', v1);
  expect(body.items.map(({ spec }: Widget) => spec)).toEqual([{ size: 5 }]);
  expect((await send('DELETE', `${v1}/a`)).status).toBe(200);
});

test('server-side apply works in any version', async () => {
  const applied = (path: string, apiVersion: string, spec: object) =>
    send(
      'PATCH',
      `${path}/a?fieldManager=me&force=true`,
      { apiVersion, kind: 'Widget', spec },
      {
        contentType: 'application/apply-patch+yaml',
      },
    );
  expect((await applied(v1, 'example.com/v1', { size: 1 })).status).toBe(201);
  expect((await applied(v2, 'example.com/v2', { height: 2 })).body.spec).toEqual({ height: 2 });
  expect((await send('GET', `${v1}/a`)).body.spec).toEqual({ size: 2 });
});

test('a watch shows every change in its version', async () => {
  await send('POST', v2, widget('a', { height: 1 }));
  const watch = await openTestWatch(server.handle, `${v1}?watch=true`);
  await send('PATCH', `${v2}/a`, { spec: { height: 2 } }, merge);
  await send('DELETE', `${v2}/a`);
  const events = await watch.take(3);
  expect(events.map(({ type, object }) => [type, object.apiVersion, object.spec.size])).toEqual([
    ['ADDED', 'example.com/v1', 1],
    ['MODIFIED', 'example.com/v1', 2],
    ['DELETED', 'example.com/v1', 2],
  ]);
  watch.close();
});

test('objects in the stored version need no webhook', async () => {
  await send('POST', v2, widget('a', { height: 1 }));
  await send('GET', v2);
  expect(hooks.asked).toEqual([]);
});

test.for([
  ['refuses', { result: { status: 'Failure', message: 'I cannot' } }, 'I cannot'],
  ['loses objects', { result: { status: 'Success' }, convertedObjects: [] }, 'the answer has 0 objects, not 1'],
] as const)('a webhook that %s fails the request, not the server', async ([, answer, why]) => {
  await send('POST', v2, widget('a', { height: 1 }));
  hooks.answers['/convert'] = () => answer;
  const failed = await send('GET', `${v1}/a`);
  expect(failed.status).toBe(500);
  expect(failed.body.message).toBe(
    `Internal error occurred: conversion webhook for example.com/v2, Kind=Widget failed: ${why}`,
  );
  expect((await send('GET', `${v2}/a`)).status).toBe(200);
  const watch = await openTestWatch(server.handle, `${v1}?watch=true`);
  expect(await watch.next()).toMatchObject({ type: 'ERROR', object: { code: 500 } });
  expect(await watch.next()).toBeUndefined();
});

test('a webhook may not rename what it converts', async () => {
  await send('POST', v2, widget('a', { height: 1 }));
  hooks.answers['/convert'] = ({ objects, desiredAPIVersion }) => ({
    result: { status: 'Success' },
    convertedObjects: objects.map((one: object) => ({
      ...one,
      apiVersion: desiredAPIVersion,
      metadata: { name: 'b' },
    })),
  });
  expect((await send('GET', `${v1}/a`)).body.message).toContain('metadata.name must not be changed');
});
