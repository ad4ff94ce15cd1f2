/** Media types that the registry reads to know what a manifest refers to. */
export const mediaTypes = Object.freeze({
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
});

const namePattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const digestPattern = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/** True for a repository name that the distribution specification allows and that is safe as a path. */
export function isRepositoryName(name: string): boolean {
  return name.length <= 255 && namePattern.test(name);
}

/** True for a tag. */
export function isTag(text: string): boolean {
  return tagPattern.test(text);
}

/** Algorithms of digests that are kept. */
export type DigestAlgorithm = 'sha256' | 'sha512';

/** What a digest must look like, for messages. */
export const digestForm = 'sha256:<64 hex digits> or sha512:<128 hex digits>';

/** True for {@link digestForm}. */
export function isDigest(text: string): boolean {
  return digestPattern.test(text);
}

/** The hex part of a digest. Its length tells the algorithm, so that it is a file name of its own. */
export function hexOf(digest: string): string {
  return digest.slice(digest.indexOf(':') + 1);
}

/** The inverse of {@link hexOf}. */
export function digestOf(hex: string): string {
  return `${hex.length === 128 ? 'sha512' : 'sha256'}:${hex}`;
}

/** The algorithm of a digest. */
export function algorithmOf(digest: string): DigestAlgorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256';
}

/** What a path under `/v2/` names. */
export type Route =
  | { readonly kind: 'base' }
  | { readonly kind: 'catalog' }
  | { readonly kind: 'tags'; readonly name: string }
  | { readonly kind: 'manifest'; readonly name: string; readonly reference: string }
  | { readonly kind: 'blob'; readonly name: string; readonly digest: string }
  | { readonly kind: 'uploads'; readonly name: string }
  | { readonly kind: 'upload'; readonly name: string; readonly session: string }
  | { readonly kind: 'referrers'; readonly name: string; readonly digest: string };

/** The route of a path without its query; undefined when it names nothing. */
export function parseRoute(path: string): Route | undefined {
  if (path === '/v2' || path === '/v2/') return { kind: 'base' };
  if (path === '/v2/_catalog') return { kind: 'catalog' };
  if (!path.startsWith('/v2/')) return undefined;
  const rest = path.slice('/v2/'.length);
  const upload = /^(.+)\/blobs\/uploads\/([^/]*)$/.exec(rest);
  if (upload?.[1]) {
    const session = upload[2] ?? '';
    return session ? { kind: 'upload', name: upload[1], session } : { kind: 'uploads', name: upload[1] };
  }
  const start = /^(.+)\/blobs\/uploads$/.exec(rest);
  if (start?.[1]) return { kind: 'uploads', name: start[1] };
  const tags = /^(.+)\/tags\/list$/.exec(rest);
  if (tags?.[1]) return { kind: 'tags', name: tags[1] };
  const item = /^(.+)\/(manifests|blobs|referrers)\/([^/]+)$/.exec(rest);
  if (!item?.[1] || !item[3]) return undefined;
  const [name, last] = [item[1], item[3]];
  if (item[2] === 'manifests') return { kind: 'manifest', name, reference: last };
  return item[2] === 'blobs' ? { kind: 'blob', name, digest: last } : { kind: 'referrers', name, digest: last };
}
