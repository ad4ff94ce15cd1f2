import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HttpHandler, HttpResponse } from './http.ts';

export type HttpServerOptions = {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Called with what a handler threw; the client gets a bare 500. */
  readonly onError?: (error: unknown) => void;
};

export type HttpServer = {
  /** `http://127.0.0.1:8080`, without a trailing slash. */
  readonly url: string;
  readonly port: number;
  /** The Node server, for protocol upgrades. */
  readonly server: Server;
  /** Stop listening, let open requests end for `graceMs`, then cut them. */
  close(graceMs?: number): Promise<void>;
};

/** The port is taken or may not be opened. `message` is meant for people and names the address. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/** Serve a handler over HTTP/1.1 or HTTPS. Throws {@link ListenError} when the address cannot be had. */
export async function serveHttp(handler: HttpHandler, options: HttpServerOptions): Promise<HttpServer> {
  const listener = (message: IncomingMessage, response: ServerResponse): void => {
    void answer(handler, message, response, options.onError);
  };
  const server = await createServer(options, listener);
  server.keepAliveTimeout = 65_000;
  server.requestTimeout = 0;
  server.headersTimeout = 30_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(new ListenError(listenMessage(error, options), { cause: error })),
    );
    server.listen(options.port, options.host, () => resolve());
  });
  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: `${options.tls ? 'https' : 'http'}://${host}:${port}`,
    port,
    server,
    close: (graceMs = 2_000) =>
      new Promise<void>((resolve) => {
        const cut = setTimeout(() => server.closeAllConnections(), graceMs);
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

/** The modules are loaded here: a program that only asks others is not to wait for them. */
async function createServer(
  { tls }: HttpServerOptions,
  listener: (message: IncomingMessage, response: ServerResponse) => void,
): Promise<Server> {
  if (!tls) return (await import('node:http')).createServer(listener);
  return (await import('node:https')).createServer({ ...tls }, listener);
}

function listenMessage(error: NodeJS.ErrnoException, { host, port }: HttpServerOptions): string {
  if (error.code === 'EADDRINUSE')
    return `port ${port} on ${host} is already taken; stop what listens there or choose another port`;
  if (error.code === 'EACCES') return `port ${port} on ${host} may not be opened by this user; choose one above 1023`;
  return `cannot listen on ${host}:${port}: ${error.message}`;
}

async function answer(
  handler: HttpHandler,
  message: IncomingMessage,
  response: ServerResponse,
  onError: HttpServerOptions['onError'],
): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  try {
    const method = message.method ?? 'GET';
    const request = { method, path: message.url ?? '/', headers: headersOf(message), signal: gone.signal };
    const hasBody = method !== 'GET' && method !== 'HEAD';
    const body = message.iterator({ destroyOnReturn: false });
    const answered = await handler(hasBody ? { ...request, body } : request);
    // A body that nobody read to its end would be taken for the next request: the connection ends with the answer.
    const headers = message.complete ? answered.headers : { ...answered.headers, connection: 'close' };
    await send(response, { ...answered, headers }, method === 'HEAD');
    if (message.complete) message.resume();
  } catch (error) {
    if (!gone.signal.aborted) onError?.(error);
    if (response.headersSent) response.destroy();
    else response.writeHead(500, { 'content-type': 'text/plain' }).end('internal error\n');
  }
}

async function send(response: ServerResponse, { status, headers, body }: HttpResponse, head: boolean): Promise<void> {
  response.writeHead(status, headers);
  if (body === undefined || head) return void response.end();
  if (typeof body === 'string' || body instanceof Uint8Array) return void response.end(body);
  response.flushHeaders();
  for await (const chunk of body) {
    if (response.destroyed) break;
    if (!response.write(chunk)) await drained(response);
  }
  response.end();
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

function headersOf(message: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}
