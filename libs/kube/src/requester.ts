import { type Fence, jittered, KubeApiError, pause, TokenBucket } from '@sluice/reconcile';
import {
  type HttpHandler,
  type HttpRequest,
  type HttpResponse,
  type Metrics,
  noTracer,
  readBody,
  type Tracer,
} from '@sluice/runtime';
import { toKubeApiError } from './status-error.ts';

export type RequesterOptions = {
  readonly transport: HttpHandler;
  /** A request that is not a stream is given up after this time, its retries not counted. */
  readonly timeoutMs: number;
  /** Requests of this client together; watches and logs count once, when they are opened. Default: no limit. */
  readonly rateLimit?: { readonly perSecond: number; readonly burst: number };
  readonly metrics?: Metrics;
  readonly tracer?: Tracer;
  /** Shown in metrics. */
  readonly host?: string;
};

export type ApiRequest = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly contentType?: string;
  /** Default `application/json`. */
  readonly accept?: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  readonly fence?: Fence | undefined;
};

const maxAttempts = 5;
const maxRetryAfterMs = 30_000;
const maxBodyBytes = 512 << 20;

/** Errors that say that the connection was never made, so that nothing can have been done. */
const neverConnected = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']);

/** Sends requests and repeats those that may be repeated. */
export class Requester {
  readonly #transport: HttpHandler;
  readonly #timeoutMs: number;
  readonly #options: RequesterOptions;
  readonly #tracer: Tracer;
  readonly #rateLimit: TokenBucket | undefined;

  constructor(options: RequesterOptions) {
    this.#options = options;
    this.#transport = options.transport;
    this.#timeoutMs = options.timeoutMs;
    this.#tracer = options.tracer ?? noTracer;
    this.#rateLimit = options.rateLimit && new TokenBucket(options.rateLimit);
  }

  /** The JSON body of a 2xx answer; undefined when a write was answered without one. */
  async json(request: ApiRequest): Promise<unknown> {
    return this.#attempts(request, () =>
      this.#within(request, request.signal, async (signal) => {
        const response = await this.#send(request, signal);
        const bytes = await readBody(response.body, maxBodyBytes);
        if (bytes.length > 0) return JSON.parse(toText(bytes)) as unknown;
        // An answer cut off before its first byte must not read as "there is no such object".
        if (request.method === 'GET') throw new Error(`${request.method} ${request.path}: the answer has no body`);
        return undefined;
      }),
    );
  }

  /** A 2xx answer whose body goes on: the time limit ends with the headers. */
  async stream(request: ApiRequest, signal: AbortSignal): Promise<HttpResponse> {
    return this.#attempts({ ...request, signal }, () => {
      // The signal stays with the stream after the headers; the limit does not.
      return this.#within(request, signal, (both) => this.#send(request, both), true);
    });
  }

  /** Run with a signal that fires with the caller's or after the time limit. Leaves nothing behind on the caller's. */
  async #within<T>(
    { method, path }: ApiRequest,
    outer: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<T>,
    keep = false,
  ): Promise<T> {
    outer?.throwIfAborted();
    const limit = new AbortController();
    const late = new Error(`${method} ${path}: no answer within ${this.#timeoutMs} ms`);
    const timer = setTimeout(() => limit.abort(late), this.#timeoutMs);
    const stop = (): void => limit.abort(outer?.reason);
    outer?.addEventListener('abort', stop, { once: true });
    let kept = false;
    try {
      const result = await work(limit.signal);
      kept = keep;
      return result;
    } catch (error) {
      if (limit.signal.reason === late && !(error instanceof KubeApiError)) throw late;
      throw error;
    } finally {
      clearTimeout(timer);
      if (!kept) outer?.removeEventListener('abort', stop);
    }
  }

  async #attempts<T>(request: ApiRequest, attempt: () => Promise<T>): Promise<T> {
    for (let count = 1; ; count++) {
      try {
        return await attempt();
      } catch (error) {
        const delayMs = retryDelayMs(error, request, count);
        if (delayMs === undefined || count >= maxAttempts || request.signal?.aborted) throw error;
        await pause(delayMs, request.signal);
        request.signal?.throwIfAborted();
      }
    }
  }

  async #send(request: ApiRequest, signal: AbortSignal): Promise<HttpResponse> {
    await this.#waitForTurn(signal);
    signal.throwIfAborted();
    request.fence?.();
    const headers: Record<string, string> = { accept: request.accept ?? 'application/json' };
    if (request.body !== undefined) headers['content-type'] = request.contentType ?? 'application/json';
    const message: HttpRequest = {
      method: request.method,
      path: request.path,
      headers,
      signal,
      ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
    };
    const response = await this.#tracer.span('request', { method: request.method, path: request.path }, () =>
      this.#measured(message),
    );
    if (response.status >= 200 && response.status < 300) return response;
    throw await toKubeApiError(response, `${request.method} ${request.path}`);
  }

  async #measured(message: HttpRequest): Promise<HttpResponse> {
    const { metrics, host = 'in-process' } = this.#options;
    if (!metrics) return this.#transport(message);
    const startedMs = performance.now();
    let code = '<error>';
    try {
      const response = await this.#transport(message);
      code = String(response.status);
      return response;
    } finally {
      metrics.request({ method: message.method, host, code, seconds: (performance.now() - startedMs) / 1_000 });
    }
  }

  async #waitForTurn(signal: AbortSignal): Promise<void> {
    const waitMs = this.#rateLimit?.reserve() ?? 0;
    if (waitMs <= 0) return;
    await pause(waitMs, signal);
    if (signal.aborted) this.#rateLimit?.refund();
  }
}

function toText(bytes: Uint8Array): string {
  const { buffer, byteOffset, byteLength } = bytes;
  return Buffer.from(buffer, byteOffset, byteLength).toString('utf8');
}

/** How long to wait before another attempt; undefined when there must be none. */
function retryDelayMs(error: unknown, request: ApiRequest, count: number): number | undefined {
  if (error instanceof KubeApiError) {
    // The server says that it has not begun: safe for every verb.
    const asked = error.code === 429 || (error.code === 503 && error.retryAfterMs !== undefined);
    if (!asked) return undefined;
    const waitMs = error.retryAfterMs ?? jittered(250 * 2 ** count);
    return waitMs > maxRetryAfterMs ? undefined : waitMs;
  }
  const safe = request.method === 'GET' || neverConnected.has(codeOf(error));
  return safe ? jittered(100 * 2 ** count) : undefined;
}

function codeOf(error: unknown): string {
  const code = (error as { readonly code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : '';
}
