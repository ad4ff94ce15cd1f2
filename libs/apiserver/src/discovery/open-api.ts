import { createHash } from 'node:crypto';
import type { HttpResponse } from '@sluice/runtime';
import { json, jsonText } from '../http/respond.ts';
import type { KindRegistry } from '../registry/kind-registry.ts';
import { StatusError } from '../http/status-error.ts';
import { legacyDocument } from '../openapi/legacy-document.ts';
import { openApiDocument, openApiIndex } from '../openapi/document.ts';

/** What answers say; clients ask with `@` in place of the dot before the version, which is no media type. */
const legacyType = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

/** `/openapi/v3` and its documents, kept until the kinds change. */
export class OpenApi {
  readonly #registry: KindRegistry;
  #revision = -1;
  #index: unknown;
  #legacy: Uint8Array | undefined;
  #documents = new Map<string, { readonly text: string; readonly etag: string } | undefined>();

  constructor(registry: KindRegistry) {
    this.#registry = registry;
  }

  index(): HttpResponse {
    this.#refresh();
    this.#index ??= openApiIndex(this.#registry.all, hashOf);
    return json(200, this.#index);
  }

  /** `/openapi/v2`, which is only to be had as protobuf. */
  legacy(accept: string): HttpResponse {
    if (!accept.replaceAll('@', '.').includes(legacyType) && !accept.includes('*/*'))
      throw new StatusError(406, 'NotAcceptable', `only the following media types are accepted: ${legacyType}`);
    this.#refresh();
    this.#legacy ??= legacyDocument(this.#registry.all);
    return { status: 200, headers: { 'content-type': legacyType, vary: 'Accept' }, body: this.#legacy };
  }

  /** `path` is `api/v1` or `apis/apps/v1`; undefined when nothing is served there. */
  document(path: string, ifNoneMatch: string | undefined): HttpResponse | undefined {
    this.#refresh();
    if (!this.#documents.has(path)) this.#documents.set(path, this.#make(path));
    const made = this.#documents.get(path);
    if (!made) return undefined;
    const headers = { etag: made.etag, 'cache-control': 'public, max-age=31536000', vary: 'Accept' };
    if (ifNoneMatch === made.etag) return { status: 304, headers };
    const response = jsonText(200, made.text);
    return { ...response, headers: { ...response.headers, ...headers } };
  }

  #make(path: string): { text: string; etag: string } | undefined {
    const groupVersion = path === 'api/v1' ? 'v1' : path.replace(/^apis\//, '');
    const document = openApiDocument(groupVersion, this.#registry.all);
    if (!document) return undefined;
    const text = JSON.stringify(document);
    return { text, etag: `"${hashOf(text)}"` };
  }

  #refresh(): void {
    if (this.#revision === this.#registry.revision) return;
    this.#revision = this.#registry.revision;
    this.#index = undefined;
    this.#legacy = undefined;
    this.#documents = new Map();
  }
}

function hashOf(text: string): string {
  return createHash('sha512').update(text).digest('hex').toUpperCase();
}
