import { expect, test } from 'vitest';
import type { JsonObject } from '../kube-object.ts';
import { resources } from '../resource.ts';
import { customResourceDefinitions } from './custom-resource-definitions.ts';

type Definition = {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string; readonly plural: string; readonly shortNames?: readonly string[] };
    readonly versions: readonly {
      readonly name: string;
      readonly schema: { readonly openAPIV3Schema: JsonObject };
      readonly subresources?: { readonly status?: object };
    }[];
  };
};
const definitions = customResourceDefinitions() as unknown as readonly Definition[];

test('every custom resource that we use is defined once', () => {
  const custom = Object.values(resources).filter(({ group }) => /argoproj|fluxcd|sluice\.dev/.test(group));
  const want = custom.map(({ group, plural }) => `${plural}.${group}`);
  expect(definitions.map(({ metadata }) => metadata.name).toSorted()).toEqual(want.toSorted());
});

test('short names are used once', () => {
  const names = definitions.flatMap(({ spec }) => spec.names.shortNames ?? []);
  expect(names).toHaveLength(new Set(names).size);
  expect(names).toEqual(expect.arrayContaining(['wf', 'wftmpl', 'cwft', 'clusterwftmpl', 'cwf', 'cronwf', 'hr']));
});

test('only the kinds of Argo lack the status subresource', () => {
  const without = definitions.filter(({ spec }) => !spec.versions[0]?.subresources?.status);
  expect(new Set(without.map(({ spec }) => spec.group))).toEqual(new Set(['argoproj.io']));
});

test('every schema is structural', () => {
  for (const { metadata, spec } of definitions) {
    for (const { schema } of spec.versions) expect(faults(schema.openAPIV3Schema, metadata.name)).toEqual([]);
  }
});

/** The rules of structural schemas that ours could break. */
function faults(schema: JsonObject, path: string): string[] {
  const found: string[] = [];
  const { type, properties, additionalProperties, items, required } = schema;
  if (typeof type !== 'string' && !schema['x-kubernetes-preserve-unknown-fields']) found.push(`${path}: no type`);
  if (type === 'array' && !items) found.push(`${path}: an array without items`);
  if (properties && additionalProperties) found.push(`${path}: properties and additionalProperties`);
  const names = Object.keys((properties ?? {}) as JsonObject);
  for (const name of (required ?? []) as readonly string[]) {
    if (!names.includes(name)) found.push(`${path}: ${name} is required and not described`);
  }
  for (const [name, child] of Object.entries((properties ?? {}) as JsonObject)) {
    found.push(...faults(child as JsonObject, `${path}.${name}`));
  }
  if (additionalProperties) found.push(...faults(additionalProperties as JsonObject, `${path}[*]`));
  if (items) found.push(...faults(items as JsonObject, `${path}[]`));
  return found;
}
