import { apiVersionOf, resources, type HelmRelease, type JsonObject, type KubeObject } from '@sluice/model';
import type { SpecReader } from './spec-reader.ts';

/** Kinds that offer a chart. */
export type ChartSourceKind = 'OCIRepository' | 'HelmChart' | 'ExternalArtifact';

/** The object whose artifact is the chart. */
export type ChartReference = { readonly kind: ChartSourceKind; readonly name: string; readonly namespace?: string };

/** `spec.chart`: a HelmChart that is made for the release, in the namespace of the source. */
export type ChartTemplate = {
  readonly kind: 'ChartTemplate';
  readonly sourceNamespace?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Spec of the HelmChart. */
  readonly spec: JsonObject;
};

/** Read `spec.chart`. `interval` is that of the release. */
export function readChartTemplate(reader: SpecReader, interval: string): ChartTemplate {
  const metadata = reader.object('metadata');
  const spec = reader.object('spec');
  const reference = spec.object('sourceRef');
  const kind = reference.choice('kind', ['HelmRepository', 'GitRepository', 'Bucket']);
  if (kind === 'Bucket') reference.refuse('kind', 'Bucket is not supported yet', 'use an OCIRepository');
  if (!reference.has('kind')) reference.refuse('kind', 'is missing', 'HelmRepository or GitRepository');
  const name = reference.text('name') ?? '';
  if (!name) reference.refuse('name', 'is missing');
  const sourceNamespace = reference.text('namespace');
  const apiVersion = reference.text('apiVersion');
  const chart = spec.text('chart') ?? '';
  if (!chart) spec.refuse('chart', 'is missing', 'name the chart');
  spec.unsupported('verify', 'pin the chart by digest with an OCIRepository');
  const valuesFiles = spec.texts('valuesFiles');
  const strategy = spec.choice('reconcileStrategy', ['ChartVersion', 'Revision']);
  const given = spec.durationMs('interval') === undefined ? undefined : spec.text('interval');
  const template: ChartTemplate = {
    kind: 'ChartTemplate',
    ...(sourceNamespace ? { sourceNamespace } : {}),
    labels: metadata.textMap('labels'),
    annotations: metadata.textMap('annotations'),
    spec: {
      chart,
      version: spec.text('version') ?? '*',
      sourceRef: { ...(apiVersion ? { apiVersion } : {}), kind: kind ?? 'HelmRepository', name },
      interval: given ?? interval,
      // A chart in git seldom gets a new version with each commit.
      reconcileStrategy: strategy ?? (kind === 'GitRepository' ? 'Revision' : 'ChartVersion'),
      ...(valuesFiles.length > 0 ? { valuesFiles } : {}),
      ...(spec.boolean('ignoreMissingValuesFiles') ? { ignoreMissingValuesFiles: true } : {}),
    },
  };
  for (const part of [metadata, reference, spec, reader]) part.close();
  return template;
}

/** Labels that say which HelmRelease an object was made for. */
export function originLabels(release: HelmRelease): Readonly<Record<string, string>> {
  return {
    'helm.toolkit.fluxcd.io/name': release.metadata.name,
    'helm.toolkit.fluxcd.io/namespace': release.metadata.namespace ?? '',
  };
}

/** The HelmChart of a release: `<namespace>-<name>` in the namespace of the source. */
export function buildHelmChart(release: HelmRelease, template: ChartTemplate): KubeObject {
  const own = release.metadata.namespace ?? '';
  return {
    apiVersion: apiVersionOf(resources.helmCharts),
    kind: 'HelmChart',
    metadata: {
      name: `${own}-${release.metadata.name}`,
      namespace: template.sourceNamespace ?? own,
      labels: { ...template.labels, ...originLabels(release) },
      ...(Object.keys(template.annotations).length > 0 ? { annotations: template.annotations } : {}),
    },
    spec: template.spec,
  };
}

/** What the release takes its chart from, with a namespace. */
export function chartReferenceOf(
  release: HelmRelease,
  source: ChartReference | ChartTemplate,
): ChartReference & { readonly namespace: string } {
  const own = release.metadata.namespace ?? '';
  if (source.kind !== 'ChartTemplate') return { ...source, namespace: source.namespace ?? own };
  return { kind: 'HelmChart', name: `${own}-${release.metadata.name}`, namespace: source.sourceNamespace ?? own };
}
