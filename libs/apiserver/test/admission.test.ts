import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ApiServer } from '../src/server/api-server.ts';
import { startTestApiServer, type TestClient, testClient } from '../src/testing.ts';

let server: ApiServer;
let send: TestClient;
beforeEach(async () => {
  server = await startTestApiServer();
  send = testClient(server.handle);
});
afterEach(() => server.close());

const pods = '/api/v1/namespaces/default/pods';
const classes = '/apis/scheduling.k8s.io/v1/priorityclasses';
const ranges = '/api/v1/namespaces/default/limitranges';
const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';

const pod = (name: string, resources: object = {}, spec: object = {}) => ({
  metadata: { name, labels: { app: 'web' } },
  spec: { containers: [{ name: 'main', image: 'web:1', resources }], ...spec },
});

test('a pod gets the number of its priority class, and the default class when it names none', async () => {
  await send('POST', classes, { metadata: { name: 'high' }, value: 1000 });
  const high = await send('POST', pods, pod('a', {}, { priorityClassName: 'high' }));
  expect(high.body.spec).toMatchObject({ priorityClassName: 'high', priority: 1000 });
  await send('POST', classes, { metadata: { name: 'usual' }, value: 7, globalDefault: true });
  expect((await send('POST', pods, pod('b'))).body.spec).toMatchObject({ priorityClassName: 'usual', priority: 7 });
});

test('a pod of an unknown priority class, or with a number of its own, is forbidden', async () => {
  const unknown = await send('POST', pods, pod('a', {}, { priorityClassName: 'nope' }));
  expect(unknown).toMatchObject({
    status: 403,
    body: { message: 'pods "a" is forbidden: no PriorityClass with name nope was found' },
  });
  expect(await send('POST', pods, pod('b', {}, { priority: 5 }))).toMatchObject({ status: 403 });
});

test('a LimitRange fills in requests and limits, and bounds them', async () => {
  const limits = [
    {
      type: 'Container',
      default: { cpu: '500m' },
      defaultRequest: { cpu: '100m' },
      max: { cpu: '1' },
      min: { cpu: '50m' },
    },
  ];
  await send('POST', ranges, { metadata: { name: 'bounds' }, spec: { limits } });
  const filled = await send('POST', pods, pod('a'));
  expect(filled.body.spec.containers[0].resources).toEqual({ limits: { cpu: '500m' }, requests: { cpu: '100m' } });
  expect(filled.body.status.qosClass).toBe('Burstable');
  const greedy = await send('POST', pods, pod('b', { limits: { cpu: '2' } }));
  expect(greedy).toMatchObject({
    status: 403,
    body: { message: 'pods "b" is forbidden: maximum cpu usage per Container is 1, but limit is 2' },
  });
  const small = await send('POST', pods, pod('c', { requests: { cpu: '10m' } }));
  expect(small.body.message).toBe('pods "c" is forbidden: minimum cpu usage per Container is 50m, but request is 10m');
});

test('an eviction is refused while the budget allows no disruption, and spends one where it does', async () => {
  for (const name of ['a', 'b']) {
    await send('POST', pods, pod(name));
    const patch = { status: { phase: 'Running' } };
    await send('PATCH', `${pods}/${name}/status`, patch, { contentType: 'application/merge-patch+json' });
  }
  await send('POST', budgets, { metadata: { name: 'web' }, spec: { selector: { matchLabels: { app: 'web' } } } });
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'a' } };
  const early = await send('POST', `${pods}/a/eviction`, eviction);
  expect(early).toMatchObject({ status: 429, body: { reason: 'TooManyRequests' } });
  const status = {
    observedGeneration: 1,
    disruptionsAllowed: 1,
    desiredHealthy: 1,
    currentHealthy: 2,
    expectedPods: 2,
  };
  await send('PATCH', `${budgets}/web/status`, { status }, { contentType: 'application/merge-patch+json' });
  expect((await send('POST', `${pods}/a/eviction`, eviction)).status).toBe(201);
  const { body } = await send('GET', `${budgets}/web`);
  expect(body.status).toMatchObject({ disruptionsAllowed: 0, disruptedPods: { a: expect.any(String) } });
  const refused = await send('POST', `${pods}/b/eviction`, { ...eviction, metadata: { name: 'b' } });
  expect(refused.body).toMatchObject({
    code: 429,
    message: "Cannot evict pod as it would violate the pod's disruption budget.",
    details: {
      causes: [{ message: 'The disruption budget web needs 1 healthy pods and has 2 currently' }],
    },
  });
  expect((await send('GET', `${pods}/b`)).body.metadata.deletionTimestamp).toBeUndefined();
});

test('a field that a body sets twice is refused, warned of or ignored, as the client asks', async () => {
  const maps = '/api/v1/namespaces/default/configmaps';
  const body = (name: string): string => `{"metadata":{"name":"${name}"},"data":{"k":"1","k":"2"}}`;
  expect(await send('POST', `${maps}?fieldValidation=Strict`, body('a'))).toMatchObject({
    status: 400,
    body: { message: expect.stringContaining('strict decoding error: duplicate field "data.k"') },
  });
  const warned = await send('POST', `${maps}?fieldValidation=Warn`, body('b'));
  expect(warned.headers['warning']).toContain('duplicate field \\"data.k\\"');
  expect(warned.body.data).toEqual({ k: '2' });
  const ignored = await send('POST', `${maps}?fieldValidation=Ignore`, body('c'));
  expect(ignored.status).toBe(201);
  expect(ignored.headers['warning']).toBeUndefined();
});

test('a definition whose rules cannot be compiled is refused, with place and reason', async () => {
  const rules = [{ rule: "self.size == 'big'" }];
  const schema = {
    type: 'object',
    properties: {
      spec: { type: 'object', properties: { size: { type: 'integer' } }, 'x-kubernetes-validations': rules },
    },
  };
  const answer = await send('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    metadata: { name: 'gadgets.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'gadgets', singular: 'gadget', kind: 'Gadget', listKind: 'GadgetList' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
  });
  expect(answer).toMatchObject({
    status: 422,
    body: {
      details: {
        causes: [
          {
            field: 'spec.versions[0].schema.openAPIV3Schema.properties[spec].x-kubernetes-validations[0].rule',
            message: expect.stringContaining("found no matching overload for '_==_' applied to '(int, string)'"),
          },
        ],
      },
    },
  });
});

test('a conflict with somebody who updated says when', async () => {
  const maps = '/api/v1/namespaces/default/configmaps';
  await send('POST', `${maps}?fieldManager=hand`, { metadata: { name: 'a' }, data: { k: '1' } });
  const applied = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { k: '2' } };
  const answer = await send('PATCH', `${maps}/a?fieldManager=tool`, applied, {
    contentType: 'application/apply-patch+yaml',
  });
  expect(answer.status).toBe(409);
  expect(answer.body.message).toMatch(
    /^Apply failed with 1 conflict: conflict with "hand" using v1 at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ: \.data\.k$/u,
  );
});

const accounts = '/api/v1/namespaces/default/serviceaccounts';

test('a pod gets a token of its service account, the authority and its namespace', async () => {
  await send('POST', accounts, { metadata: { name: 'robot' }, imagePullSecrets: [{ name: 'pull' }] });
  const { body } = await send('POST', pods, pod('a', {}, { serviceAccountName: 'robot' }));
  const [volume] = body.spec.volumes;
  expect(volume.name).toMatch(/^kube-api-access-[a-z0-9]{5}$/);
  expect(volume.projected.sources.map((source: object) => Object.keys(source)[0])).toEqual([
    'serviceAccountToken',
    'configMap',
    'downwardAPI',
  ]);
  expect(body.spec.containers[0].volumeMounts).toEqual([
    { name: volume.name, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
  ]);
  expect(body.spec.imagePullSecrets).toEqual([{ name: 'pull' }]);
});

test.for([
  ['the pod', {}, { automountServiceAccountToken: false }],
  ['the account', { automountServiceAccountToken: false }, {}],
] as const)('there is no token where %s says so', async ([, account, spec]) => {
  await send('POST', accounts, { metadata: { name: 'robot' }, ...account });
  const { body } = await send('POST', pods, pod('a', {}, { serviceAccountName: 'robot', ...spec }));
  expect(body.spec.volumes).toBeUndefined();
});

test('a pod of a service account that does not exist is forbidden', async () => {
  const refused = await send('POST', pods, pod('a', {}, { serviceAccountName: 'nobody' }));
  expect(refused.status).toBe(403);
  expect(refused.body.message).toBe(
    'pods "a" is forbidden: error looking up service account default/nobody: serviceaccount "nobody" not found',
  );
});

test('a pod in a namespace that is just being made waits for its default account', async () => {
  await send('POST', accounts, { metadata: { name: 'default' } });
  await send('POST', '/api/v1/namespaces', { metadata: { name: 'young' } });
  const made = send('POST', pods.replace('default', 'young'), pod('a'));
  await send('POST', accounts.replace('default', 'young'), { metadata: { name: 'default' } });
  expect((await made).body.spec.volumes).toHaveLength(1);
});
