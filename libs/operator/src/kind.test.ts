import { expect, expectTypeOf, test } from 'vitest';
import { field, parseDurationMs } from './field.ts';
import { defineKind, type ObjectOf } from './kind.ts';

const sites = defineKind({
  group: 'apps.example.com',
  version: 'v1',
  kind: 'Site',
  shortNames: ['st'],
  description: 'A site.',
  spec: {
    host: field.text('Host.', { minLength: 1 }),
    replicas: field.integer('Servers.', { default: 1, minimum: 0 }),
    theme: field.optional(field.oneOf('Colours.', ['dark', 'light'])),
    ports: field.list(
      'Ports.',
      field.object('A port.', { name: field.text('Name.'), port: field.integer('Number.') }),
      {
        unique: ['name'],
      },
    ),
  },
  rules: [{ rule: "self.replicas < 10 || self.theme == 'dark'", message: 'many servers are dark' }],
  status: { url: field.text('Where it is.') },
  scale: { spec: '.spec.replicas', status: '.status.replicas' },
  columns: [{ name: 'Host', path: '.spec.host' }],
  alsoServed: [{ version: 'v1beta1', deprecated: 'use v1' }],
});
type Site = ObjectOf<typeof sites>;

test('the static types follow from the fields', () => {
  expectTypeOf<Site['spec']['host']>().toEqualTypeOf<string>();
  expectTypeOf<Site['spec']['replicas']>().toEqualTypeOf<number>();
  expectTypeOf<Site['spec']['theme']>().toEqualTypeOf<'dark' | 'light' | undefined>();
  expectTypeOf<Site['spec']['ports']>().toEqualTypeOf<
    readonly ({ readonly name: string; readonly port: number } & { readonly [K in never]?: never })[]
  >();
  // What has a default may be left out by those who write an object, and is there for those who read one.
  const built = sites.build({ name: 's' }, { host: 'h', ports: [] });
  expect(built).toEqual({
    apiVersion: 'apps.example.com/v1',
    kind: 'Site',
    metadata: { name: 's' },
    spec: { host: 'h', ports: [] },
  });
  // @ts-expect-error: host is required
  sites.build({ name: 's' }, { ports: [] });
});

test('the definition follows from the fields', () => {
  const spec = sites.definition.spec as Record<string, unknown> & { versions: Record<string, unknown>[] };
  expect(spec['names']).toEqual({
    kind: 'Site',
    listKind: 'SiteList',
    plural: 'sites',
    singular: 'site',
    shortNames: ['st'],
  });
  expect(spec.versions.map(({ name, storage, deprecationWarning }) => [name, storage, deprecationWarning])).toEqual([
    ['v1', true, undefined],
    ['v1beta1', false, 'use v1'],
  ]);
  expect(spec.versions[0]).toMatchObject({
    subresources: { status: {}, scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' } },
    schema: { openAPIV3Schema: { properties: { spec: { required: ['host', 'ports'] } } } },
  });
});

test.for([
  [{ kind: 'site' }, 'kind "site" must look like Site'],
  [{ group: 'example' }, 'group "example" must be a domain'],
  [{ version: '1' }, 'version "1" must look like v1'],
  [{ shortNames: ['S T'] }, '"S T" must be lower case'],
  [{ alsoServed: [{ version: 'v1' }] }, 'a version is named twice'],
] as const)('refuses %o', ([change, message]) => {
  const options = { group: 'a.example.com', version: 'v1', kind: 'Site', description: 'A site.', spec: {}, ...change };
  expect(() => defineKind(options)).toThrow(message);
});

test('durations are read, and text that is none is refused', () => {
  expect(parseDurationMs('1h30m')).toBe(5_400_000);
  expect(parseDurationMs('1.5s')).toBe(1_500);
  expect(() => parseDurationMs('soon')).toThrow(/"soon" is not a duration/);
});
