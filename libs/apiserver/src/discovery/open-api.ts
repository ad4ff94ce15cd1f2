import { createHash } from 'node:crypto';
import type { HttpResponse } from '@sluice/runtime';
import { json, jsonText } from '../http/respond.ts';
import type { KindRegistry } from '../registry/kind-registry.ts';
import { openApiDocument, openApiIndex } from '../openapi/document.ts';

/** `/openapi/v3` and its documents, kept until the kinds change. */
export class OpenApi {
  readonly #registry: KindRegistry;
  #revision = -1;
  #index: unknown;
  #documents = new Map<string, { readonly text: string; readonly etag: string } | undefined>();

  constructor(registry: KindRegistry) {
    this.#registry = registry;
  }

  index(): HttpResponse {
    this.#refresh();
    this.#index ??= openApiIndex(this.#registry.all, hashOf);
    return json(200, this.#index);
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
    this.#documents = new Map();
  }
}

function hashOf(text: string): string {
  return createHash('sha512').update(text).digest('hex').toUpperCase();
}
