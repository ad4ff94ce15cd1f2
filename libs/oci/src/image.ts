import { join } from 'node:path';
import { contentOf, mediaTypes, type Content, type Descriptor, type Manifest } from './content.ts';
import { buildLayer } from './layer.ts';
import type { OciClient, PushOptions } from './oci-client.ts';

/** An image whose layers lie under the assembled one. Made by {@link pullBase}. */
export type BaseImage = {
  readonly reference: string;
  readonly layers: readonly Descriptor[];
  readonly diffIds: readonly string[];
  readonly config: ImageConfig;
};

type ImageConfig = {
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly WorkingDir?: string;
  readonly User?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
};

export type AssembleOptions = {
  readonly context: string;
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly workdir: string;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ports?: readonly number[];
  readonly base?: BaseImage;
  /** RFC 3339; give the time of the commit, so that the same commit gives the same image. */
  readonly created: string;
  /** Default: linux and this machine's architecture. */
  readonly platform?: { readonly os: string; readonly architecture: string };
  /** An existing directory for the layer file. The caller removes it after the push. */
  readonly scratchDirectory: string;
  readonly signal?: AbortSignal;
};

/** An image ready to be pushed. */
export type AssembledImage = {
  readonly manifest: Manifest;
  readonly config: Content;
  readonly layers: readonly Content[];
  readonly base?: BaseImage;
  /** Digest of the manifest as {@link pushImage} pushes it. */
  readonly digest: string;
};

/** Make an image of files: one layer, no daemon, nothing run. The same input gives the same digest. */
export async function assembleImage(options: AssembleOptions): Promise<AssembledImage> {
  const seconds = Math.floor(Date.parse(options.created) / 1_000);
  if (!Number.isFinite(seconds)) throw new TypeError(`created must be an RFC 3339 time, not "${options.created}"`);
  const { context, include, exclude, workdir, signal } = options;
  const layer = await buildLayer({
    context,
    workdir,
    output: join(options.scratchDirectory, 'layer.tar.gz'),
    mtimeSeconds: seconds,
    ...(include ? { include } : {}),
    ...(exclude ? { exclude } : {}),
    ...(signal ? { signal } : {}),
  });
  const created = new Date(seconds * 1_000).toISOString().replace('.000Z', 'Z');
  const config = contentOf(
    mediaTypes.imageConfig,
    Buffer.from(JSON.stringify(buildConfig(options, layer.diffId, created))),
  );
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.imageManifest,
    config: config.descriptor,
    layers: [...(options.base?.layers ?? []), layer.content.descriptor],
    annotations: { 'org.opencontainers.image.created': created, ...options.annotations },
  };
  const digest = contentOf(mediaTypes.imageManifest, Buffer.from(JSON.stringify(manifest))).descriptor.digest;
  return { manifest, config, layers: [layer.content], digest, ...(options.base ? { base: options.base } : {}) };
}

function buildConfig(options: AssembleOptions, diffId: string, created: string) {
  const base = options.base?.config ?? {};
  const env = { ...envOf(base.Env), ...options.env };
  const ports = Object.fromEntries((options.ports ?? []).map((port) => [`${port}/tcp`, {}]));
  const platform = options.platform ?? { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch };
  const config: ImageConfig = {
    ...base,
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    WorkingDir: options.workdir,
    ...(options.entrypoint ? { Entrypoint: options.entrypoint } : {}),
    ...(options.command ? { Cmd: options.command } : {}),
    ...(options.user ? { User: options.user } : {}),
    ...(options.ports ? { ExposedPorts: { ...base.ExposedPorts, ...ports } } : {}),
    Labels: { ...base.Labels, ...options.labels },
  };
  return {
    created,
    ...platform,
    config,
    rootfs: { type: 'layers', diff_ids: [...(options.base?.diffIds ?? []), diffId] },
    history: [{ created, created_by: 'sluice package image' }],
  };
}

function envOf(list: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    list.map((entry) => {
      const equals = entry.indexOf('=');
      return equals < 0 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)];
    }),
  );
}

/** Read what is needed of an image to build on it. Its layers are copied while pushing, where they are missing. */
export async function pullBase(client: OciClient, reference: string, options: PushOptions = {}): Promise<BaseImage> {
  const { manifest, digest, reference: parsed } = await client.resolve(reference, options);
  const bytes = await client.pullBlob(reference, manifest.config, { ...options, maxBytes: 4 * 1024 * 1024 });
  const config = JSON.parse(Buffer.from(bytes).toString('utf8')) as {
    config?: ImageConfig;
    rootfs?: { diff_ids?: string[] };
  };
  return {
    reference: `${parsed.host}/${parsed.repository}@${digest}`,
    layers: manifest.layers,
    diffIds: config.rootfs?.diff_ids ?? [],
    config: config.config ?? {},
  };
}

const maxBaseLayerBytes = 512 * 1024 * 1024;

/** Push an assembled image. `reference` may carry a tag. Blobs that the registry has are not sent again. */
export async function pushImage(
  client: OciClient,
  reference: string,
  image: AssembledImage,
  options: PushOptions = {},
): Promise<{ readonly digest: string; readonly uploaded: number }> {
  let uploaded = 0;
  for (const descriptor of image.base?.layers ?? []) {
    const bytes = await client.pullBlob(image.base?.reference ?? '', descriptor, {
      ...options,
      maxBytes: maxBaseLayerBytes,
    });
    if (await client.pushBlob(reference, { descriptor, bytes }, options)) uploaded++;
  }
  for (const content of [...image.layers, image.config]) {
    if (await client.pushBlob(reference, content, options)) uploaded++;
  }
  return { digest: await client.pushManifest(reference, image.manifest, options), uploaded };
}
