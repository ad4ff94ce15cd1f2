import type { JsonObject, KubeObject, Resource } from '@sluice/model';
import { type Fields, objectSchema, rulesOf } from './field.ts';
import type { Column, KindOptions } from './kind.ts';

const text = (description: string): JsonObject => ({ type: 'string', description });

/** As metav1.Condition; a map by type, so that several writers can each own theirs. */
const conditions: JsonObject = {
  type: 'array',
  description: 'What is known about the present state.',
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['type'],
  items: {
    type: 'object',
    required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
    properties: {
      type: { ...text('What the condition is about.'), maxLength: 316 },
      status: { ...text('Whether it holds.'), enum: ['True', 'False', 'Unknown'] },
      reason: { ...text('Why, in one UpperCamelCase word.'), minLength: 1, maxLength: 1_024 },
      message: { ...text('Why, for people.'), maxLength: 32_768 },
      lastTransitionTime: { ...text('When the status last changed.'), format: 'date-time' },
      observedGeneration: {
        type: 'integer',
        format: 'int64',
        description: 'Generation that this is about.',
        minimum: 0,
      },
    },
  },
};

const observedGeneration: JsonObject = {
  type: 'integer',
  format: 'int64',
  description: 'Generation of the spec that the status is about.',
};

const lastColumns: readonly Column[] = [
  { name: 'Ready', path: '.status.conditions[?(@.type=="Ready")].status' },
  { name: 'Reason', path: '.status.conditions[?(@.type=="Ready")].reason', wide: true },
  { name: 'Age', path: '.metadata.creationTimestamp', type: 'date' },
];

/** The CustomResourceDefinition of a kind. */
export function buildDefinition(resource: Resource, options: KindOptions<Fields, Fields>): KubeObject<JsonObject> {
  const { spec, status = {}, alsoServed = [], shortNames, categories } = options;
  const versions = [
    { version: resource.version, spec, status, storage: true },
    ...alsoServed.map((served) => ({ spec, status, ...served, storage: false })),
  ];
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
      versions: versions.map((version) => buildVersion(version, options)),
    },
  };
}

type Version = {
  readonly version: string;
  readonly spec: Fields;
  readonly status: Fields;
  readonly storage: boolean;
  readonly deprecated?: string;
};

function buildVersion(served: Version, options: KindOptions<Fields, Fields>): JsonObject {
  const { columns = [], scale, rules, description } = options;
  const status = objectSchema(served.status);
  const statusProperties = { observedGeneration, ...(status['properties'] as JsonObject), conditions };
  return {
    name: served.version,
    served: true,
    storage: served.storage,
    ...(served.deprecated && { deprecated: true, deprecationWarning: served.deprecated }),
    schema: {
      openAPIV3Schema: {
        type: 'object',
        description,
        required: ['spec'],
        properties: {
          apiVersion: { type: 'string' },
          kind: { type: 'string' },
          metadata: { type: 'object' },
          spec: { ...objectSchema(served.spec), ...rulesOf(rules) },
          // Written in parts by several writers: nothing of it can be required.
          status: { type: 'object', description: 'Written by the operator.', properties: statusProperties },
        },
      },
    },
    subresources: {
      status: {},
      ...(scale && {
        scale: {
          specReplicasPath: scale.spec,
          statusReplicasPath: scale.status,
          ...(scale.selector && { labelSelectorPath: scale.selector }),
        },
      }),
    },
    additionalPrinterColumns: [...columns, ...lastColumns].map(buildColumn),
  };
}

function buildColumn({ name, path, type = 'string', description, wide }: Column): JsonObject {
  return { name, type, jsonPath: path, ...(description && { description }), ...(wide && { priority: 1 }) };
}
