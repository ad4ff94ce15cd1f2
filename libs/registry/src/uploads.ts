import { randomUUID } from 'node:crypto';
import type { HttpRequest, HttpResponse } from '@sluice/runtime';
import type { BlobFiles, Upload } from './blob-files.ts';
import { algorithmOf, digestForm, isDigest, isRepositoryName } from './oci-names.ts';
import { OciError } from './oci-error.ts';
import type { PushGate } from './push-gate.ts';
import type { RepositoryFiles } from './repository-files.ts';

const maxSessions = 256;
const sessionLifeMs = 60 * 60_000;

/** What uploads end in. */
export type UploadParts = {
  readonly blobs: BlobFiles;
  readonly repositories: RepositoryFiles;
  readonly gate: PushGate;
};

type Session = { readonly name: string; readonly upload: Upload; touchedAt: number; busy: boolean };

/** The upload sessions: POST starts, PATCH adds, PUT ends, DELETE gives up. Sessions do not outlive the process. */
export class Uploads {
  readonly #parts: UploadParts;
  readonly #maxBlobBytes: number;
  readonly #now: () => number;
  readonly #sessions = new Map<string, Session>();

  constructor(parts: UploadParts, maxBlobBytes: number, now: () => number) {
    this.#parts = parts;
    this.#maxBlobBytes = maxBlobBytes;
    this.#now = now;
  }

  /** `POST /v2/<name>/blobs/uploads/`: a mount, a whole blob with `?digest=`, or a new session. */
  async start(name: string, query: URLSearchParams, request: HttpRequest): Promise<HttpResponse> {
    const mounted = await this.#mount(name, query);
    if (mounted) return mounted;
    await this.#expire();
    if (this.#sessions.size >= maxSessions) {
      throw new OciError(429, 'TOOMANYREQUESTS', `${maxSessions} uploads are open; finish or cancel some first`);
    }
    const id = randomUUID();
    this.#sessions.set(id, {
      name,
      upload: await this.#parts.blobs.startUpload(),
      touchedAt: this.#now(),
      busy: false,
    });
    if (query.has('digest')) return this.finish(name, id, query, request);
    return { status: 202, headers: this.#progress(name, id, 0) };
  }

  /** `PATCH …/uploads/<session>`: one more chunk, in order. */
  async append(name: string, id: string, request: HttpRequest): Promise<HttpResponse> {
    return this.#locked(name, id, async ({ upload }) => {
      await this.#receive(upload, request);
      return { status: 202, headers: this.#progress(name, id, upload.size) };
    });
  }

  /** `PUT …/uploads/<session>?digest=`: the last chunk, then the digest is checked. */
  async finish(name: string, id: string, query: URLSearchParams, request: HttpRequest): Promise<HttpResponse> {
    return this.#locked(name, id, async ({ upload }) => {
      const digest = query.get('digest') ?? '';
      if (!isDigest(digest)) throw new OciError(400, 'DIGEST_INVALID', `digest must be ${digestForm}`);
      await this.#receive(upload, request);
      const actual = await upload.digest(algorithmOf(digest));
      this.#sessions.delete(id);
      if (actual !== digest) {
        await upload.discard();
        throw new OciError(400, 'DIGEST_INVALID', `the content has digest ${actual}, not ${digest}`);
      }
      const { blobs, repositories, gate } = this.#parts;
      await gate.push(name, async () => {
        await blobs.commit(upload, digest);
        await repositories.addBlob(name, digest);
      });
      return created(name, digest);
    });
  }

  /** `GET …/uploads/<session>`. */
  async progress(name: string, id: string): Promise<HttpResponse> {
    return { status: 204, headers: this.#progress(name, id, this.#find(name, id).upload.size) };
  }

  /** `DELETE …/uploads/<session>`. */
  async cancel(name: string, id: string): Promise<HttpResponse> {
    const { upload } = this.#find(name, id);
    this.#sessions.delete(id);
    await upload.discard();
    return { status: 204, headers: {} };
  }

  /** Give up every session. */
  async close(): Promise<void> {
    for (const [id, { upload }] of this.#sessions) {
      this.#sessions.delete(id);
      await upload.discard();
    }
  }

  async #mount(name: string, query: URLSearchParams): Promise<HttpResponse | undefined> {
    const [digest, from] = [query.get('mount'), query.get('from')];
    if (!digest || !from || !isDigest(digest) || !isRepositoryName(from)) return undefined;
    const { blobs, repositories, gate } = this.#parts;
    return gate.push(name, async () => {
      const there = (await repositories.hasBlob(from, digest)) && (await blobs.size(digest)) !== undefined;
      if (!there) return undefined;
      await repositories.addBlob(name, digest);
      return created(name, digest);
    });
  }

  async #receive(upload: Upload, request: HttpRequest): Promise<void> {
    const range = /^(?:bytes[= ])?(\d+)-(\d+)/.exec(request.headers['content-range'] ?? '');
    if (range && Number(range[1]) !== upload.size) {
      throw new OciError(416, 'BLOB_UPLOAD_INVALID', `the next chunk must start at byte ${upload.size}`);
    }
    const before = upload.size;
    for await (const chunk of chunksOf(request.body)) {
      if (upload.size + chunk.length > this.#maxBlobBytes) {
        throw new OciError(413, 'SIZE_INVALID', `a blob may have at most ${this.#maxBlobBytes} bytes`);
      }
      await upload.write(chunk);
    }
    if (range && upload.size - before !== Number(range[2]) - Number(range[1]) + 1) {
      throw new OciError(400, 'SIZE_INVALID', 'the chunk is not as long as its content-range says');
    }
  }

  /** Runs work on a session alone. A refusal ends the session, a lost connection does not: the client asks where to go on. */
  async #locked(name: string, id: string, work: (session: Session) => Promise<HttpResponse>): Promise<HttpResponse> {
    const session = this.#find(name, id);
    if (session.busy) throw new OciError(409, 'BLOB_UPLOAD_INVALID', 'another request writes to this upload');
    session.busy = true;
    try {
      return await work(session);
    } catch (error) {
      const goesOn = error instanceof OciError ? error.status === 416 : !session.upload.broken;
      if (!goesOn && this.#sessions.delete(id)) await session.upload.discard();
      throw error;
    } finally {
      session.busy = false;
      session.touchedAt = this.#now();
    }
  }

  #find(name: string, id: string): Session {
    const session = this.#sessions.get(id);
    if (session?.name === name) return session;
    throw new OciError(404, 'BLOB_UPLOAD_UNKNOWN', 'there is no such upload (any more); start again');
  }

  async #expire(): Promise<void> {
    for (const [id, session] of this.#sessions) {
      if (session.busy || this.#now() - session.touchedAt < sessionLifeMs) continue;
      this.#sessions.delete(id);
      await session.upload.discard();
    }
  }

  #progress(name: string, id: string, size: number): Record<string, string> {
    return {
      location: `/v2/${name}/blobs/uploads/${id}`,
      'docker-upload-uuid': id,
      range: `0-${Math.max(0, size - 1)}`,
      'content-length': '0',
    };
  }
}

function created(name: string, digest: string): HttpResponse {
  const headers = { location: `/v2/${name}/blobs/${digest}`, 'docker-content-digest': digest, 'content-length': '0' };
  return { status: 201, headers };
}

async function* chunksOf(body: HttpRequest['body']): AsyncGenerator<Uint8Array> {
  if (body === undefined) return;
  if (typeof body === 'string') yield new TextEncoder().encode(body);
  else if (body instanceof Uint8Array) yield body;
  else yield* body;
}
