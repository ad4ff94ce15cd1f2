import type { ChartKindSpec, JsonObject, KubeObject } from '@sluice/model';
import { expect, test } from 'vitest';
import {
  buildKindDefinition,
  buildOwnedRelease,
  definitionConflict,
  isAsAsked,
  statusOfResource,
  type ChartResource,
} from './chart-kind.ts';
import { schemaOfChart } from './chart-kind-schema.ts';
import { parseReleaseSpec } from './release-plan.ts';
import { testSha256 } from './testing.ts';

type Given = Parameters<typeof buildKindDefinition>[0];

function chartKind(more: Partial<ChartKindSpec> = {}): Given {
  const chartRef = { kind: 'OCIRepository', name: 'jenkins', namespace: 'charts' };
  const spec = { group: 'ci.example.com', kind: 'Jenkins', plural: 'jenkinses', chartRef, ...more };
  return { apiVersion: 'sluice.dev/v1alpha1', kind: 'ChartKind', metadata: { name: 'jenkins' }, spec };
}

function resource(spec: JsonObject, annotations: Record<string, string> = {}): ChartResource {
  const metadata = { name: 'team-a', namespace: 'apps', uid: 'u1', generation: 3, annotations };
  return { apiVersion: 'ci.example.com/v1', kind: 'Jenkins', metadata, spec };
}

test('a values schema becomes a structural schema', () => {
  const valuesSchema: JsonObject = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'object',
    required: ['host'],
    definitions: { port: { type: 'integer', exclusiveMinimum: 0, maximum: 65535 } },
    properties: {
      host: { type: 'string', pattern: '^[a-z.]+$', default: 'localhost' },
      port: { $ref: '#/definitions/port' },
      size: { type: ['integer', 'string'] },
      note: { type: ['string', 'null'] },
      mode: { oneOf: [{ type: 'string' }, { type: 'object' }] },
      plugins: { type: 'array', items: { type: 'string' } },
      labels: { type: 'object', additionalProperties: { type: 'string' } },
      strict: { type: 'object', additionalProperties: false, properties: { a: { type: 'boolean' } } },
    },
  };
  const { schema, openPaths, source } = schemaOfChart(valuesSchema, {});
  const open = { 'x-kubernetes-preserve-unknown-fields': true };
  expect(source).toBe('values.schema.json');
  expect(schema).toEqual({
    type: 'object',
    ...open,
    properties: {
      host: { type: 'string', pattern: '^[a-z.]+$', description: 'Default of the chart: "localhost"' },
      port: { type: 'integer', minimum: 0, exclusiveMinimum: true, maximum: 65535 },
      size: { 'x-kubernetes-int-or-string': true },
      note: { type: 'string', nullable: true },
      mode: open,
      plugins: { type: 'array', items: { type: 'string' } },
      labels: { type: 'object', additionalProperties: { type: 'string' } },
      strict: { type: 'object', properties: { a: { type: 'boolean' } } },
    },
  });
  expect(openPaths).toEqual(['mode', 'mode']);
});

test('a schema that refers to itself ends', () => {
  const tree: JsonObject = { type: 'object', properties: { child: { $ref: '#' } } };
  expect(schemaOfChart(tree, {}).openPaths).toHaveLength(1);
});

test('without a schema the values themselves tell the types', () => {
  const { schema, source } = schemaOfChart(undefined, {
    replicas: 1,
    name: 'a',
    tls: { enabled: false },
    list: [],
    x: null,
  });
  const open = { 'x-kubernetes-preserve-unknown-fields': true };
  expect(source).toBe('values.yaml');
  expect(schema['properties']).toEqual({
    replicas: { 'x-kubernetes-int-or-string': true, nullable: true },
    name: open,
    tls: { type: 'object', nullable: true, ...open, properties: { enabled: { type: 'boolean', nullable: true } } },
    list: { type: 'array', nullable: true, items: open },
    x: open,
  });
});

test('a definition of somebody else or of another ChartKind is left alone', () => {
  const definition = buildKindDefinition(chartKind(), schemaOfChart(undefined, {}));
  expect(definition.metadata.name).toBe('jenkinses.ci.example.com');
  expect(definitionConflict(chartKind(), definition)).toBeUndefined();
  expect(definitionConflict(chartKind(), undefined)).toBeUndefined();
  const others = {
    ...definition,
    metadata: { name: 'jenkinses.ci.example.com', labels: { 'sluice.dev/chart-kind': 'b' } },
  };
  expect(definitionConflict(chartKind(), others)).toContain('ChartKind b has made');
  expect(definitionConflict(chartKind(), { ...others, metadata: { name: 'x' } })).toContain('somebody else');
});

test('a new version of the kind is stored, and the former one stays served', () => {
  const before = buildKindDefinition(chartKind(), schemaOfChart(undefined, {}));
  const after = buildKindDefinition(chartKind({ version: 'v2' }), schemaOfChart(undefined, {}), before);
  const versions = after.spec?.['versions'] as readonly JsonObject[];
  expect(versions.map(({ name, served, storage }) => ({ name, served, storage }))).toEqual([
    { name: 'v2', served: true, storage: true },
    { name: 'v1', served: true, storage: false },
  ]);
});

test('a resource becomes an owned HelmRelease that can be read, and overridden values win', () => {
  const overrideValues = { 'image.registry': 'mirror.local', 'node\\.name': 'x' };
  const kind = chartKind({ overrideValues, release: { interval: '1h', driftDetection: { mode: 'enabled' } } });
  const release = buildOwnedRelease(kind, resource({ image: { registry: 'mine', tag: '1' } }), testSha256);
  expect(release.metadata).toMatchObject({
    name: 'jenkins-team-a',
    namespace: 'apps',
    ownerReferences: [{ uid: 'u1' }],
  });
  expect(release.spec?.values).toEqual({ image: { registry: 'mirror.local', tag: '1' }, 'node.name': 'x' });
  expect(parseReleaseSpec(release.spec ?? { interval: '' }).ok).toBe(true);
  const long = { ...resource({}), metadata: { ...resource({}).metadata, name: 'x'.repeat(80) } };
  expect(buildOwnedRelease(kind, long, testSha256).metadata.name).toHaveLength(53);
});

test('requests and suspension are passed on, and a change of anything asked shows', () => {
  const plain = buildOwnedRelease(chartKind(), resource({ a: 1 }), testSha256);
  const asked = resource({ a: 1 }, { 'reconcile.fluxcd.io/requestedAt': 'x', 'sluice.dev/suspend': 'true' });
  const suspended = buildOwnedRelease(chartKind(), asked, testSha256);
  expect(suspended.spec?.suspend).toBe(true);
  expect(suspended.metadata.annotations?.['reconcile.fluxcd.io/requestedAt']).toBe('x');
  expect(isAsAsked(plain, plain)).toBe(true);
  expect(isAsAsked(plain, suspended)).toBe(false);
  expect(isAsAsked(plain, buildOwnedRelease(chartKind(), resource({}), testSha256))).toBe(false);
});

test('the status of a resource is that of its release, once the release was looked at', () => {
  const release = buildOwnedRelease(chartKind(), resource({}), testSha256);
  const ready = {
    type: 'Ready',
    status: 'True',
    reason: 'InstallSucceeded',
    message: 'ok',
    observedGeneration: 1,
    lastTransitionTime: '',
  };
  const at = (generation: number) =>
    statusOfResource(resource({}), {
      ...release,
      metadata: { ...release.metadata, generation },
      status: { conditions: [ready] },
    } as KubeObject as typeof release);
  expect(at(1)).toMatchObject({ observedGeneration: 3, release: 'jenkins-team-a', ready: { status: 'True' } });
  expect(at(2).ready.status).toBe('Unknown');
});
