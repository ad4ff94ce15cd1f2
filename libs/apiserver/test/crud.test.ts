import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiServer } from '../src/server/api-server.ts';
import { startTestApiServer, type TestClient, testClient } from '../src/testing.ts';

let server: ApiServer;
let send: TestClient;
let now = Date.parse('2026-01-02T03:04:05.678Z');
beforeAll(async () => {
  server = await startTestApiServer({ now: () => now });
  send = testClient(server.handle);
});
afterAll(() => server.close());

const maps = '/api/v1/namespaces/default/configmaps';
const pods = '/api/v1/namespaces/default/pods';
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const makePod = (name: string, spec: object = {}): object => ({
  metadata: { name },
  spec: { containers: [{ name: 'main', image: 'busybox' }], ...spec },
});
const makeDeployment = (name: string, replicas = 1): object => ({
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'main', image: 'nginx' }] } },
  },
});

describe('create', () => {
  test('gives identity, time and version, and answers 201 with the object', async () => {
    const { status, body } = await send('POST', maps, { metadata: { name: 'made' }, data: { a: '1' } });
    expect(status).toBe(201);
    expect(body).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', data: { a: '1' } });
    expect(body.metadata).toMatchObject({
      name: 'made',
      namespace: 'default',
      creationTimestamp: '2026-01-02T03:04:05Z',
    });
    expect(body.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(Number(body.metadata.resourceVersion)).toBeGreaterThan(0);
    expect((await send('GET', `${maps}/made`)).body).toEqual(body);
  });

  test('refuses a name that is taken, in the words of Kubernetes', async () => {
    await send('POST', maps, { metadata: { name: 'taken' } });
    expect(await send('POST', maps, { metadata: { name: 'taken' } })).toMatchObject({
      status: 409,
      body: {
        kind: 'Status',
        apiVersion: 'v1',
        status: 'Failure',
        reason: 'AlreadyExists',
        message: 'configmaps "taken" already exists',
        details: { name: 'taken', kind: 'configmaps' },
        code: 409,
      },
    });
  });

  test('makes up a name from generateName', async () => {
    const { body } = await send('POST', maps, { metadata: { generateName: 'some-' } });
    expect(body.metadata.name).toMatch(/^some-[bcdfghjklmnpqrstvwxz2-9]{5}$/);
    expect(body.metadata.generateName).toBe('some-');
  });

  const refusals: { name: string; path: string; body: unknown; status: number; message: RegExp }[] = [
    {
      name: 'without a name',
      path: maps,
      body: { metadata: {} },
      status: 422,
      message: /name or generateName is required/,
    },
    {
      name: 'with a version',
      path: maps,
      body: { metadata: { name: 'x', resourceVersion: '1' } },
      status: 400,
      message: /resourceVersion should not be set/,
    },
    {
      name: 'in another namespace',
      path: maps,
      body: { metadata: { name: 'x', namespace: 'other' } },
      status: 400,
      message: /namespace of the provided object does not match/,
    },
    {
      name: 'in a missing namespace',
      path: '/api/v1/namespaces/gone/configmaps',
      body: { metadata: { name: 'x' } },
      status: 404,
      message: /^namespaces "gone" not found$/,
    },
    {
      name: 'of another kind',
      path: maps,
      body: { kind: 'Secret', metadata: { name: 'x' } },
      status: 400,
      message: /must be of type ConfigMap/,
    },
    {
      name: 'of another version',
      path: maps,
      body: { apiVersion: 'v2', metadata: { name: 'x' } },
      status: 400,
      message: /does not match the expected API version \(v1\)/,
    },
    { name: 'that is a list', path: maps, body: [], status: 400, message: /not an object/ },
    {
      name: 'at an unknown resource',
      path: '/api/v1/namespaces/default/nothings',
      body: {},
      status: 404,
      message: /could not find the requested resource/,
    },
    {
      name: 'of a namespaced kind without a namespace',
      path: '/api/v1/configmaps',
      body: { metadata: { name: 'x' } },
      status: 404,
      message: /could not find/,
    },
  ];
  test.for(refusals)('refuses an object $name', async ({ path, body, status, message }) => {
    const answer = await send('POST', path, body);
    expect(answer).toMatchObject({ status, body: { kind: 'Status', code: status } });
    expect(answer.body.message).toMatch(message);
  });

  test('takes YAML, with the booleans of YAML 1.1', async () => {
    const yaml = 'metadata: {name: yaml, annotations: {a: "on"}}\nimmutable: off\n';
    const { body } = await send('POST', maps, yaml, { contentType: 'application/yaml' });
    expect(body).toMatchObject({ immutable: false, metadata: { annotations: { a: 'on' } } });
  });

  test('ignores status and generation that a client sends', async () => {
    const made = { ...makeDeployment('counted'), status: { replicas: 9 } };
    const { body } = await send('POST', deployments, made);
    expect(body.metadata.generation).toBe(1);
    expect(body.status ?? {}).toEqual({});
  });

  test('a dry run answers like a create and stores nothing', async () => {
    expect((await send('POST', `${maps}?dryRun=All`, { metadata: { name: 'dry' } })).status).toBe(201);
    expect((await send('GET', `${maps}/dry`)).status).toBe(404);
  });
});

describe('pods and other kinds with a life of their own', () => {
  test('a pod without constraints is bound to the local node at once', async () => {
    const { body } = await send('POST', pods, makePod('plain'));
    expect(body.spec.nodeName).toBe('local');
    expect(body.status).toMatchObject({ phase: 'Pending', qosClass: 'BestEffort' });
    expect(body.status.conditions).toMatchObject([{ type: 'PodScheduled', status: 'True' }]);
  });

  test('a pod with a node selector waits for a binding, which happens once', async () => {
    const { body } = await send('POST', pods, makePod('picky', { nodeSelector: { disk: 'ssd' } }));
    expect(body.spec.nodeName).toBeUndefined();
    const binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: 'picky' },
      target: { kind: 'Node', name: 'local' },
    };
    expect((await send('POST', `${pods}/picky/binding`, binding)).status).toBe(201);
    expect((await send('GET', `${pods}/picky`)).body.spec.nodeName).toBe('local');
    expect(await send('POST', `${pods}/picky/binding`, binding)).toMatchObject({
      status: 409,
      body: { message: expect.stringContaining('already assigned to node "local"') },
    });
  });

  test('a job selects its pods by its uid', async () => {
    const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'a', image: 'a' }] } };
    const job = { metadata: { name: 'work' }, spec: { template } };
    const { body } = await send('POST', '/apis/batch/v1/namespaces/default/jobs', job);
    const { uid } = body.metadata;
    expect(body.spec.selector.matchLabels).toEqual({ 'batch.kubernetes.io/controller-uid': uid });
    expect(body.spec.template.metadata.labels).toMatchObject({ 'job-name': 'work', 'controller-uid': uid });
  });

  test('stringData of a secret becomes data', async () => {
    const secret = { metadata: { name: 'hidden' }, data: { a: 'YQ==' }, stringData: { b: 'text' } };
    const { body } = await send('POST', '/api/v1/namespaces/default/secrets', secret);
    expect(body).toMatchObject({ type: 'Opaque', data: { a: 'YQ==', b: 'dGV4dA==' } });
    expect(body.stringData).toBeUndefined();
  });
});

describe('update', () => {
  test('replaces the object, keeps its identity and counts spec changes only', async () => {
    const made = (await send('POST', deployments, makeDeployment('grows'))).body;
    const path = `${deployments}/grows`;
    const labelled = await send('PUT', path, {
      ...made,
      metadata: { ...made.metadata, labels: { a: 'b' }, uid: undefined, creationTimestamp: null },
    });
    expect(labelled.body.metadata).toMatchObject({
      uid: made.metadata.uid,
      generation: 1,
      labels: { a: 'b' },
      creationTimestamp: made.metadata.creationTimestamp,
    });
    const scaled = await send('PUT', path, { ...labelled.body, spec: { ...made.spec, replicas: 3 } });
    expect(scaled.body.metadata.generation).toBe(2);
    expect(Number(scaled.body.metadata.resourceVersion)).toBeGreaterThan(
      Number(labelled.body.metadata.resourceVersion),
    );
  });

  test('from an older version is a conflict', async () => {
    const made = (await send('POST', maps, { metadata: { name: 'raced' } })).body;
    await send('PUT', `${maps}/raced`, { ...made, data: { a: '1' } });
    expect(await send('PUT', `${maps}/raced`, { ...made, data: { a: '2' } })).toMatchObject({
      status: 409,
      body: {
        reason: 'Conflict',
        message:
          'Operation cannot be fulfilled on configmaps "raced": the object has been modified; please apply your changes to the latest version and try again',
      },
    });
  });

  test('that changes nothing writes nothing', async () => {
    const made = (await send('POST', maps, { metadata: { name: 'same' }, data: { a: '1' } })).body;
    now += 5_000;
    const again = await send('PUT', `${maps}/same`, made);
    expect(again.body.metadata.resourceVersion).toBe(made.metadata.resourceVersion);
  });

  test('of a missing object is 404, under another name 400', async () => {
    expect((await send('PUT', `${maps}/nowhere`, { metadata: { name: 'nowhere' } })).status).toBe(404);
    expect((await send('PUT', `${maps}/nowhere`, { metadata: { name: 'elsewhere' } })).status).toBe(400);
  });

  test('of status changes status alone, of the object everything but status', async () => {
    const made = (await send('POST', deployments, makeDeployment('two-doors'))).body;
    const path = `${deployments}/two-doors`;
    const status = await send('PUT', `${path}/status`, {
      ...made,
      spec: { ...made.spec, replicas: 7 },
      metadata: { ...made.metadata, labels: { no: 'no' } },
      status: { replicas: 2 },
    });
    expect(status.body).toMatchObject({ spec: { replicas: 1 }, status: { replicas: 2 }, metadata: { generation: 1 } });
    expect(status.body.metadata.labels).toBeUndefined();
    const object = await send('PUT', path, { ...status.body, status: { replicas: 5 } });
    expect(object.body.status.replicas).toBe(2);
  });

  test('concurrent writers of one object are serialised, and each sees the other', async () => {
    await send('POST', maps, { metadata: { name: 'contended' }, data: {} });
    const patch = (index: number) =>
      send(
        'PATCH',
        `${maps}/contended`,
        { data: { [`k${index}`]: 'v' } },
        { contentType: 'application/merge-patch+json' },
      );
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => patch(index)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(Object.keys((await send('GET', `${maps}/contended`)).body.data)).toHaveLength(50);
    const versions = answers.map(({ body }) => Number(body.metadata.resourceVersion));
    expect(new Set(versions).size).toBe(50);
  });
});

describe('scale', () => {
  test('is the object seen as a Scale, readable and writable', async () => {
    await send('POST', deployments, makeDeployment('scaled', 2));
    const path = `${deployments}/scaled/scale`;
    const scale = (await send('GET', path)).body;
    expect(scale).toMatchObject({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      spec: { replicas: 2 },
      status: { replicas: 0, selector: 'app=scaled' },
    });
    const put = await send('PUT', path, { ...scale, spec: { replicas: 4 } });
    expect(put.body.spec.replicas).toBe(4);
    const patched = await send(
      'PATCH',
      path,
      { spec: { replicas: 6 } },
      { contentType: 'application/merge-patch+json' },
    );
    expect(patched.body).toMatchObject({ kind: 'Scale', spec: { replicas: 6 } });
    expect((await send('GET', `${deployments}/scaled`)).body).toMatchObject({
      spec: { replicas: 6 },
      metadata: { generation: 3 },
    });
    expect((await send('PUT', path, { ...scale, spec: { replicas: 1 } })).status).toBe(409);
    expect(
      (await send('PATCH', path, { spec: { replicas: -1 } }, { contentType: 'application/merge-patch+json' })).status,
    ).toBe(422);
  });
});
