import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiServer } from '../src/server/api-server.ts';
import { startTestApiServer, type TestClient, testClient } from '../src/testing.ts';

let server: ApiServer;
let send: TestClient;
let now = Date.parse('2026-01-02T03:04:05Z');
beforeAll(async () => {
  server = await startTestApiServer({ now: () => now });
  send = testClient(server.handle);
});
afterAll(() => server.close());

const deployments = '/apis/apps/v1/namespaces/default/deployments';
const merge = { contentType: 'application/merge-patch+json' };
const strategic = { contentType: 'application/strategic-merge-patch+json' };
const json = { contentType: 'application/json-patch+json' };
const applyType = { contentType: 'application/apply-patch+yaml' };
const deployment = (name: string, spec: object = {}): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        containers: [
          { name: 'a', image: 'a:1' },
          { name: 'b', image: 'b:1' },
        ],
      },
    },
    ...spec,
  },
});
const create = (name: string) => send('POST', `${deployments}?fieldManager=maker`, deployment(name, { replicas: 1 }));
const apply = (name: string, body: object | string, manager: string, query = '') =>
  send('PATCH', `${deployments}/${name}?fieldManager=${manager}${query}`, body, applyType);
const images = (body: {
  spec: { template: { spec: { containers: { name: string; image: string }[] } } };
}): Record<string, string> =>
  Object.fromEntries(body.spec.template.spec.containers.map(({ name, image }) => [name, image]));

describe('each patch type', () => {
  test('merge: replaces lists whole and removes with null', async () => {
    await create('merge');
    const containers = [{ name: 'a', image: 'a:2' }];
    const { status, body } = await send(
      'PATCH',
      `${deployments}/merge`,
      { spec: { template: { spec: { containers } } }, metadata: { labels: { x: 'y' } } },
      merge,
    );
    expect(status).toBe(200);
    expect(images(body)).toEqual({ a: 'a:2' });
    expect(
      (await send('PATCH', `${deployments}/merge`, { metadata: { labels: null } }, merge)).body.metadata.labels,
    ).toBeUndefined();
  });

  test('strategic: merges lists by their key', async () => {
    await create('strategic');
    const containers = [{ name: 'b', image: 'b:2' }];
    const { body } = await send(
      'PATCH',
      `${deployments}/strategic`,
      { spec: { template: { spec: { containers } } } },
      strategic,
    );
    expect(images(body)).toEqual({ a: 'a:1', b: 'b:2' });
    expect(body.metadata.generation).toBe(2);
  });

  test('json: tests before it changes', async () => {
    await create('json');
    const path = `${deployments}/json`;
    const { body } = await send(
      'PATCH',
      path,
      [
        { op: 'test', path: '/spec/replicas', value: 1 },
        { op: 'replace', path: '/spec/replicas', value: 2 },
      ],
      json,
    );
    expect(body.spec.replicas).toBe(2);
    const failed = await send(
      'PATCH',
      path,
      [
        { op: 'test', path: '/spec/replicas', value: 1 },
        { op: 'remove', path: '/spec' },
      ],
      json,
    );
    expect(failed).toMatchObject({ status: 422, body: { reason: 'Invalid' } });
    expect((await send('PATCH', path, { not: 'a list' }, json)).status).toBe(400);
  });

  test('from an older version is a conflict, of a missing object 404', async () => {
    const { body } = await create('older');
    await send('PATCH', `${deployments}/older`, { spec: { replicas: 3 } }, merge);
    const { resourceVersion } = body.metadata;
    expect(
      (await send('PATCH', `${deployments}/older`, { metadata: { resourceVersion }, spec: { replicas: 4 } }, merge))
        .status,
    ).toBe(409);
    expect((await send('PATCH', `${deployments}/absent`, {}, merge)).status).toBe(404);
  });

  test('cannot move an object to another name or namespace', async () => {
    await create('fixed');
    expect((await send('PATCH', `${deployments}/fixed`, { metadata: { name: 'other' } }, merge)).status).toBe(400);
    expect(
      (await send('PATCH', `${deployments}/fixed`, { metadata: { namespace: 'kube-system' } }, merge)).status,
    ).toBe(400);
  });

  test('a dry run shows the outcome and keeps the object', async () => {
    await create('dry');
    const { body } = await send('PATCH', `${deployments}/dry?dryRun=All`, { spec: { replicas: 8 } }, merge);
    expect(body).toMatchObject({ spec: { replicas: 8 }, metadata: { generation: 2 } });
    expect((await send('GET', `${deployments}/dry`)).body).toMatchObject({
      spec: { replicas: 1 },
      metadata: { generation: 1 },
    });
  });
});

describe('server-side apply', () => {
  test('creates with 201, then answers 200 and writes nothing while nothing changes', async () => {
    const first = await apply('fresh', deployment('fresh', { replicas: 2 }), 'one');
    expect(first.status).toBe(201);
    expect(first.body.metadata.managedFields).toMatchObject([
      { manager: 'one', operation: 'Apply', apiVersion: 'apps/v1', fieldsType: 'FieldsV1' },
    ]);
    now += 60_000;
    const second = await apply('fresh', deployment('fresh', { replicas: 2 }), 'one');
    expect(second.status).toBe(200);
    expect(second.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
  });

  test('takes YAML and removes what the manager no longer applies', async () => {
    const yaml = (labels: string): string => `
apiVersion: v1
kind: ConfigMap
metadata: {name: yaml, labels: {${labels}}}
`;
    const path = '/api/v1/namespaces/default/configmaps/yaml?fieldManager=one';
    expect((await send('PATCH', path, yaml('a: x, b: z'), applyType)).body.metadata.labels).toEqual({ a: 'x', b: 'z' });
    expect((await send('PATCH', path, yaml('b: z'), applyType)).body.metadata.labels).toEqual({ b: 'z' });
  });

  test('of a field that another manager owns is a conflict that names both, unless it is forced', async () => {
    await apply('owned', deployment('owned', { replicas: 2 }), 'first');
    await send('PATCH', `${deployments}/owned?fieldManager=editor`, { spec: { paused: true } }, merge);
    const one = await apply('owned', { apiVersion: 'apps/v1', kind: 'Deployment', spec: { replicas: 5 } }, 'second');
    expect(one).toMatchObject({
      status: 409,
      body: {
        reason: 'Conflict',
        message: 'Apply failed with 1 conflict: conflict with "first": .spec.replicas',
        details: {
          causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "first"', field: '.spec.replicas' }],
        },
      },
    });
    const two = await apply(
      'owned',
      { apiVersion: 'apps/v1', kind: 'Deployment', spec: { replicas: 5, paused: false } },
      'second',
    );
    expect(two.body.message).toMatch(
      /^Apply failed with 2 conflicts: conflicts with "editor" using apps\/v1.*:\n- \.spec\.paused\nconflicts with "first":\n- \.spec\.replicas$/,
    );
    const forced = await apply(
      'owned',
      { apiVersion: 'apps/v1', kind: 'Deployment', spec: { replicas: 5 } },
      'second',
      '&force=true',
    );
    expect(forced.body.spec.replicas).toBe(5);
  });

  test.for([
    { name: 'without a manager', path: '?force=true', body: { apiVersion: 'v1', kind: 'ConfigMap' }, status: 422 },
    { name: 'without its type', path: '?fieldManager=a', body: { metadata: { name: 'x' } }, status: 400 },
    {
      name: 'with managedFields',
      path: '?fieldManager=a',
      body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { managedFields: [{}] } },
      status: 400,
    },
    {
      name: 'under another name',
      path: '?fieldManager=a',
      body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'y' } },
      status: 400,
    },
    {
      name: 'with a uid, of an object that is not there',
      path: '?fieldManager=a',
      body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { uid: 'u' } },
      status: 404,
    },
  ])('$name is refused', async ({ path, body, status }) => {
    expect((await send('PATCH', `/api/v1/namespaces/default/configmaps/x${path}`, body, applyType)).status).toBe(
      status,
    );
  });

  test('of status is owned apart from the spec', async () => {
    await apply('status', deployment('status'), 'controller');
    const body = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'status' }, status: { replicas: 3 } };
    const answer = await send('PATCH', `${deployments}/status/status?fieldManager=controller`, body, applyType);
    expect(answer.body.status.replicas).toBe(3);
    const owners = answer.body.metadata.managedFields.map(({ manager, subresource }: Record<string, string>) => [
      manager,
      subresource,
    ]);
    expect(owners).toEqual([
      ['controller', undefined],
      ['controller', 'status'],
    ]);
  });
});

test('a write is recorded under the field manager, or the name of the program', async () => {
  await send('POST', `${deployments}?fieldManager=named`, deployment('managed'), {
    headers: { 'user-agent': 'ignored/1' },
  });
  const { body } = await send(
    'PATCH',
    `${deployments}/managed`,
    { spec: { replicas: 4 } },
    { ...merge, headers: { 'user-agent': 'program/1.2 (linux)' } },
  );
  const owners = body.metadata.managedFields.map(
    ({ manager, operation }: Record<string, string>) => `${manager} ${operation}`,
  );
  expect(owners.toSorted()).toEqual(['named Update', 'program Update']);
});
