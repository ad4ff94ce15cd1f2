import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type S3Keys, signatureProblem } from './s3-signature.ts';

/** A store that speaks the S3 protocol over HTTP, path style, in memory. Requests must be signed. */
export type S3Server = {
  /** `127.0.0.1:port`. */
  readonly endpoint: string;
  readonly port: number;
  readonly buckets: ReadonlyMap<string, Map<string, Buffer>>;
  /** Method and path of each request, in order. */
  readonly requests: readonly string[];
  createBucket(name: string): void;
  /** Answer the next requests with this status. */
  failNext(count: number, status: number): void;
  close(): Promise<void>;
};

type Answer = { readonly status: number; readonly body?: string | Buffer; readonly headers?: Record<string, string> };
type Asked = {
  readonly request: IncomingMessage;
  readonly bucket: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly body: Buffer;
};

/** Start the store on a free loopback port. */
export async function startS3Server(keys: S3Keys, options: { readonly pageSize?: number } = {}): Promise<S3Server> {
  const state = new S3State(options.pageSize ?? 1_000);
  const failing = { count: 0, status: 500 };
  const requests: string[] = [];
  const server = createServer((request, response) => {
    void readAll(request).then((body) => {
      requests.push(`${request.method} ${request.url}`);
      if (failing.count > 0) {
        failing.count--;
        return send(response, failure(failing.status, failing.status === 503 ? 'SlowDown' : 'InternalError'));
      }
      const problem = signatureProblem(request, body, keys);
      if (problem !== undefined) return send(response, failure(403, problem));
      const url = new URL(request.url ?? '/', 'http://s3');
      const [bucket = '', ...rest] = url.pathname.slice(1).split('/').map(decodeURIComponent);
      return send(response, state.answer({ request, bucket, key: rest.join('/'), query: url.searchParams, body }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `127.0.0.1:${port}`,
    port,
    buckets: state.buckets,
    requests,
    createBucket: (name) => void state.buckets.set(name, new Map()),
    failNext: (count, status) => Object.assign(failing, { count, status }),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

class S3State {
  readonly buckets = new Map<string, Map<string, Buffer>>();
  readonly #uploads = new Map<string, Map<number, Buffer>>();
  readonly #pageSize: number;
  constructor(pageSize: number) {
    this.#pageSize = pageSize;
  }

  answer(asked: Asked): Answer {
    const { request, bucket, key } = asked;
    if (key === '' && request.method === 'PUT') return this.#create(bucket);
    const objects = this.buckets.get(bucket);
    if (!objects) return failure(404, 'NoSuchBucket');
    if (key === '') return request.method === 'HEAD' ? { status: 200 } : this.#list(objects, asked.query);
    if (asked.query.has('uploads') || asked.query.has('uploadId')) return this.#multipart(objects, asked);
    if (request.method === 'PUT') {
      objects.set(key, asked.body);
      return { status: 200, headers: { etag: etag(asked.body) } };
    }
    if (request.method === 'DELETE') {
      objects.delete(key);
      return { status: 204 };
    }
    const found = objects.get(key);
    return found ? { status: 200, body: found, headers: { etag: etag(found) } } : failure(404, 'NoSuchKey');
  }

  #create(bucket: string): Answer {
    if (this.buckets.has(bucket)) return failure(409, 'BucketAlreadyOwnedByYou');
    this.buckets.set(bucket, new Map());
    return { status: 200 };
  }

  #list(objects: ReadonlyMap<string, Buffer>, query: URLSearchParams): Answer {
    const prefix = query.get('prefix') ?? '';
    const after = query.get('continuation-token') ?? '';
    const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).toSorted();
    const page = keys.slice(0, this.#pageSize);
    const more = keys.length > page.length;
    const contents = page.map((key) => `<Contents><Key>${escape(key)}</Key><Size>1</Size></Contents>`).join('');
    const next = more ? `<NextContinuationToken>${escape(page.at(-1) ?? '')}</NextContinuationToken>` : '';
    const body = `<ListBucketResult><IsTruncated>${more}</IsTruncated>${next}${contents}</ListBucketResult>`;
    return { status: 200, body: xml(body) };
  }

  #multipart(objects: Map<string, Buffer>, { request, key, query, body }: Asked): Answer {
    const id = query.get('uploadId') ?? randomUUID();
    const parts = this.#uploads.get(id);
    if (query.has('uploads')) {
      this.#uploads.set(id, new Map());
      return {
        status: 200,
        body: xml(`<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`),
      };
    }
    if (!parts) return failure(404, 'NoSuchUpload');
    if (request.method === 'PUT') {
      parts.set(Number(query.get('partNumber')), body);
      return { status: 200, headers: { etag: etag(body) } };
    }
    this.#uploads.delete(id);
    if (request.method === 'DELETE') return { status: 204 };
    const ordered = [...parts].toSorted(([a], [b]) => a - b).map(([, part]) => part);
    objects.set(key, Buffer.concat(ordered));
    return { status: 200, body: xml(`<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>`) };
  }
}

function failure(status: number, code: string): Answer {
  return { status, body: xml(`<Error><Code>${code}</Code><Message>${code}</Message></Error>`) };
}

function xml(body: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>${body}`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function etag(body: Buffer): string {
  return `"${createHash('md5').update(body).digest('hex')}"`;
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function send(response: ServerResponse, { status, body = '', headers = {} }: Answer): void {
  response.writeHead(status, { 'content-length': String(Buffer.byteLength(body)), ...headers });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}
