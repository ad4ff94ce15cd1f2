import type { KubeObject } from '../kube-object.ts';
import { resources } from '../resource.ts';
import { buildDefinition, readyColumns } from './definition.ts';
import {
  driftDetection,
  installAction,
  rollbackAction,
  testAction,
  uninstallAction,
  upgradeAction,
} from './helm-release-actions.ts';
import { helmReleaseStatus } from './helm-release-status.ts';
import {
  duration,
  flag,
  list,
  localReference,
  namespaceName,
  object,
  objectName,
  oneOf,
  text,
  textMap,
  whole,
} from './schema.ts';

const chart = object(
  'Makes a HelmChart out of a source. Either this or chartRef.',
  {
    metadata: object('Metadata of the HelmChart.', {
      labels: textMap('Labels.'),
      annotations: textMap('Annotations.'),
    }),
    spec: object(
      'Which chart.',
      {
        chart: text('Name or path of the chart.', { minLength: 1, maxLength: 2_048 }),
        version: text('Version or range of versions.', { default: '*' }),
        sourceRef: object(
          'The source.',
          {
            apiVersion: text('API version of the source.'),
            kind: oneOf('Kind of the source.', ['HelmRepository', 'GitRepository', 'Bucket']),
            name: objectName('Name of the source.'),
            namespace: namespaceName('Namespace of the source.'),
          },
          ['kind', 'name'],
        ),
        interval: duration('Time between looks at the source; that of the release by default.'),
        reconcileStrategy: oneOf('What makes a new chart; Revision by default for git.', ['ChartVersion', 'Revision']),
        valuesFiles: list('Values files of the chart that are merged into its values.', { type: 'string' }),
        ignoreMissingValuesFiles: flag('Pass over values files that are missing.'),
        verify: object('Signature check.', {
          provider: oneOf('What made the signature.', ['cosign', 'notation'], { default: 'cosign' }),
          secretRef: localReference('Secret with the public keys.'),
        }),
      },
      ['chart', 'sourceRef'],
    ),
  },
  ['spec'],
);

const valuesReference = object(
  'One source of values.',
  {
    kind: oneOf('Kind of the object.', ['Secret', 'ConfigMap']),
    name: objectName('Name of the object.'),
    valuesKey: text('Key in the object; values.yaml by default.', { maxLength: 253, pattern: '^[\\-._a-zA-Z0-9]+$' }),
    targetPath: text('Path of the one value that is set, as with --set.', { maxLength: 250 }),
    literal: flag('Set the value at targetPath as it is, without reading it as --set does.'),
    optional: flag('Pass over an object or a key that is missing.'),
  },
  ['kind', 'name'],
);

const dependency = object(
  'A release that must be ready first.',
  {
    name: objectName('Name of the HelmRelease.'),
    namespace: namespaceName('Its namespace; that of this release by default.'),
    readyExpr: text('CEL over self and dep that says when it is ready.'),
  },
  ['name'],
);

const target = object('Objects that are meant; an absent field means any.', {
  group: text('API group.'),
  version: text('API version.'),
  kind: text('Kind.'),
  name: text('Pattern of the name.'),
  namespace: text('Pattern of the namespace.'),
  labelSelector: text('Label selector.'),
  annotationSelector: text('Annotation selector.'),
});

const postRenderer = object('One post-renderer.', {
  kustomize: object('Kustomize patches and images.', {
    patches: list(
      'Strategic merge and JSON patches.',
      object('One patch.', { patch: text('The patch, inline.'), target }, ['patch']),
    ),
    images: list(
      'Images that are replaced.',
      object(
        'One image.',
        {
          name: text('Name of the image.'),
          newName: text('Name instead.'),
          newTag: text('Tag instead.'),
          digest: text('Digest instead of a tag.'),
        },
        ['name'],
      ),
    ),
  }),
});

const healthCheck = object(
  'How objects of a kind tell their health.',
  {
    apiVersion: text('API version.'),
    kind: text('Kind.'),
    current: text('CEL: it is as it should be.'),
    inProgress: text('CEL: it is on its way.'),
    failed: text('CEL: it has failed.'),
  },
  ['apiVersion', 'kind', 'current'],
);

const kubeConfig = object('Another cluster to install into.', {
  secretRef: object(
    'Secret with the kubeconfig.',
    { name: text('Name of the Secret.'), key: text('Key in it; value or value.yaml by default.') },
    ['name'],
  ),
  configMapRef: localReference('ConfigMap with the access of a cloud provider.'),
});

const spec = object(
  'The release that there shall be.',
  {
    chart,
    chartRef: object(
      'Object that offers the chart. Either this or chart.',
      {
        apiVersion: text('API version of the object.'),
        kind: oneOf('Kind of the object.', ['OCIRepository', 'HelmChart', 'ExternalArtifact']),
        name: objectName('Name of the object.'),
        namespace: namespaceName('Its namespace; that of the release by default.'),
      },
      ['kind', 'name'],
    ),
    interval: duration('Time between looks at the release.'),
    kubeConfig,
    suspend: flag('Leave the release as it is.'),
    releaseName: text('Name of the release; made of targetNamespace and name by default.', {
      minLength: 1,
      maxLength: 53,
    }),
    targetNamespace: namespaceName('Namespace of the objects; that of the HelmRelease by default.'),
    storageNamespace: namespaceName('Namespace of the release records; that of the HelmRelease by default.'),
    dependsOn: list('Releases that must be ready first.', dependency),
    timeout: duration('Time that one operation may take; 5m by default.'),
    maxHistory: whole('Release records that are kept; 5 by default, 0 for all.'),
    serviceAccountName: text('Service account that acts.', { minLength: 1, maxLength: 253 }),
    persistentClient: flag('Use one client for a whole reconcile.'),
    driftDetection,
    install: installAction,
    upgrade: upgradeAction,
    test: testAction,
    rollback: rollbackAction,
    uninstall: uninstallAction,
    valuesFrom: list('Values from other objects, in order; inline values win.', valuesReference),
    values: { description: 'Values, over those of valuesFrom.', 'x-kubernetes-preserve-unknown-fields': true },
    commonMetadata: object('Metadata of every object of the release.', {
      labels: textMap('Labels.'),
      annotations: textMap('Annotations.'),
    }),
    postRenderers: list('Changes to the rendered manifests, in order.', postRenderer),
    postRenderStrategy: oneOf('Which manifests are changed.', ['combined', 'nohooks', 'separate']),
    waitStrategy: object('How health is waited for.', {
      name: oneOf('The way.', ['poller', 'legacy']),
    }),
    healthCheckExprs: list('How objects of further kinds tell their health.', healthCheck),
  },
  ['interval'],
  {
    'x-kubernetes-validations': [
      { rule: 'has(self.chart) != has(self.chartRef)', message: 'exactly one of chart and chartRef must be set' },
    ],
  },
);

/** helm.toolkit.fluxcd.io/v2 HelmRelease. */
export function helmReleaseDefinition(): KubeObject {
  return buildDefinition({
    resource: resources.helmReleases,
    shortNames: ['hr'],
    categories: ['all', 'fluxcd', 'fluxcd-appliers'],
    description: 'A Helm release that there shall be.',
    spec,
    status: helmReleaseStatus,
    statusSubresource: true,
    columns: readyColumns,
  });
}
