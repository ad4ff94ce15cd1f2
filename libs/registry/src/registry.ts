import { BodyTooLarge, jsonResponse } from '@sluice/runtime';
import type { HttpHandler, HttpRequest, HttpResponse, Log } from '@sluice/runtime';
import { BlobFiles } from './blob-files.ts';
import { collectGarbage, type Garbage, type GarbageOptions } from './collect-garbage.ts';
import { isDigest, isRepositoryName, parseRoute, type Route } from './oci-names.ts';
import { errorResponse, OciError } from './oci-error.ts';
import { PushGate } from './push-gate.ts';
import type { RegistryParts } from './registry-parts.ts';
import { RepositoryFiles } from './repository-files.ts';
import { serveBlob } from './serve-blobs.ts';
import { getCatalog, getReferrers, getTags } from './serve-lists.ts';
import { bytesOf, findManifest, serveManifest } from './serve-manifests.ts';
import { Uploads } from './uploads.ts';

export type RegistryOptions = {
  /** Everything is kept under this directory. One process at a time. */
  readonly directory: string;
  readonly log: Log;
  /** Default 8 GiB. */
  readonly maxBlobBytes?: number;
  readonly now?: () => number;
};

/** A manifest as stored. */
export type StoredManifest = { readonly digest: string; readonly mediaType: string; readonly bytes: Uint8Array };

export type Registry = {
  /** The OCI distribution API, version 2. */
  readonly handle: HttpHandler;
  /** Path of a blob's file, checked against its digest; undefined when it is not here or damaged. */
  localPath(digest: string): Promise<string | undefined>;
  /** A manifest by tag or digest, without HTTP. */
  localManifest(repository: string, reference: string): Promise<StoredManifest | undefined>;
  /** Remove what nobody names any more. One collection at a time; pushes may go on. */
  collectGarbage(options?: GarbageOptions): Promise<Garbage>;
  close(): Promise<void>;
};

/** Open the registry over its directory. Nothing is served yet: give `handle` to an HTTP server. */
export async function createRegistry(options: RegistryOptions): Promise<Registry> {
  const blobs = await BlobFiles.open(options.directory);
  const repositories = new RepositoryFiles(options.directory);
  const now = options.now ?? Date.now;
  const gate = new PushGate();
  const uploads = new Uploads({ blobs, repositories, gate }, options.maxBlobBytes ?? 8 * 1024 ** 3, now);
  let collecting: Promise<Garbage> = Promise.resolve({ manifests: 0, blobs: 0, bytes: 0 });
  const parts: RegistryParts = { blobs, repositories, uploads, gate };
  return {
    handle: async (request) => {
      try {
        return await answer(parts, request);
      } catch (error) {
        if (error instanceof OciError) return errorResponse(error);
        if (error instanceof BodyTooLarge) return errorResponse(new OciError(413, 'SIZE_INVALID', error.message));
        options.log.error('registry request failed', { method: request.method, path: request.path, error });
        throw error;
      }
    },
    localPath: (digest) => (isDigest(digest) ? blobs.verifiedPath(digest) : Promise.resolve(undefined)),
    localManifest: async (name, reference) => {
      if (!isRepositoryName(name)) return undefined;
      const found = await findManifest(parts, name, reference);
      return found && { digest: found.digest, mediaType: found.mediaType, bytes: await bytesOf(parts, found.digest) };
    },
    collectGarbage: (asked = {}) => {
      collecting = collecting.then(
        () => collectGarbage(parts, now(), asked),
        () => collectGarbage(parts, now(), asked),
      );
      return collecting;
    },
    close: () => uploads.close(),
  };
}

async function answer(parts: RegistryParts, request: HttpRequest): Promise<HttpResponse> {
  const url = new URL(request.path, 'http://registry');
  const route = parseRoute(url.pathname);
  if (!route) throw new OciError(404, 'UNSUPPORTED', `nothing is served at ${url.pathname.slice(0, 200)}`);
  if ('name' in route && !isRepositoryName(route.name)) {
    throw new OciError(400, 'NAME_INVALID', 'a repository name has lower-case letters, digits, ".", "_", "-" and "/"');
  }
  const verb = request.method === 'HEAD' ? 'GET' : request.method;
  const response = await dispatch(parts, route, verb, url.searchParams, request);
  if (response) return response;
  throw new OciError(405, 'UNSUPPORTED', `${request.method} is not supported on this path`);
}

async function dispatch(
  parts: RegistryParts,
  route: Route,
  verb: string,
  query: URLSearchParams,
  request: HttpRequest,
): Promise<HttpResponse | undefined> {
  switch (route.kind) {
    case 'base':
      return verb === 'GET' ? jsonResponse(200, {}, { 'docker-distribution-api-version': 'registry/2.0' }) : undefined;
    case 'catalog':
      return verb === 'GET' ? getCatalog(parts, query) : undefined;
    case 'tags':
      return verb === 'GET' ? getTags(parts, route.name, query) : undefined;
    case 'referrers':
      return verb === 'GET' ? getReferrers(parts, route.name, route.digest, query) : undefined;
    case 'blob':
      return serveBlob(parts, route, verb, request);
    case 'manifest':
      return serveManifest(parts, route, verb, request);
    case 'uploads':
      return verb === 'POST' ? parts.uploads.start(route.name, query, request) : undefined;
    case 'upload':
      return serveUpload(parts.uploads, route, verb, { query, request });
    default:
      return route satisfies never;
  }
}

async function serveUpload(
  uploads: Uploads,
  route: { readonly name: string; readonly session: string },
  verb: string,
  { query, request }: { readonly query: URLSearchParams; readonly request: HttpRequest },
): Promise<HttpResponse | undefined> {
  if (verb === 'PATCH') return uploads.append(route.name, route.session, request);
  if (verb === 'PUT') return uploads.finish(route.name, route.session, query, request);
  if (verb === 'GET') return uploads.progress(route.name, route.session);
  return verb === 'DELETE' ? uploads.cancel(route.name, route.session) : undefined;
}
