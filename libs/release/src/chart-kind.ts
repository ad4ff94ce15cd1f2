import {
  apiVersionOf,
  findCondition,
  resources,
  type ChartKind,
  type ChartKindSpec,
  type Condition,
  type HelmRelease,
  type Json,
  type JsonObject,
  type KubeObject,
  type Resource,
} from '@sluice/model';
import { canonicalJson, type Sha256 } from './digest.ts';
import { shortenName } from './release-name.ts';
import { mergeValues } from './release-values.ts';
import type { ChartSchema } from './chart-kind-schema.ts';

/** Label of everything that a ChartKind made, with its name. */
export const chartKindLabel = 'sluice.dev/chart-kind';
/** Annotation of a HelmRelease with the digest of what its custom resource asks for. */
const digestAnnotation = 'sluice.dev/asked';
/** Annotation by which people suspend the release of a custom resource. */
const suspendAnnotation = 'sluice.dev/suspend';

/** The resource that a ChartKind makes. */
export function resourceOfChartKind({ group, version = 'v1', kind, plural }: ChartKindSpec): Resource {
  return { group, version, kind, plural: plural ?? `${kind.toLowerCase()}s`, namespaced: true };
}

type DefinitionVersion = JsonObject & { readonly name: string };

const statusSchema: JsonObject = {
  type: 'object',
  properties: {
    observedGeneration: { type: 'integer', format: 'int64' },
    release: { type: 'string', description: 'Name of the HelmRelease.' },
    chart: { type: 'string', description: 'Chart that is deployed.' },
    revision: { type: 'integer', description: 'Revision of the Helm release.' },
    conditions: { type: 'array', items: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
  },
};

/** The CustomResourceDefinition of a ChartKind. Versions that were served before stay served, with the new schema. */
export function buildKindDefinition(
  { metadata, spec }: ChartKind & { readonly spec: ChartKindSpec },
  { schema }: ChartSchema,
  present?: KubeObject<JsonObject>,
): KubeObject<JsonObject> {
  const { group, version, kind, plural } = resourceOfChartKind(spec);
  const former = (present?.spec?.['versions'] ?? []) as readonly DefinitionVersion[];
  const names = [version, ...former.map(({ name }) => name).filter((name) => name !== version)];
  const openAPIV3Schema = {
    type: 'object',
    description: `Chart ${spec.chartRef.name} as a kind of its own. The spec is the chart's values.`,
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      spec: schema,
      status: statusSchema,
    },
  };
  const columns = [
    ...(spec.columns ?? []),
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Chart', type: 'string', jsonPath: '.status.chart' },
    { name: 'Status', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].message', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ] as unknown as Json;
  return {
    apiVersion: apiVersionOf(resources.customResourceDefinitions),
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}`, labels: { [chartKindLabel]: metadata.name } },
    spec: {
      group,
      scope: 'Namespaced',
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        categories: ['sluice-apps'],
        ...(spec.shortNames ? { shortNames: spec.shortNames } : {}),
      },
      versions: names.map((name) => ({
        name,
        served: true,
        storage: name === version,
        schema: { openAPIV3Schema },
        subresources: { status: {} },
        additionalPrinterColumns: columns,
      })),
    },
  };
}

/** Why a definition of that name cannot be ours; undefined when it is, or when there is none. */
export function definitionConflict(chartKind: ChartKind, present: KubeObject | undefined): string | undefined {
  if (!present) return undefined;
  const owner = present.metadata.labels?.[chartKindLabel];
  if (owner === chartKind.metadata.name) return undefined;
  const name = present.metadata.name;
  const whose = owner ? `ChartKind ${owner} has made` : 'somebody else has made';
  return `${whose} CustomResourceDefinition ${name} already; choose another spec.group, spec.kind or spec.plural`;
}

/** An object of a kind that a ChartKind made; its spec is the chart's values. */
export type ChartResource = KubeObject<JsonObject, ChartResourceStatus>;

export type ChartResourceStatus = {
  readonly observedGeneration?: number;
  readonly release?: string;
  readonly chart?: string;
  readonly revision?: number;
  readonly conditions?: readonly Condition[];
};

/** Name of the HelmRelease, and of the Helm release, of a custom resource: kinds do not get in each other's way. */
export function releaseNameOfResource(kind: string, name: string, sha256: Sha256): string {
  return shortenName(`${kind.toLowerCase()}-${name}`, sha256);
}

/** The HelmRelease of a custom resource. What the ChartKind overrides wins over the resource's values. */
export function buildOwnedRelease(
  chartKind: ChartKind & { readonly spec: ChartKindSpec },
  object: ChartResource,
  sha256: Sha256,
): HelmRelease {
  const { spec } = chartKind;
  const { metadata } = object;
  const name = releaseNameOfResource(spec.kind, metadata.name, sha256);
  const values = mergeValues(object.spec ?? {}, expandPaths(spec.overrideValues ?? {}));
  const asked = Object.entries(metadata.annotations ?? {}).filter(([key]) => key.startsWith('reconcile.fluxcd.io/'));
  const releaseSpec = {
    interval: '10m',
    ...spec.release,
    releaseName: name,
    chartRef: spec.chartRef,
    values,
    ...(metadata.annotations?.[suspendAnnotation] === 'true' ? { suspend: true } : {}),
  } as unknown as NonNullable<HelmRelease['spec']>;
  const owner = {
    apiVersion: apiVersionOf(resourceOfChartKind(spec)),
    kind: spec.kind,
    name: metadata.name,
    uid: metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
  const digest = sha256(canonicalJson(releaseSpec as unknown as Json));
  return {
    apiVersion: apiVersionOf(resources.helmReleases),
    kind: 'HelmRelease',
    metadata: {
      name,
      ...(metadata.namespace ? { namespace: metadata.namespace } : {}),
      labels: { [chartKindLabel]: chartKind.metadata.name },
      annotations: { ...Object.fromEntries(asked), [digestAnnotation]: digest },
      ownerReferences: [owner],
    },
    spec: releaseSpec,
  };
}

/** True when the HelmRelease is already as the custom resource asks. */
export function isAsAsked(present: HelmRelease, wanted: HelmRelease): boolean {
  const [have, want] = [present.metadata.annotations ?? {}, wanted.metadata.annotations ?? {}];
  return Object.entries(want).every(([key, value]) => have[key] === value);
}

/** `{ "a.b": 1 }` as `{ a: { b: 1 } }`; a dot in a key is written `\.`. */
function expandPaths(overrides: JsonObject): JsonObject {
  let values: JsonObject = {};
  for (const [path, value] of Object.entries(overrides)) {
    const steps = (path.match(/(?:\\.|[^.\\])+/g) ?? []).map((step) => step.replace(/\\(.)/g, '$1'));
    values = mergeValues(values, steps.reduceRight<Json>((inner, step) => ({ [step]: inner }), value) as JsonObject);
  }
  return values;
}

/** The status of a custom resource as its HelmRelease says. */
export function statusOfResource(
  object: ChartResource,
  release: HelmRelease,
): ChartResourceStatus & { readonly ready: Pick<Condition, 'type' | 'status' | 'reason' | 'message'> } {
  const condition = findCondition(release.status?.conditions, 'Ready');
  const fresh = condition?.observedGeneration === release.metadata.generation;
  const [latest] = release.status?.history ?? [];
  const waiting = { status: 'Unknown', reason: 'Progressing', message: 'the release is being worked on' } as const;
  const { status, reason, message } = condition && fresh ? condition : waiting;
  const observedGeneration = object.metadata.generation;
  return {
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
    release: release.metadata.name,
    ...(latest ? { chart: `${latest.chartName}@${latest.chartVersion}`, revision: latest.version } : {}),
    ready: { type: 'Ready', status, reason, message },
  };
}
