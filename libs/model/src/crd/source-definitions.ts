import type { KubeObject } from '../kube-object.ts';
import { resources } from '../resource.ts';
import { buildDefinition, type Column, readyColumns } from './definition.ts';
import {
  anything,
  conditions,
  duration,
  flag,
  list,
  localReference,
  object,
  objectName,
  oneOf,
  type Schema,
  text,
  textMap,
  timestamp,
  whole,
} from './schema.ts';

const interval = duration('Time between looks at the source.');
const timeout = duration('Time that a fetch may take.', { default: '60s' });
const suspend = flag('Do not look at the source.');
const secretRef = localReference('Secret with the credentials.');
const certSecretRef = localReference('Secret with ca.crt, tls.crt and tls.key.');
const proxySecretRef = localReference('Secret with the address of a proxy and its credentials.');
const serviceAccountName = objectName('Service account whose pull secrets are used.');
const insecure = flag('Speak plain HTTP.');
const ignore = text('Paths left out of the artifact, in the format of .gitignore.');
const urlColumn: Column = { name: 'URL', type: 'string', jsonPath: '.spec.url' };

const artifact = object(
  'What the source offers.',
  {
    path: text('Path at the place of storage.'),
    url: text('Where it is fetched from.'),
    revision: text('Revision of the source.'),
    digest: text('Digest of the content.', { pattern: '^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$' }),
    lastUpdateTime: timestamp('When it came to be.'),
    size: whole('Bytes.'),
    metadata: textMap('Annotations of the source.'),
  },
  ['digest', 'lastUpdateTime', 'path', 'revision', 'url'],
);

function status(more: Readonly<Record<string, Schema>> = {}): Schema {
  return object(
    'What is known about the source.',
    {
      observedGeneration: whole('Generation of the spec that the status is about.'),
      artifact,
      conditions: conditions(),
      lastHandledReconcileAt: text('Value of the last reconcile request that was handled.'),
      url: text('Address of the newest artifact.'),
      ...more,
    },
    [],
    { default: { observedGeneration: -1 } },
  );
}

const verify = object(
  'Signature check.',
  {
    provider: oneOf('What made the signature.', ['cosign', 'notation'], { default: 'cosign' }),
    secretRef: localReference('Secret with the public keys.'),
    matchOIDCIdentity: list(
      'Identities that may have signed.',
      object('One identity.', { issuer: text('Pattern of the issuer.'), subject: text('Pattern of the subject.') }, [
        'issuer',
        'subject',
      ]),
    ),
  },
  ['provider'],
);

const ociSpec = object(
  'Where an OCI artifact is, and which.',
  {
    url: text('Address of the repository.', { pattern: '^oci://.*$' }),
    ref: object('Which artifact: digest, else semver, else tag, else latest.', {
      digest: text('Digest of the manifest.'),
      semver: text('Range of versions.'),
      semverFilter: text('Pattern of the tags that are looked at.'),
      tag: text('Tag.'),
    }),
    interval,
    timeout,
    layerSelector: object('Which layer is the artifact; the first by default.', {
      mediaType: text('Media type of the layer.'),
      operation: oneOf('Unpack the layer, or keep it as it is.', ['extract', 'copy']),
    }),
    provider: oneOf('Where credentials come from.', ['generic', 'aws', 'azure', 'gcp'], { default: 'generic' }),
    secretRef,
    certSecretRef,
    proxySecretRef,
    serviceAccountName,
    verify,
    insecure,
    ignore,
    suspend,
  },
  ['interval', 'url'],
);

const helmRepositorySpec = object(
  'Where a chart repository is.',
  {
    url: text('Address of the repository.', { pattern: '^(http|https|oci)://.*$' }),
    type: oneOf('With an index, or in a registry.', ['default', 'oci']),
    interval,
    timeout: duration('Time that a fetch may take.'),
    secretRef,
    certSecretRef,
    passCredentials: flag('Send credentials to other hosts that the index names.'),
    provider: oneOf('Where credentials come from.', ['generic', 'aws', 'azure', 'gcp'], { default: 'generic' }),
    insecure,
    suspend,
    accessFrom: anything('Namespaces that may refer to this source.'),
  },
  ['url'],
);

const helmChartSpec = object(
  'Which chart out of which source.',
  {
    chart: text('Name in a HelmRepository, path in a GitRepository or Bucket.'),
    version: text('Version or range of versions.', { default: '*' }),
    sourceRef: object(
      'The source.',
      {
        apiVersion: text('API version of the source.'),
        kind: oneOf('Kind of the source.', ['HelmRepository', 'GitRepository', 'Bucket']),
        name: text('Name of the source.'),
      },
      ['kind', 'name'],
    ),
    interval,
    reconcileStrategy: oneOf('What makes a new artifact; ChartVersion by default.', ['ChartVersion', 'Revision']),
    valuesFiles: list('Values files of the chart that are merged into its values.', { type: 'string' }),
    ignoreMissingValuesFiles: flag('Pass over values files that are missing.'),
    verify,
    suspend,
  },
  ['chart', 'interval', 'sourceRef'],
);

const gitSpec = object(
  'Which commit of which repository.',
  {
    url: text('Address of the repository.', { pattern: '^(http|https|ssh)://.*$' }),
    ref: object('Which commit: commit, else name, else semver, else tag, else branch; master by default.', {
      branch: text('Branch.'),
      commit: text('Full commit id.'),
      name: text('Full ref name.'),
      semver: text('Range of versions among the tags.'),
      tag: text('Tag.'),
    }),
    interval,
    timeout,
    secretRef,
    proxySecretRef,
    serviceAccountName,
    provider: oneOf('Where credentials come from.', ['generic', 'azure', 'github', 'aws', 'gcp']),
    ignore,
    include: list(
      'Other repositories whose artifacts are laid into this one.',
      object(
        'One of them.',
        {
          repository: localReference('The GitRepository.'),
          fromPath: text('Path in it.'),
          toPath: text('Path in this one.'),
        },
        ['repository'],
      ),
    ),
    recurseSubmodules: flag('Fetch submodules.'),
    sparseCheckout: list('Folders to check out; all by default.', { type: 'string' }),
    verify: anything('Signature check of commits and tags.'),
    suspend,
  },
  ['interval', 'url'],
);

/** The kinds of source.toolkit.fluxcd.io. */
export function sourceDefinitions(): readonly KubeObject[] {
  const common = { statusSubresource: true, categories: ['all', 'fluxcd', 'fluxcd-sources'], required: ['spec'] };
  const columns = [urlColumn, ...readyColumns];
  return [
    buildDefinition({
      ...common,
      resource: resources.ociRepositories,
      shortNames: ['ocirepo'],
      description: 'An OCI artifact offered as a source.',
      spec: ociSpec,
      status: status({
        observedIgnore: text('The ignore rules of the artifact.'),
        observedLayerSelector: anything('The layer selector of the artifact.'),
      }),
      columns,
    }),
    buildDefinition({
      ...common,
      resource: resources.helmRepositories,
      shortNames: ['helmrepo'],
      description: 'A chart repository offered as a source.',
      spec: helmRepositorySpec,
      status: status(),
      columns,
    }),
    buildDefinition({
      ...common,
      resource: resources.helmCharts,
      shortNames: ['hc'],
      description: 'One chart out of a source.',
      spec: helmChartSpec,
      status: status({
        observedChartName: text('Name of the chart of the artifact.'),
        observedSourceArtifactRevision: text('Revision of the source that the artifact came from.'),
        observedValuesFiles: list('Values files of the artifact.', { type: 'string' }),
      }),
      columns: [
        { name: 'Chart', type: 'string', jsonPath: '.spec.chart' },
        { name: 'Version', type: 'string', jsonPath: '.spec.version' },
        { name: 'Source Kind', type: 'string', jsonPath: '.spec.sourceRef.kind' },
        { name: 'Source Name', type: 'string', jsonPath: '.spec.sourceRef.name' },
        ...readyColumns,
      ],
    }),
    buildDefinition({
      ...common,
      resource: resources.gitRepositories,
      shortNames: ['gitrepo'],
      description: 'A git repository offered as a source.',
      spec: gitSpec,
      status: status({
        observedIgnore: text('The ignore rules of the artifact.'),
        observedInclude: list('The included artifacts.', anything('One include.')),
        observedRecurseSubmodules: flag('Whether submodules were fetched.'),
        observedSparseCheckout: list('Folders that were checked out.', { type: 'string' }),
        includedArtifacts: list('Artifacts that were laid in.', artifact),
        sourceVerificationMode: text('How the source was verified.'),
      }),
      columns,
    }),
    buildDefinition({
      ...common,
      resource: resources.externalArtifacts,
      shortNames: ['ea'],
      description: 'An artifact that somebody else publishes in the status.',
      spec: object('Who publishes it.', { sourceRef: anything('The object that the artifact was made from.') }),
      status: status(),
      columns: readyColumns,
    }),
  ];
}
