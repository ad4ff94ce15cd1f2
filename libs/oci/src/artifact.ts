import { contentOf, mediaTypes, type Content, type Manifest } from './content.ts';
import type { OciClient, PushOptions } from './oci-client.ts';

export type Artifact = {
  readonly config: { readonly mediaType: string; readonly bytes: Uint8Array };
  readonly layers: readonly Content[];
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
};

/** Push an artifact that is not an image: config, layers and a manifest. Returns the manifest's digest. */
export async function pushArtifact(
  client: OciClient,
  reference: string,
  artifact: Artifact,
  options: PushOptions = {},
): Promise<{ readonly digest: string }> {
  const config = contentOf(artifact.config.mediaType, artifact.config.bytes);
  for (const content of [...artifact.layers, config]) await client.pushBlob(reference, content, options);
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.imageManifest,
    ...(artifact.artifactType ? { artifactType: artifact.artifactType } : {}),
    config: config.descriptor,
    layers: artifact.layers.map(({ descriptor }) => descriptor),
    ...(artifact.annotations ? { annotations: artifact.annotations } : {}),
  };
  return { digest: await client.pushManifest(reference, manifest, options) };
}

export type ChartPush = {
  /** The chart archive as `helm package` writes it. */
  readonly archive: Uint8Array;
  /** The parsed Chart.yaml. */
  readonly metadata: Readonly<Record<string, unknown>> & { readonly name: string; readonly version: string };
  /** RFC 3339; left out when not given, so that the digest depends on the chart alone. */
  readonly created?: string;
  readonly annotations?: Readonly<Record<string, string>>;
};

/** Push a Helm chart in the form that `helm pull oci://…` and Flux understand. The tag is the chart's version unless given. */
export async function pushChart(
  client: OciClient,
  repository: string,
  chart: ChartPush,
  options: PushOptions = {},
): Promise<{ readonly digest: string; readonly tag: string }> {
  const { name, version, description } = chart.metadata;
  const tag = version.replaceAll('+', '_');
  const { digest } = await pushArtifact(
    client,
    `${repository}:${tag}`,
    {
      config: { mediaType: mediaTypes.helmConfig, bytes: Buffer.from(JSON.stringify(chart.metadata)) },
      layers: [contentOf(mediaTypes.helmChart, chart.archive)],
      annotations: {
        'org.opencontainers.image.title': name,
        'org.opencontainers.image.version': version,
        ...(typeof description === 'string' ? { 'org.opencontainers.image.description': description } : {}),
        ...(chart.created ? { 'org.opencontainers.image.created': chart.created } : {}),
        ...chart.annotations,
      },
    },
    options,
  );
  return { digest, tag };
}
