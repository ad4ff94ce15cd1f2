import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Log } from '@sluice/runtime';
import type { ApiServer } from '../src/server/api-server.ts';
import { startTestApiServer, type TestClient, testClient } from '../src/testing.ts';
import { widgetDefinition } from './widget.ts';

const faults: unknown[] = [];
const log: Log = {
  debug() {},
  info() {},
  warn() {},
  error: (message, fields) => faults.push({ message, ...fields }),
  with: () => log,
};
let server: ApiServer;
let send: TestClient;
beforeAll(async () => {
  server = await startTestApiServer({ log });
  send = testClient(server.handle);
  await send('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', widgetDefinition());
});
afterAll(() => server.close());

const ns = '/namespaces/default';
const container = {
  name: 'a',
  image: 'a',
  ports: [{ containerPort: 80 }],
  env: [{ name: 'X', value: 'y' }],
  resources: { limits: { cpu: '1' } },
};
const template = {
  metadata: { labels: { a: 'b' } },
  spec: { containers: [container], volumes: [{ name: 'v', emptyDir: {} }] },
};
const samples: { path: string; object: object }[] = [
  {
    path: `/api/v1${ns}/pods`,
    object: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x', labels: { a: 'b' } }, spec: template.spec },
  },
  {
    path: `/apis/apps/v1${ns}/deployments`,
    object: {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'x' },
      spec: { selector: { matchLabels: { a: 'b' } }, template },
    },
  },
  {
    path: `/api/v1${ns}/services`,
    object: {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'x' },
      spec: { ports: [{ port: 80, targetPort: 'http' }], selector: { a: 'b' } },
    },
  },
  {
    path: `/apis/batch/v1${ns}/jobs`,
    object: {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'x' },
      spec: { template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } },
    },
  },
  {
    path: `/api/v1${ns}/secrets`,
    object: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' }, data: { a: 'YQ==' }, stringData: { b: 'c' } },
  },
  {
    path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
    object: { ...widgetDefinition(), metadata: { name: 'widgets.example.com' } },
  },
  {
    path: `/apis/example.com/v1${ns}/widgets`,
    object: { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'x' }, spec: { size: 1 } },
  },
  {
    path: `/apis/events.k8s.io/v1${ns}/events`,
    object: {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: 'x' },
      regarding: { kind: 'Pod', name: 'x', namespace: 'default' },
      reason: 'A',
      type: 'Normal',
      action: 'A',
      eventTime: '2026-01-02T03:04:05.000000Z',
      reportingController: 'a.b/c',
      reportingInstance: 'a',
    },
  },
  {
    path: `/apis/autoscaling/v1${ns}/horizontalpodautoscalers`,
    object: {
      apiVersion: 'autoscaling/v1',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'x' },
      spec: { maxReplicas: 2, scaleTargetRef: { kind: 'Deployment', name: 'x', apiVersion: 'apps/v1' } },
    },
  },
];

const junk = fc.oneof(
  fc.constantFrom(
    null,
    0,
    -1,
    1.5,
    1e300,
    '',
    'x',
    '\u0000',
    'a/b',
    '__proto__',
    true,
    [],
    {},
    [null],
    [[]],
    [{}],
    { a: null },
    [1, 'a', {}],
  ),
  fc.jsonValue({ maxDepth: 2 }),
);

/** Every path into a value. */
function pathsOf(value: unknown, base: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [base];
  return [base, ...Object.entries(value).flatMap(([key, child]) => pathsOf(child, [...base, key]))];
}

function replaceAt(value: unknown, [key, ...rest]: readonly string[], leaf: unknown): unknown {
  if (key === undefined) return leaf;
  if (Array.isArray(value))
    return value.map((item, index) => (String(index) === key ? replaceAt(item, rest, leaf) : item));
  const record = value as Record<string, unknown>;
  return { ...record, [key]: replaceAt(record[key], rest, leaf) };
}

/** A sample with one to three of its values replaced by junk. */
const broken = fc.constantFrom(...samples).chain((sample) => {
  const paths = pathsOf(sample.object);
  const changes = fc.array(fc.tuple(fc.constantFrom(...paths), junk), { minLength: 1, maxLength: 3 });
  return changes.map((list) => ({
    path: sample.path,
    sound: sample.object,
    body: list.reduce<unknown>(
      (value, [path, leaf]) => (hasPath(value, path) ? replaceAt(value, path, leaf) : value),
      sample.object,
    ),
  }));
});

function hasPath(value: unknown, [key, ...rest]: readonly string[]): boolean {
  if (key === undefined) return true;
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.hasOwn(value, key) &&
    hasPath((value as Record<string, unknown>)[key], rest)
  );
}

const types = ['merge-patch+json', 'strategic-merge-patch+json', 'apply-patch+yaml'];

test(
  'whatever a client sends, the answer is its fault or a success, never a fault of the server',
  { timeout: 60_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(broken, async ({ path, sound, body }) => {
        const statuses: number[] = [];
        statuses.push((await send('POST', `${path}?dryRun=All`, JSON.stringify(body))).status);
        if (!path.includes('customresourcedefinitions')) await send('POST', path, sound);
        const target = `${path}/${path.includes('customresourcedefinitions') ? 'widgets.example.com' : 'x'}`;
        statuses.push((await send('PUT', `${target}?dryRun=All`, JSON.stringify(body))).status);
        for (const type of types) {
          const query = '?dryRun=All&fieldManager=fuzz&force=true';
          statuses.push(
            (await send('PATCH', target + query, JSON.stringify(body), { contentType: `application/${type}` })).status,
          );
        }
        expect(statuses.filter((status) => status >= 500)).toEqual([]);
      }),
      { numRuns: 400, seed: 20_261_123 },
    );
    expect(faults).toEqual([]);
  },
);
