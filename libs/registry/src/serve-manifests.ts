import { createHash } from 'node:crypto';
import { readBody, type HttpRequest, type HttpResponse } from '@sluice/runtime';
import { type ParsedManifest, parseManifest } from './manifest.ts';
import { algorithmOf, digestOf, isDigest, isTag } from './oci-names.ts';
import { OciError } from './oci-error.ts';
import type { RegistryParts } from './registry-parts.ts';

const maxManifestBytes = 4 * 1024 * 1024;

/** GET, HEAD, PUT and DELETE of a manifest; undefined for another method. */
export async function serveManifest(
  parts: RegistryParts,
  { name, reference }: { readonly name: string; readonly reference: string },
  verb: string,
  request: HttpRequest,
): Promise<HttpResponse | undefined> {
  if (verb === 'GET') return getManifest(parts, name, reference);
  if (verb === 'PUT') return putManifest(parts, name, reference, request);
  return verb === 'DELETE' ? deleteManifest(parts, name, reference) : undefined;
}

/** A manifest that is here. */
export type FoundManifest = { readonly digest: string; readonly mediaType: string; readonly size: number };

/** Look a manifest up by tag or digest. */
export async function findManifest(
  parts: RegistryParts,
  name: string,
  reference: string,
): Promise<FoundManifest | undefined> {
  const tagged = isTag(reference) ? await parts.repositories.tag(name, reference) : undefined;
  const digest = isDigest(reference) ? reference : tagged;
  const record = digest ? await parts.repositories.manifest(name, digest) : undefined;
  return digest && record ? { digest, mediaType: record.mediaType, size: record.size } : undefined;
}

/** The stored bytes of a manifest. */
export async function bytesOf(parts: RegistryParts, digest: string): Promise<Uint8Array> {
  return readBody(parts.blobs.read(digest), maxManifestBytes);
}

async function getManifest(parts: RegistryParts, name: string, reference: string): Promise<HttpResponse> {
  const found = await findManifest(parts, name, reference);
  if (!found) throw new OciError(404, 'MANIFEST_UNKNOWN', `${name} has no manifest ${reference.slice(0, 200)}`);
  const body = await bytesOf(parts, found.digest);
  const headers = {
    'content-type': found.mediaType,
    'content-length': String(body.length),
    'docker-content-digest': found.digest,
    etag: `"${found.digest}"`,
  };
  return { status: 200, headers, body };
}

async function putManifest(
  parts: RegistryParts,
  name: string,
  reference: string,
  request: HttpRequest,
): Promise<HttpResponse> {
  if (!isDigest(reference) && !isTag(reference))
    throw new OciError(400, 'MANIFEST_INVALID', 'that is no tag and no digest');
  const bytes = await readBody(request.body, maxManifestBytes);
  const manifest = parseManifest(bytes, request.headers['content-type'] ?? '');
  const algorithm = isDigest(reference) ? algorithmOf(reference) : 'sha256';
  const digest = digestOf(createHash(algorithm).update(bytes).digest('hex'));
  if (isDigest(reference) && reference !== digest) {
    throw new OciError(400, 'DIGEST_INVALID', `the manifest has digest ${digest}, not ${reference}`);
  }
  await parts.gate.push(name, async () => {
    await checkReferences(parts, name, manifest.blobs, manifest.manifests);
    await storeManifest(parts, name, { manifest, bytes, digest });
    if (!isDigest(reference)) await parts.repositories.setTag(name, reference, digest);
  });
  const { subject } = manifest;
  const headers = {
    location: `/v2/${name}/manifests/${digest}`,
    'docker-content-digest': digest,
    'content-length': '0',
  };
  return { status: 201, headers: subject ? { ...headers, 'oci-subject': subject } : headers };
}

type NewManifest = { readonly manifest: ParsedManifest; readonly bytes: Uint8Array; readonly digest: string };

async function storeManifest(
  { blobs, repositories }: RegistryParts,
  name: string,
  { manifest, bytes, digest }: NewManifest,
): Promise<void> {
  const upload = await blobs.startUpload();
  await upload.write(bytes);
  await blobs.commit(upload, digest);
  const { subject, artifactType, annotations, mediaType } = manifest;
  const size = bytes.length;
  await repositories.addManifest(name, digest, { mediaType, size, ...(subject ? { subject } : {}) });
  if (!subject) return;
  const extra = { ...(artifactType ? { artifactType } : {}), ...(annotations ? { annotations } : {}) };
  await repositories.addReferrer(name, subject, { mediaType, digest, size, ...extra });
}

async function checkReferences(
  parts: RegistryParts,
  name: string,
  blobs: readonly string[],
  manifests: readonly string[],
): Promise<void> {
  for (const digest of blobs) {
    if ((await parts.repositories.hasBlob(name, digest)) && (await parts.blobs.size(digest)) !== undefined) continue;
    throw new OciError(
      404,
      'MANIFEST_BLOB_UNKNOWN',
      `push blob ${digest} to ${name} before the manifest that names it`,
    );
  }
  for (const digest of manifests) {
    if (await parts.repositories.manifest(name, digest)) continue;
    throw new OciError(
      404,
      'MANIFEST_BLOB_UNKNOWN',
      `push manifest ${digest} to ${name} before the index that names it`,
    );
  }
}

async function deleteManifest(parts: RegistryParts, name: string, reference: string): Promise<HttpResponse> {
  const found = await findManifest(parts, name, reference);
  if (!found) throw new OciError(404, 'MANIFEST_UNKNOWN', `${name} has no manifest ${reference.slice(0, 200)}`);
  if (isDigest(reference)) await parts.repositories.removeManifest(name, found.digest);
  else await parts.repositories.removeTag(name, reference);
  return { status: 202, headers: { 'content-length': '0' } };
}
