import {
  apiVersionOf,
  keys,
  resources,
  type DeployRequest,
  type HelmRelease,
  type Json,
  type JsonObject,
  type KubeObject,
  type OciRepository,
} from '@sluice/model';

/** The succeeded run that is released. */
export type ReleasedRun = {
  readonly repository: string;
  readonly namespace: string;
  readonly sha: string;
  readonly ref: string;
  readonly workflow: string;
  /** See keys.order in @sluice/model. */
  readonly order: number;
  /** Of a run of a pull request. */
  readonly pullRequest?: number;
  /** Global output parameters of the Workflow. */
  readonly outputs: Readonly<Record<string, string>>;
};

export type ReleaseTarget = {
  readonly namespace: string;
  /** `spec.release` of the Environment. */
  readonly template?: JsonObject;
  /** The registry speaks plain HTTP. */
  readonly insecure: boolean;
};

/** The objects of one release, to be applied in this order, or why there are none. */
export type ReleaseObjects =
  | { readonly ok: true; readonly source: OciRepository & KubeObject; readonly release: HelmRelease & KubeObject }
  | { readonly ok: false; readonly reason: string };

/** What an Environment may change and a pipeline need not say: a failed upgrade is rolled back. */
const releaseDefaults: JsonObject = {
  interval: '10m',
  timeout: '5m',
  install: { createNamespace: true },
  upgrade: { remediation: { retries: 0, remediateLastFailure: true, strategy: 'rollback' } },
};

/** The name of the HelmRelease. */
export function releaseObjectName({ release, environment }: Pick<DeployRequest, 'release' | 'environment'>): string {
  return `${release}-${environment}`;
}

/** The same request for the preview of a pull request: a release of its own. */
export function previewRequest(request: DeployRequest, pullRequest: number): DeployRequest {
  return { ...request, release: `${request.release.slice(0, 40).replace(/-+$/, '')}-pr-${pullRequest}` };
}

/** The namespace of the preview of a pull request. */
export function previewNamespace(namespace: string, pullRequest: number): string {
  return `${namespace}-pr-${pullRequest}`;
}

/**
 * The name of the OCIRepository of one chart. Each chart has a source of its own, so that one write, that of the
 * HelmRelease, changes chart and values together: the operator never sees the chart of one run with the values of another.
 */
function sourceName(request: DeployRequest, digest: string): string {
  return `${releaseObjectName(request)}-${digest.slice('sha256:'.length, 'sha256:'.length + 10)}`;
}

/** Chart and images by the digests that the run made: what is deployed is what was tested. Pure. */
export function buildRelease(request: DeployRequest, run: ReleasedRun, target: ReleaseTarget): ReleaseObjects {
  const chart = digestOf(request.chart.digestParameter, run);
  if (!chart.ok) return chart;
  const images: Record<string, { repository: string; digest: string }> = {};
  for (const { name, url, digestParameter } of request.images) {
    const image = digestOf(digestParameter, run);
    if (!image.ok) return image;
    images[name] = { repository: url, digest: image.digest };
  }
  const metadata = metadataOf(request, run);
  const { labels = {}, name } = metadata;
  const chartRef = { kind: resources.ociRepositories.kind, name: sourceName(request, chart.digest) };
  return {
    ok: true,
    source: {
      apiVersion: apiVersionOf(resources.ociRepositories),
      kind: resources.ociRepositories.kind,
      metadata: { name: chartRef.name, namespace: run.namespace, labels, annotations: { [keys.release]: name } },
      spec: {
        url: request.chart.url,
        ref: { digest: chart.digest },
        interval: '10m',
        ...(target.insecure ? { insecure: true } : {}),
      },
    },
    release: {
      apiVersion: apiVersionOf(resources.helmReleases),
      kind: resources.helmReleases.kind,
      metadata,
      spec: { ...releaseSpec(request, target, images), chartRef },
    },
  };
}

function metadataOf(request: DeployRequest, run: ReleasedRun): KubeObject['metadata'] {
  return {
    name: releaseObjectName(request),
    namespace: run.namespace,
    labels: {
      [keys.repository]: run.repository,
      [keys.environment]: request.environment,
      ...(run.pullRequest === undefined ? {} : { [keys.pullRequest]: String(run.pullRequest) }),
    },
    annotations: {
      [keys.sha]: run.sha,
      [keys.ref]: run.ref,
      [keys.workflow]: run.workflow,
      [keys.order]: String(run.order),
    },
  };
}

function releaseSpec(
  request: DeployRequest,
  { namespace, template = {} }: ReleaseTarget,
  images: JsonObject,
): JsonObject & { interval: string } {
  const [first] = Object.values(images);
  const imageValues: JsonObject = first === undefined ? {} : { image: first, images };
  const values = deepMerge(deepMerge(objectAt(template, 'values'), request.values ?? {}), imageValues);
  const ours: JsonObject = {
    releaseName: request.release,
    targetNamespace: namespace,
    values,
  };
  const spec = deepMerge(deepMerge(releaseDefaults, template), ours);
  return { ...spec, interval: typeof spec['interval'] === 'string' ? spec['interval'] : '10m' };
}

function digestOf(
  parameter: string,
  { outputs }: ReleasedRun,
): { ok: true; digest: string } | { ok: false; reason: string } {
  const digest = Object.hasOwn(outputs, parameter) ? outputs[parameter] : undefined;
  if (digest !== undefined && /^sha256:[0-9a-f]{64}$/.test(digest)) return { ok: true, digest };
  const found = digest === undefined ? 'is missing' : 'is not a sha256 digest';
  return {
    ok: false,
    reason: `the run's output "${parameter}" ${found}; the step that packages it did not finish properly`,
  };
}

/** Maps are merged, everything else of `over` replaces what is below. */
function deepMerge(under: JsonObject, over: JsonObject): JsonObject {
  const merged: Record<string, Json> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const below = Object.hasOwn(under, key) ? under[key] : undefined;
    const both = isJsonObject(below) && isJsonObject(value);
    Object.defineProperty(merged, key, {
      value: both ? deepMerge(below, value) : value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return merged;
}

function objectAt(object: JsonObject, key: string): JsonObject {
  const value = object[key];
  return isJsonObject(value) ? value : {};
}

function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
