import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { get as getHttp, type IncomingMessage } from 'node:http';
import { get as getHttps } from 'node:https';
import { pipeline } from 'node:stream/promises';
import type { Secret } from '@sluice/runtime';
import { SourceError } from './source-error.ts';

/** How to speak to the server of a source. */
export type FetchAccess = {
  readonly basic?: { readonly username: string; readonly password: Secret };
  /** PEM texts. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
};

export type FetchOptions = {
  readonly access: FetchAccess;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  /** File that is written; it appears only when it is whole. */
  readonly path: string;
  /** Ask only for what has changed since. */
  readonly etag?: string;
};

/** `unchanged`: the server says that the etag still stands for the content. */
export type Fetched =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'stored'; readonly digest: string; readonly size: number; readonly etag?: string };

const maxRedirects = 5;

/** Fetch a URL into a file. Credentials stay with the host that they were given for. Throws {@link SourceError}. */
export async function fetchUrl(address: string, options: FetchOptions): Promise<Fetched> {
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]);
  const origin = new URL(address).origin;
  let url = new URL(address);
  for (let hop = 0; hop <= maxRedirects; hop++) {
    const own = url.origin === origin;
    const response = await request(url, { ...options, signal, access: own ? options.access : {} });
    const status = response.statusCode ?? 0;
    const { location, etag } = response.headers;
    if (status >= 300 && status < 400 && status !== 304 && location) {
      response.destroy();
      url = new URL(location, url);
      if (!/^https?:$/.test(url.protocol))
        throw new SourceError('FetchFailed', `${address} redirects to ${url.protocol}`);
      continue;
    }
    if (status === 304 && options.etag) {
      response.destroy();
      return { kind: 'unchanged' };
    }
    if (status !== 200) throw refused(address, status, response);
    return { kind: 'stored', ...(await store(address, response, options)), ...(etag ? { etag } : {}) };
  }
  throw new SourceError('FetchFailed', `${address} redirects more than ${maxRedirects} times`);
}

function request(url: URL, { access, signal, etag }: FetchOptions): Promise<IncomingMessage> {
  const { basic, tls } = access;
  const headers = { 'user-agent': 'sluice-helm-operator', ...(etag ? { 'if-none-match': etag } : {}) };
  const auth = basic ? { auth: `${basic.username}:${basic.password.reveal()}` } : {};
  const get = url.protocol === 'https:' ? getHttps : getHttp;
  return new Promise((resolve, reject) => {
    const call = get(url, { headers, signal, ...auth, ...tls }, resolve);
    call.on('error', (error) => reject(unreachable(url.origin, error)));
  });
}

function refused(address: string, status: number, response: IncomingMessage): SourceError {
  response.destroy();
  if (status === 401 || status === 403)
    return new SourceError('AuthenticationFailed', `${address} answered ${status}; check spec.secretRef`);
  if (status === 404) return new SourceError('FetchFailed', `${address} is not there (404); check spec.url`);
  return new SourceError('FetchFailed', `${address} answered ${status}`, { transient: status >= 500 });
}

function unreachable(origin: string, error: Error): SourceError {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const why = error.name === 'TimeoutError' ? 'it did not answer in time' : code || error.message;
  const tls = /CERT|SIGN|VERIFY|ALTNAME|SSL/.test(code) ? '; give the CA in spec.certSecretRef (key ca.crt)' : '';
  return new SourceError('FetchFailed', `cannot reach ${origin}: ${why}${tls}`, { transient: true, cause: error });
}

async function store(address: string, response: IncomingMessage, { path, maxBytes }: FetchOptions) {
  const temporary = `${path}.part`;
  const hash = createHash('sha256');
  let size = 0;
  async function* measured(): AsyncGenerator<Buffer> {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) {
        const fix = 'offer fewer versions, or put the charts into an OCI registry';
        throw new SourceError('FetchFailed', `${address} is larger than ${maxBytes} bytes; ${fix}`);
      }
      hash.update(chunk);
      yield chunk;
    }
  }
  try {
    await pipeline(measured(), createWriteStream(temporary, { flush: true }));
    await rename(temporary, path);
  } catch (error) {
    if (error instanceof SourceError) throw error;
    throw new SourceError('FetchFailed', `${address} broke off`, { transient: true, cause: error });
  } finally {
    await rm(temporary, { force: true });
  }
  return { digest: `sha256:${hash.digest('hex')}`, size };
}
