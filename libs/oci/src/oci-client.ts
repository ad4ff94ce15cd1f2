import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { formatProblems } from '@sluice/model';
import { bodyOf, digestOf, mediaTypes, type Content, type Descriptor, type Manifest } from './content.ts';
import { OciClientError } from './oci-client-error.ts';
import { OciHttp, type OciHttpOptions, type OciRequest } from './oci-http.ts';
import { formatReference, parseReference, type Reference } from './reference.ts';

/** What a reference stands for right now. */
export type Resolved = {
  readonly reference: Reference;
  readonly digest: string;
  readonly manifest: Manifest;
};

export type PushOptions = { readonly signal?: AbortSignal };

/** Talks to OCI registries. Every call is bounded in time and attempts, and checks digests. */
export type OciClient = {
  /** Manifest and digest of a reference (digest before tag; tag `latest` when neither is given). Indexes are followed. */
  resolve(reference: string, options?: PushOptions): Promise<Resolved>;
  /** A blob in memory; refused beyond `maxBytes`. */
  pullBlob(
    repository: string,
    descriptor: Descriptor,
    options: PushOptions & { readonly maxBytes: number },
  ): Promise<Uint8Array>;
  /** A blob into a file, which appears only when it is whole. */
  downloadBlob(
    repository: string,
    descriptor: Descriptor,
    options: PushOptions & { readonly path: string; readonly maxBytes: number },
  ): Promise<void>;
  /** All tags, at most 100,000. */
  listTags(repository: string, options?: PushOptions): Promise<readonly string[]>;
  /** Upload a blob unless the repository has it. True when bytes were sent. */
  pushBlob(repository: string, content: Content, options?: PushOptions): Promise<boolean>;
  /** Upload a manifest under its digest, and under the reference's tag when it has one. Returns the digest. */
  pushManifest(reference: string, manifest: Manifest, options?: PushOptions): Promise<string>;
};

const maxManifestBytes = 4 * 1024 * 1024;
const maxTags = 100_000;
const acceptManifests = [
  mediaTypes.imageManifest,
  mediaTypes.imageIndex,
  mediaTypes.dockerManifest,
  mediaTypes.dockerList,
].join(', ');

/** A client. It keeps nothing but tokens. */
export function createOciClient(options: OciHttpOptions = {}): OciClient {
  const http = new OciHttp(options);
  return {
    resolve: (reference, { signal } = {}) => resolve(http, mustParse(reference), signal),
    pullBlob: (repository, descriptor, { maxBytes, signal }) =>
      pullBlob(http, { repository: mustParse(repository), descriptor, maxBytes }, signal),
    downloadBlob: (repository, descriptor, { path, maxBytes, signal }) =>
      downloadBlob(http, { repository: mustParse(repository), descriptor, maxBytes }, path, signal),
    listTags: (repository, { signal } = {}) => listTags(http, mustParse(repository), signal),
    pushBlob: (repository, content, { signal } = {}) => pushBlob(http, mustParse(repository), content, signal),
    pushManifest: (reference, manifest, { signal } = {}) => pushManifest(http, mustParse(reference), manifest, signal),
  };
}

function mustParse(text: string): Reference {
  const parsed = parseReference(text);
  if (parsed.ok) return parsed.value;
  throw new OciClientError('BadReference', formatProblems(parsed.problems));
}

type Asked = Pick<OciRequest, 'method' | 'doing'> & Partial<OciRequest>;

function ask(http: OciHttp, { host, repository }: Reference, path: string, asked: Asked): Promise<Response> {
  return http.send({ host, repository, path: `/v2/${repository}/${path}`, ...asked });
}

function withSignal(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal ? { signal } : {};
}

async function resolve(http: OciHttp, reference: Reference, signal?: AbortSignal, depth = 0): Promise<Resolved> {
  const wanted = reference.digest ?? reference.tag ?? 'latest';
  const doing = `read the manifest of ${formatReference(reference)}`;
  const response = await ask(http, reference, `manifests/${wanted}`, {
    method: 'GET',
    headers: { accept: acceptManifests },
    doing,
    ...withSignal(signal),
  });
  await expectStatus(response, [200], doing);
  const bytes = await bytesOf(response, maxManifestBytes, doing);
  const digest = digestOf(bytes);
  const claimed = reference.digest ?? response.headers.get('docker-content-digest') ?? digest;
  if (claimed !== digest) throw mismatch(doing, claimed, digest);
  const manifest = parseManifest(bytes, doing);
  if ('manifests' in manifest) {
    if (depth > 0) throw new OciClientError('Refused', `cannot ${doing}: an index inside an index is not supported`);
    return resolve(http, { ...reference, digest: pickPlatform(manifest.manifests, doing).digest }, signal, depth + 1);
  }
  return { reference, digest, manifest };
}

function parseManifest(bytes: Uint8Array, doing: string): Manifest | { readonly manifests: readonly Descriptor[] } {
  try {
    const value = JSON.parse(Buffer.from(bytes).toString('utf8')) as Partial<Manifest> & { manifests?: Descriptor[] };
    if (Array.isArray(value.manifests)) return { manifests: value.manifests };
    if (isDescriptor(value.config) && Array.isArray(value.layers) && value.layers.every(isDescriptor))
      return value as Manifest;
  } catch {
    // Said below: not being JSON is one way of not being a manifest.
  }
  throw new OciClientError('Refused', `cannot ${doing}: what the registry sent is not an image manifest`);
}

function isDescriptor(value: unknown): value is Descriptor {
  const { digest, size, mediaType } = (value ?? {}) as Partial<Descriptor>;
  const sized = typeof size === 'number' && Number.isSafeInteger(size) && size >= 0;
  return typeof mediaType === 'string' && typeof digest === 'string' && /^sha256:[0-9a-f]{64}$/.test(digest) && sized;
}

function pickPlatform(manifests: readonly Descriptor[], doing: string): Descriptor {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const fits = (entry: Descriptor): boolean =>
    entry.platform?.os === 'linux' && entry.platform.architecture === architecture;
  const found = manifests.find(fits) ?? (manifests.length === 1 ? manifests[0] : undefined);
  if (found && isDescriptor(found)) return found;
  throw new OciClientError('NotFound', `cannot ${doing}: the index has nothing for linux/${architecture}`);
}

type BlobRequest = { readonly repository: Reference; readonly descriptor: Descriptor; readonly maxBytes: number };

async function openBlob(http: OciHttp, { repository, descriptor, maxBytes }: BlobRequest, signal?: AbortSignal) {
  const doing = `pull ${descriptor.digest} from ${formatReference(repository)}`;
  if (descriptor.size > maxBytes) throw tooLarge(doing, maxBytes);
  const asked = { method: 'GET', doing, long: true, ...withSignal(signal) };
  const response = await ask(http, repository, `blobs/${descriptor.digest}`, asked);
  await expectStatus(response, [200], doing);
  return { response, doing };
}

async function pullBlob(http: OciHttp, request: BlobRequest, signal?: AbortSignal): Promise<Uint8Array> {
  const { response, doing } = await openBlob(http, request, signal);
  const bytes = await bytesOf(response, request.maxBytes, doing);
  const digest = digestOf(bytes);
  if (digest !== request.descriptor.digest) throw mismatch(doing, request.descriptor.digest, digest);
  return bytes;
}

async function downloadBlob(http: OciHttp, request: BlobRequest, path: string, signal?: AbortSignal): Promise<void> {
  const { response, doing } = await openBlob(http, request, signal);
  const hash = createHash('sha256');
  const temporary = `${path}.${process.pid}.${Math.trunc(performance.now() * 1_000)}.part`;
  try {
    const source = hashed(response, hash, request.maxBytes, doing);
    await pipeline(source, createWriteStream(temporary, { flags: 'wx', flush: true }));
    const digest = `sha256:${hash.digest('hex')}`;
    if (digest !== request.descriptor.digest) throw mismatch(doing, request.descriptor.digest, digest);
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}

async function* hashed(
  response: Response,
  hash: ReturnType<typeof createHash>,
  maxBytes: number,
  doing: string,
): AsyncGenerator<Uint8Array> {
  let length = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > maxBytes) throw tooLarge(doing, maxBytes);
    hash.update(chunk);
    yield chunk;
  }
}

async function bytesOf(response: Response, maxBytes: number, doing: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const hash = createHash('sha256');
  try {
    for await (const chunk of hashed(response, hash, maxBytes, doing)) chunks.push(chunk);
  } catch (error) {
    if (error instanceof OciClientError) throw error;
    throw new OciClientError('Unavailable', `cannot ${doing}: the connection broke off`, { cause: error });
  }
  return Buffer.concat(chunks);
}

async function listTags(http: OciHttp, reference: Reference, signal?: AbortSignal): Promise<readonly string[]> {
  const doing = `list the tags of ${formatReference({ host: reference.host, repository: reference.repository })}`;
  const tags: string[] = [];
  let path: string | undefined = 'tags/list?n=1000';
  while (path !== undefined && tags.length < maxTags) {
    const response: Response = await ask(http, reference, path, { method: 'GET', doing, ...withSignal(signal) });
    await expectStatus(response, [200], doing);
    const text = Buffer.from(await bytesOf(response, maxManifestBytes, doing)).toString('utf8');
    const page = (JSON.parse(text) as { tags?: unknown }).tags;
    if (Array.isArray(page)) tags.push(...page.filter((tag) => typeof tag === 'string'));
    const next = /<([^>]+)>;\s*rel="?next"?/.exec(response.headers.get('link') ?? '')?.[1];
    path = next && `tags/list${new URL(next, 'http://registry').search}`;
  }
  return tags;
}

async function pushBlob(http: OciHttp, reference: Reference, content: Content, signal?: AbortSignal): Promise<boolean> {
  const { digest, size } = content.descriptor;
  const { host, repository } = reference;
  const doing = `push ${digest} to ${host}/${repository}`;
  const asked = { push: true, doing, ...withSignal(signal) };
  const head = await ask(http, reference, `blobs/${digest}`, { ...asked, method: 'HEAD' });
  if (head.status === 200) return false;
  const start = await ask(http, reference, 'blobs/uploads/', {
    ...asked,
    method: 'POST',
    headers: { 'content-length': '0' },
  });
  await expectStatus(start, [202], doing);
  await start.body?.cancel();
  const location = start.headers.get('location');
  if (!location) throw new OciClientError('Refused', `cannot ${doing}: the registry gave no upload location`);
  const url = new URL(location, http.origin(host));
  url.searchParams.set('digest', digest);
  const end = await http.send({
    ...asked,
    method: 'PUT',
    host,
    repository,
    path: url.href,
    headers: { 'content-type': 'application/octet-stream', 'content-length': String(size) },
    body: () => bodyOf(content),
    long: true,
  });
  await expectStatus(end, [201], doing);
  await end.body?.cancel();
  return true;
}

async function pushManifest(
  http: OciHttp,
  reference: Reference,
  manifest: Manifest,
  signal?: AbortSignal,
): Promise<string> {
  const bytes = Buffer.from(JSON.stringify(manifest));
  const digest = digestOf(bytes);
  const doing = `push the manifest of ${formatReference(reference)}`;
  if (reference.digest && reference.digest !== digest) throw mismatch(doing, reference.digest, digest);
  const response = await ask(http, reference, `manifests/${reference.tag ?? digest}`, {
    method: 'PUT',
    push: true,
    headers: { 'content-type': manifest.mediaType },
    body: () => Promise.resolve(bytes),
    doing,
    ...withSignal(signal),
  });
  await expectStatus(response, [201], doing);
  await response.body?.cancel();
  return digest;
}

async function expectStatus(response: Response, wanted: readonly number[], doing: string): Promise<void> {
  if (wanted.includes(response.status)) return;
  const said = (await response.text().catch(() => '')).slice(0, 300);
  if (response.status === 404) throw new OciClientError('NotFound', `cannot ${doing}: it is not in the registry`);
  if (response.status === 403)
    throw new OciClientError(
      'Denied',
      `cannot ${doing}: the registry forbids it; check the permissions of the account`,
    );
  throw new OciClientError(
    'Refused',
    `cannot ${doing}: the registry answered ${response.status}${said ? ` ${said}` : ''}`,
  );
}

function mismatch(doing: string, wanted: string, actual: string): OciClientError {
  return new OciClientError('DigestMismatch', `cannot ${doing}: the content has digest ${actual}, not ${wanted}`);
}

function tooLarge(doing: string, maxBytes: number): OciClientError {
  return new OciClientError('TooLarge', `cannot ${doing}: it is larger than ${maxBytes} bytes`);
}
