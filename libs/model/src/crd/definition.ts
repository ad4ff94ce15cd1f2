import type { Json, JsonObject, KubeObject } from '../kube-object.ts';
import type { Resource } from '../resource.ts';
import type { Schema } from './schema.ts';

/** A column of `kubectl get`. */
export type Column = {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date' | 'boolean';
  readonly jsonPath: string;
  readonly description?: string;
  readonly priority?: number;
};

export type DefinitionOptions = {
  readonly resource: Resource;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly description: string;
  readonly spec: Schema;
  readonly status?: Schema;
  /** Writes to the object and to its status are separate. */
  readonly statusSubresource: boolean;
  readonly required?: readonly string[];
  readonly columns?: readonly Column[];
};

/** Age from the creation. */
export const ageColumn: Column = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };

/** The columns that Flux kinds share. */
export const readyColumns: readonly Column[] = [
  ageColumn,
  { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
  { name: 'Status', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].message' },
];

/** A CustomResourceDefinition with one version that is served and stored. */
export function buildDefinition(options: DefinitionOptions): KubeObject<JsonObject> {
  const { resource, shortNames, categories, columns, status } = options;
  const schema = {
    type: 'object',
    description: options.description,
    required: options.required ?? [],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      spec: options.spec,
      ...(status && { status }),
    },
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${resource.plural}.${resource.group}` },
    spec: {
      group: resource.group,
      scope: resource.namespaced ? 'Namespaced' : 'Cluster',
      names: {
        kind: resource.kind,
        listKind: `${resource.kind}List`,
        plural: resource.plural,
        singular: resource.kind.toLowerCase(),
        ...(shortNames && { shortNames }),
        ...(categories && { categories }),
      },
      versions: [
        {
          name: resource.version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: withoutEmpty(schema) },
          ...(options.statusSubresource && { subresources: { status: {} } }),
          ...(columns && { additionalPrinterColumns: columns.map((column): JsonObject => ({ ...column })) }),
        },
      ],
    },
  };
}

function withoutEmpty({ required, ...schema }: { readonly required: readonly string[] } & JsonObject): JsonObject {
  return required.length > 0 ? { ...schema, required: [...required] as Json } : schema;
}
