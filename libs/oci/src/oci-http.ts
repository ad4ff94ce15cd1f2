import type { Secret } from '@sluice/runtime';
import { isLoopbackHost } from './reference.ts';
import { OciClientError } from './oci-client-error.ts';

/** User name and password, or token, for a registry. */
export type Credentials = { readonly username: string; readonly password: Secret };

export type OciHttpOptions = {
  /** Speak plain HTTP to this host although it is not a loopback address. */
  readonly isInsecure?: (host: string) => boolean;
  readonly credentials?: (host: string) => Promise<Credentials | undefined>;
  /** For one request, headers and body. Default 60 s; uploads and downloads may take ten times as long. */
  readonly timeoutMs?: number;
  /** Further attempts after a failure that may pass. Default 3. */
  readonly retries?: number;
  /** Pause before attempt n (from 1), in milliseconds. Default 200 · 2ⁿ. */
  readonly backoffMs?: (attempt: number) => number;
};

export type OciRequest = {
  readonly method: string;
  readonly host: string;
  /** Path with query, or an absolute URL (upload locations). */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Made anew for each attempt. */
  readonly body?: () => Promise<Blob | Uint8Array>;
  /** For the token that the registry may ask us to get. */
  readonly repository: string;
  readonly push?: boolean;
  readonly long?: boolean;
  /** What is being done, for messages: `pull 127.0.0.1:5000/app@sha256:…`. */
  readonly doing: string;
  readonly signal?: AbortSignal;
};

const transient = new Set([408, 429, 500, 502, 503, 504]);
const maxTokenBytes = 64 * 1024;

/** Sends registry requests: scheme by host, credentials, bearer tokens, timeouts, bounded retries. */
export class OciHttp {
  readonly #options: OciHttpOptions;
  readonly #tokens = new Map<string, { readonly header: string; readonly until: number }>();

  constructor(options: OciHttpOptions) {
    this.#options = options;
  }

  /** `http` for loopback and insecure hosts, else `https`. */
  origin(host: string): string {
    return `${isLoopbackHost(host) || this.#options.isInsecure?.(host) ? 'http' : 'https'}://${host}`;
  }

  /** The response for any status below 500 and other than 408 and 429. Throws {@link OciClientError} beyond the retries. */
  async send(request: OciRequest): Promise<Response> {
    const retries = this.#options.retries ?? 3;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(request);
      } catch (error) {
        request.signal?.throwIfAborted();
        if (!(error instanceof OciClientError) || error.failure !== 'Unavailable' || attempt > retries) throw error;
        const pauseMs = Math.min(error.retryAfterMs ?? this.#backoff(attempt), 30_000);
        await pause(pauseMs, request.signal);
      }
    }
  }

  async #attempt(request: OciRequest): Promise<Response> {
    const response = await this.#fetch(request, await this.#authorization(request));
    if (response.status === 401) {
      const challenge = response.headers.get('www-authenticate') ?? '';
      await response.body?.cancel();
      const header = await this.#answer(challenge, request);
      const again = await this.#fetch(request, header);
      if (again.status !== 401) return this.#checked(again, request);
      await again.body?.cancel();
      throw denied(request);
    }
    return this.#checked(response, request);
  }

  async #checked(response: Response, request: OciRequest): Promise<Response> {
    if (!transient.has(response.status)) return response;
    const seconds = Number(response.headers.get('retry-after'));
    await response.body?.cancel();
    const options = Number.isFinite(seconds) && seconds > 0 ? { retryAfterMs: seconds * 1_000 } : {};
    throw new OciClientError(
      'Unavailable',
      `cannot ${request.doing}: the registry answered ${response.status}`,
      options,
    );
  }

  async #fetch(request: OciRequest, authorization?: string): Promise<Response> {
    const timeoutMs = (this.#options.timeoutMs ?? 60_000) * (request.long ? 10 : 1);
    const limit = AbortSignal.timeout(timeoutMs);
    const signal = request.signal ? AbortSignal.any([limit, request.signal]) : limit;
    const url = new URL(request.path, this.origin(request.host));
    const sameHost = url.host === new URL(this.origin(request.host)).host;
    const headers = { ...request.headers, ...(authorization && sameHost ? { authorization } : {}) };
    const body = request.method === 'GET' ? undefined : await request.body?.();
    try {
      return await fetch(url, {
        method: request.method,
        headers,
        signal,
        ...(body === undefined ? {} : { body: body instanceof Blob ? body : new Uint8Array(body) }),
      });
    } catch (error) {
      request.signal?.throwIfAborted();
      const why = limit.aborted ? `no answer within ${timeoutMs / 1_000} s` : causeOf(error);
      throw new OciClientError('Unavailable', `cannot ${request.doing}: ${why}`, { cause: error });
    }
  }

  async #authorization({ host, repository, push }: OciRequest): Promise<string | undefined> {
    const known = this.#tokens.get(tokenKey(host, repository, push));
    return known && known.until > performance.now() ? known.header : undefined;
  }

  /** The Authorization header that a challenge asks for: Basic, or a bearer token from the realm it names. */
  async #answer(challenge: string, request: OciRequest): Promise<string> {
    const credentials = await this.#options.credentials?.(request.host);
    const basic = credentials && `Basic ${btoaUtf8(`${credentials.username}:${credentials.password.reveal()}`)}`;
    if (/^basic/i.test(challenge)) {
      if (!basic) throw denied(request);
      return this.#remember(request, basic, 3_600);
    }
    const { token, seconds } = await this.#token(challenge, request, basic);
    return this.#remember(request, `Bearer ${token}`, seconds - 10);
  }

  async #token(challenge: string, request: OciRequest, basic?: string): Promise<{ token: string; seconds: number }> {
    const realm = /realm="([^"]+)"/.exec(challenge)?.[1];
    if (!/^bearer/i.test(challenge) || !realm || !URL.canParse(realm)) throw denied(request);
    const url = new URL(realm);
    const open = isLoopbackHost(url.host) || this.#options.isInsecure?.(url.host);
    if (url.protocol !== 'https:' && !open) throw denied(request);
    const service = /service="([^"]*)"/.exec(challenge)?.[1];
    if (service) url.searchParams.set('service', service);
    url.searchParams.set('scope', `repository:${request.repository}:${request.push ? 'pull,push' : 'pull'}`);
    const response = await this.#fetch({
      ...request,
      method: 'GET',
      path: url.href,
      headers: basic ? { authorization: basic } : {},
    });
    if (!response.ok) throw denied(request);
    const answer = JSON.parse((await response.text()).slice(0, maxTokenBytes)) as Record<string, unknown>;
    const token = answer['token'] ?? answer['access_token'];
    if (typeof token !== 'string') throw denied(request);
    return { token, seconds: typeof answer['expires_in'] === 'number' ? answer['expires_in'] : 60 };
  }

  #remember({ host, repository, push }: OciRequest, header: string, seconds: number): string {
    if (this.#tokens.size > 1_000) this.#tokens.clear();
    this.#tokens.set(tokenKey(host, repository, push), { header, until: performance.now() + seconds * 1_000 });
    return header;
  }

  #backoff(attempt: number): number {
    return this.#options.backoffMs?.(attempt) ?? 100 * 2 ** attempt;
  }
}

function tokenKey(host: string, repository: string, push = false): string {
  return `${host}/${repository}#${push}`;
}

function denied(request: OciRequest): OciClientError {
  const fix = 'check the credentials for this registry (secretRef) and that the repository exists';
  return new OciClientError(
    'Denied',
    `cannot ${request.doing}: ${request.host} asks for a login that was not given or not accepted; ${fix}`,
  );
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}

function btoaUtf8(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
