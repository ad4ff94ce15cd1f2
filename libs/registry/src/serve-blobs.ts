import type { HttpRequest, HttpResponse } from '@sluice/runtime';
import type { ByteRange } from './blob-files.ts';
import { digestForm, isDigest } from './oci-names.ts';
import { OciError } from './oci-error.ts';
import type { RegistryParts } from './registry-parts.ts';

/** GET, HEAD and DELETE of a blob; undefined for another method. */
export async function serveBlob(
  parts: RegistryParts,
  { name, digest }: { readonly name: string; readonly digest: string },
  verb: string,
  request: HttpRequest,
): Promise<HttpResponse | undefined> {
  if (verb !== 'GET' && verb !== 'DELETE') return undefined;
  if (!isDigest(digest)) throw new OciError(400, 'DIGEST_INVALID', `digest must be ${digestForm}`);
  return verb === 'GET' ? getBlob(parts, name, digest, request) : deleteBlob(parts, name, digest);
}

async function getBlob(
  parts: RegistryParts,
  name: string,
  digest: string,
  request: HttpRequest,
): Promise<HttpResponse> {
  const size = (await parts.repositories.hasBlob(name, digest)) ? await parts.blobs.size(digest) : undefined;
  if (size === undefined) throw new OciError(404, 'BLOB_UNKNOWN', `${name} has no blob ${digest}`);
  // Whoever asks whether a blob is here may be about to rely on it in a manifest.
  if (request.method === 'HEAD') await parts.repositories.touchBlob(name, digest);
  const headers = {
    'content-type': 'application/octet-stream',
    'docker-content-digest': digest,
    'accept-ranges': 'bytes',
    etag: `"${digest}"`,
  };
  const range = parseRange(request.headers['range'], size);
  if (range === 'invalid') {
    return { status: 416, headers: { 'content-range': `bytes */${size}`, 'content-length': '0' } };
  }
  if (range && !(await parts.blobs.verifiedPath(digest))) {
    throw new OciError(500, 'BLOB_UNKNOWN', `blob ${digest} is damaged on disk; push it again`);
  }
  const length = range ? range.end - range.start + 1 : size;
  const sized = { ...headers, 'content-length': String(length) };
  const body = request.method === 'HEAD' ? {} : { body: parts.blobs.read(digest, range) };
  if (!range) return { status: 200, headers: sized, ...body };
  return { status: 206, headers: { ...sized, 'content-range': `bytes ${range.start}-${range.end}/${size}` }, ...body };
}

function parseRange(header: string | undefined, size: number): ByteRange | 'invalid' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (!match || (!match[1] && !match[2])) return undefined;
  if (!match[1]) {
    const suffix = Number(match[2]);
    return suffix === 0 || size === 0 ? 'invalid' : { start: Math.max(0, size - suffix), end: size - 1 };
  }
  const start = Number(match[1]);
  const end = match[2] ? Math.min(Number(match[2]), size - 1) : size - 1;
  return start >= size || end < start ? 'invalid' : { start, end };
}

async function deleteBlob(parts: RegistryParts, name: string, digest: string): Promise<HttpResponse> {
  if (!(await parts.repositories.hasBlob(name, digest))) {
    throw new OciError(404, 'BLOB_UNKNOWN', `${name} has no blob ${digest}`);
  }
  await parts.repositories.removeBlob(name, digest);
  return { status: 202, headers: { 'content-length': '0' } };
}
