import { createHash } from 'node:crypto';
import { openAsBlob } from 'node:fs';

/** Media types that we write. */
export const mediaTypes = Object.freeze({
  imageManifest: 'application/vnd.oci.image.manifest.v1+json',
  imageIndex: 'application/vnd.oci.image.index.v1+json',
  imageConfig: 'application/vnd.oci.image.config.v1+json',
  imageLayer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  helmConfig: 'application/vnd.cncf.helm.config.v1+json',
  helmChart: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip',
});

/** An OCI descriptor. */
export type Descriptor = {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: { readonly architecture: string; readonly os: string };
};

/** An OCI image manifest; artifacts such as charts have the same form. */
export type Manifest = {
  readonly schemaVersion: 2;
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
};

/** Bytes in memory or in a file, with their descriptor. */
export type Content = { readonly descriptor: Descriptor } & (
  { readonly bytes: Uint8Array } | { readonly path: string }
);

/** `sha256:<hex>` of bytes. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Content of bytes in memory. */
export function contentOf(
  mediaType: string,
  bytes: Uint8Array,
  annotations?: Readonly<Record<string, string>>,
): Content {
  const descriptor = {
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
    ...(annotations ? { annotations } : {}),
  };
  return { descriptor, bytes };
}

/** The body of an upload: in memory, or read from the file while it is sent. */
export async function bodyOf(content: Content): Promise<Blob | Uint8Array> {
  return 'bytes' in content ? content.bytes : openAsBlob(content.path);
}
