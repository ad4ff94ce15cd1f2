import type { HttpHandler, HttpRequest, HttpResponse } from '@sluice/runtime';
import type { Pool } from 'undici';

/** How to reach an API server, and as whom. */
export type ClusterAccess = {
  /** `https://host:port`, with a path prefix where a proxy needs one. */
  readonly server: string;
  /** PEM bundle that the server's certificate must come from; the system's authorities by default. */
  readonly ca?: string | Uint8Array;
  /** PEM client certificate and key. */
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  /** Name that the certificate is checked against, when it is not the host of `server`. */
  readonly servername?: string;
  readonly insecureSkipTlsVerify?: boolean;
  /** Bearer token. */
  readonly token?: string;
  /** Further headers of each request, such as a token that changes. Called before each request: cache inside. */
  readonly headers?: () => Promise<Readonly<Record<string, string>>>;
  /** Namespace that the context names. */
  readonly namespace?: string;
};

export type HttpTransport = HttpHandler & {
  /** Cut all connections. */
  close(): Promise<void>;
};

const maxRequestConnections = 64;
const maxStreamConnections = 1_024;

/**
 * A transport over HTTP/1.1 connections that are kept. Watches and followed logs have connections of their own, so that
 * they never keep requests waiting. Over plain http no credentials are sent.
 */
export function httpTransport(access: ClusterAccess): HttpTransport {
  const { origin, protocol, pathname } = new URL(access.server);
  if (protocol !== 'https:' && protocol !== 'http:') {
    throw new Error(`API server ${access.server}: the address must begin with https:// or http://`);
  }
  const prefix = pathname.replace(/\/+$/, '');
  const connect = {
    timeout: 10_000,
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
    ...(access.ca !== undefined && { ca: toPem(access.ca) }),
    ...(access.cert !== undefined && { cert: toPem(access.cert) }),
    ...(access.key !== undefined && { key: toPem(access.key) }),
    ...(access.servername !== undefined && { servername: access.servername }),
    ...(access.insecureSkipTlsVerify && { rejectUnauthorized: false }),
  };
  // Loaded with the first request: it takes longer than the whole rest of a program that asks nothing.
  let pools: Promise<Pools> | undefined;
  let closed = false;
  const token = access.token && protocol === 'https:' ? { authorization: `Bearer ${access.token}` } : {};

  async function transport(request: HttpRequest): Promise<HttpResponse> {
    if (closed) throw new Error(`the connection to ${access.server} is closed`);
    const { requests, streams } = await (pools ??= openPools(origin, connect));
    const pool = isStream(request.path) ? streams : requests;
    const more = protocol === 'https:' && access.headers ? await access.headers() : {};
    const { body } = request;
    if (body !== undefined && typeof body !== 'string' && !(body instanceof Uint8Array)) {
      throw new Error('streamed request bodies are not supported by the API transport');
    }
    const response = await pool.request({
      path: prefix + request.path,
      method: request.method as 'GET',
      headers: { 'user-agent': 'sluice', ...request.headers, ...token, ...more },
      body: body ?? null,
      signal: request.signal ?? null,
      headersTimeout: 60_000,
    });
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(response.headers)) {
      if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
    }
    return { status: response.statusCode, headers, body: response.body };
  }

  return Object.assign(transport, {
    async close(): Promise<void> {
      closed = true;
      const open = await pools;
      await Promise.all([open?.requests.destroy(), open?.streams.destroy()]);
    },
  });
}

type Pools = { readonly requests: Pool; readonly streams: Pool };

async function openPools(origin: string, connect: Pool.Options['connect'] & object): Promise<Pools> {
  const undici = await import('undici');
  return {
    requests: new undici.Pool(origin, { connect, connections: maxRequestConnections, bodyTimeout: 60_000 }),
    streams: new undici.Pool(origin, { connect, connections: maxStreamConnections, bodyTimeout: 0 }),
  };
}

function isStream(path: string): boolean {
  return /[?&](?:watch|follow)=true(?:&|$)/.test(path);
}

function toPem(value: string | Uint8Array): string {
  return typeof value === 'string' ? value : Buffer.from(value).toString('utf8');
}
