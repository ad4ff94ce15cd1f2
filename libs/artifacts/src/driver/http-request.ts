import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { isIP } from 'node:net';
import { lookup as systemLookup } from 'node:dns';
import type { Readable } from 'node:stream';
import { ArtifactError, textOf } from '../artifact-error.ts';

export type Outgoing = {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent on the first request only, and again to the same origin. */
  readonly credentials: Readonly<Record<string, string>>;
  readonly clientCertificate?: { readonly cert: string; readonly key: string };
  readonly body?: { readonly stream: () => Readable; readonly length: number } | { readonly text: string };
  /** Take any certificate. */
  readonly insecure?: boolean;
  readonly resolveHost: (host: string) => string | undefined;
  readonly signal: AbortSignal;
};

const maxRedirects = 5;
const idleTimeoutMs = 60_000;
const transientStatus: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Send a request and follow redirects; credentials stay with the origin that they are for. Throws {@link ArtifactError}. */
export async function sendRequest(outgoing: Outgoing): Promise<IncomingMessage> {
  let url = outgoing.url;
  for (let redirects = 0; ; redirects++) {
    const response = await once(outgoing, url);
    const status = response.statusCode ?? 0;
    const { location } = response.headers;
    if (status < 300 || status >= 400 || location === undefined) return response;
    response.resume();
    if (redirects === maxRedirects)
      throw new ArtifactError('refused', `${shown(url)}: more than ${maxRedirects} redirects`);
    if (!URL.canParse(location, url.href)) throw new ArtifactError('refused', `${shown(url)}: redirects to no URL`);
    url = new URL(location, url);
  }
}

/** Throws for an answer that is not 2xx. */
export function checkStatus(response: IncomingMessage, url: URL): void {
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) return;
  response.resume();
  const kind = status === 404 || status === 410 ? 'missing' : transientStatus.has(status) ? 'transient' : 'refused';
  throw new ArtifactError(kind, `${shown(url)}: the server answered ${status} ${response.statusMessage ?? ''}`.trim());
}

/** A URL without its query and credentials: those may be secret. */
export function shown(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}

function once(outgoing: Outgoing, url: URL): Promise<IncomingMessage> {
  const { method, headers, credentials, clientCertificate, body, resolveHost, signal } = outgoing;
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new ArtifactError('refused', `${shown(url)}: only http and https are fetched`);
  const sameOrigin = url.origin === outgoing.url.origin;
  const length = body && ('text' in body ? Buffer.byteLength(body.text) : body.length);
  const options = {
    method,
    headers: {
      'user-agent': 'sluice',
      ...(length === undefined ? {} : { 'content-length': String(length) }),
      ...headers,
      ...(sameOrigin ? credentials : {}),
    },
    lookup: lookupWith(resolveHost),
    timeout: idleTimeoutMs,
    signal,
    ...(outgoing.insecure && sameOrigin ? { rejectUnauthorized: false } : {}),
    ...(clientCertificate && sameOrigin ? clientCertificate : {}),
  };
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request: ClientRequest = send(url, options, resolve);
    request.once('timeout', () => request.destroy(new Error(`no answer for ${idleTimeoutMs / 1_000} s`)));
    request.once('error', (error) =>
      reject(
        signal.aborted
          ? signal.reason
          : new ArtifactError('transient', `${shown(url)}: ${textOf(error)}`, { cause: error }),
      ),
    );
    if (!body) request.end();
    else if ('text' in body) request.end(body.text);
    else {
      const stream = body.stream();
      stream.once('error', (error) => request.destroy(error));
      stream.pipe(request);
    }
  });
}

/** Names of the cluster first, then the system. */
export function lookupWith(resolveHost: (host: string) => string | undefined): LookupFunction {
  return (host, options, done) => {
    const known = resolveHost(host);
    if (known === undefined || isIP(known) === 0) return systemLookup(host, options, done);
    const family = isIP(known);
    if (options.all) done(null, [{ address: known, family }]);
    else done(null, known, family);
  };
}
