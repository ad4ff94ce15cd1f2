/**
 * A request and a response as values. Routes are functions from one to the other; `node:http` is adapted once, in
 * {@link serveHttp}; in-process callers pass the values directly.
 */
export type HttpRequest = {
  readonly method: string;
  /** Path with the query, as sent: `/api/v1/pods?limit=1`. */
  readonly path: string;
  /** Header names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string | AsyncIterable<Uint8Array>;
  /** Fires when the client has gone. */
  readonly signal?: AbortSignal;
};

export type HttpResponse = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string | AsyncIterable<Uint8Array>;
};

export type HttpHandler = (request: HttpRequest) => Promise<HttpResponse>;

/** Thrown by {@link readBody} when a body is longer than the cap. */
export class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge';
}

/** Collect a body of at most `maxBytes`; throws {@link BodyTooLarge} beyond that, without reading the rest. */
export async function readBody(body: HttpRequest['body'], maxBytes: number): Promise<Uint8Array> {
  if (body === undefined) return new Uint8Array();
  if (typeof body === 'string') return capped(new TextEncoder().encode(body), maxBytes);
  if (body instanceof Uint8Array) return capped(body, maxBytes);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxBytes) throw new BodyTooLarge(`the body is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
}

function capped(bytes: Uint8Array, maxBytes: number): Uint8Array {
  if (bytes.length > maxBytes) throw new BodyTooLarge(`the body is longer than ${maxBytes} bytes`);
  return bytes;
}

/** A response with a JSON body. */
export function jsonResponse(status: number, value: unknown, headers: Record<string, string> = {}): HttpResponse {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(value) };
}
