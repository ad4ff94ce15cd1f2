import type { KubeObject } from '../kube-object.ts';
import { resources } from '../resource.ts';
import { ageColumn, buildDefinition } from './definition.ts';
import { anything, conditions, flag, list, namespaceName, object, objectName, oneOf, text, whole } from './schema.ts';

const column = object(
  'One column of kubectl get.',
  {
    name: text('Heading.', { minLength: 1, maxLength: 63 }),
    type: oneOf('Type of the value.', ['string', 'integer', 'number', 'boolean', 'date']),
    jsonPath: text('Path of the value.', { pattern: '^\\.' }),
  },
  ['name', 'type', 'jsonPath'],
);

const spec = object(
  'Which chart becomes which kind.',
  {
    group: text('API group of the kind.', {
      pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$',
      maxLength: 200,
    }),
    version: text('Version of the kind.', { pattern: '^v[1-9][0-9]*((alpha|beta)[1-9][0-9]*)?$', default: 'v1' }),
    kind: text('Name of the kind.', { pattern: '^[A-Z][A-Za-z0-9]*$', maxLength: 63 }),
    plural: text('Plural in lower case; the kind and an s by default.', { pattern: '^[a-z][a-z0-9]*$', maxLength: 63 }),
    shortNames: list('Short names for kubectl.', text('One of them.', { pattern: '^[a-z][a-z0-9]*$' })),
    chartRef: object(
      'Source of the chart.',
      {
        kind: oneOf('Kind of the source.', ['OCIRepository', 'HelmChart', 'ExternalArtifact']),
        name: objectName('Name of the source.'),
        namespace: namespaceName('Namespace of the source.'),
      },
      ['kind', 'name', 'namespace'],
    ),
    overrideValues: anything('Paths of values, with dots, to what they always are.'),
    release: anything('Merged under the spec of each HelmRelease.'),
    columns: list('More columns of kubectl get.', column),
    suspend: flag('Leave the kind and its objects as they are.'),
  },
  ['chartRef', 'group', 'kind'],
);

/** The kind that makes kinds of charts. */
export function chartKindDefinition(): KubeObject {
  return buildDefinition({
    resource: resources.chartKinds,
    shortNames: ['ck'],
    categories: ['sluice'],
    description: 'A Helm chart offered as a kind of its own.',
    spec,
    status: object('What is known about the kind.', {
      observedGeneration: whole('Generation of the spec that the status is about.'),
      conditions: conditions({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] }),
      definition: text('Name of the CustomResourceDefinition.'),
      chartRevision: text('Revision of the chart that the schema was made from.'),
      schemaSource: oneOf('Where the schema came from.', ['values.schema.json', 'values.yaml']),
      openPaths: list('Parts of the schema that are left open.', { type: 'string' }),
    }),
    statusSubresource: true,
    required: ['spec'],
    columns: [
      { name: 'Kind', type: 'string', jsonPath: '.spec.kind' },
      { name: 'Group', type: 'string', jsonPath: '.spec.group' },
      { name: 'Chart', type: 'string', jsonPath: '.status.chartRevision' },
      { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
      ageColumn,
    ],
  });
}
