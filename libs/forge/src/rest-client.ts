import { TerminalError, TransientError } from '@sluice/model';
import type { RequestBudget } from './request-budget.ts';
import { pointsOf } from './request-budget.ts';

export type RestOptions = {
  /** Base URL, from configuration; never from a payload. */
  readonly apiUrl: string;
  /** How the forge is called in messages. */
  readonly name: string;
  /** Headers that sign in. Read anew for each request; never part of a message. */
  readonly headers: () => Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly budget?: RequestBudget;
};

/** An answer with the headers that lists are paged by. */
export type RestAnswer = { readonly body: unknown; readonly next: string | undefined };

/** Calls a forge with a JSON API. Failures are TransientError or TerminalError and carry no secret. */
export type RestClient = {
  call(method: string, path: string, body: unknown, signal: AbortSignal): Promise<unknown>;
  /** Undefined for a 404. */
  find(path: string, signal: AbortSignal): Promise<unknown>;
  /** All entries of a list, page by page while `nextPath` gives one; at most `maxPages`. */
  list(
    path: string,
    nextPath: (answer: RestAnswer, page: number) => string | undefined,
    signal: AbortSignal,
  ): Promise<readonly unknown[]>;
};

const defaultTimeoutMs = 15_000;
const maxPages = 20;
const maxAnswerBytes = 32 * 1_024 * 1_024;

/** A client of one forge. */
export function createRestClient(options: RestOptions): RestClient {
  const { name, apiUrl } = options;
  async function request(method: string, path: string, body: unknown, signal: AbortSignal): Promise<RestAnswer> {
    const what = `${name} at ${apiUrl} (${method} ${path.split('?')[0] ?? ''})`;
    const { status, text, next } = await send(options, { method, path, body, what }, signal);
    if (status >= 200 && status < 300) return { body: text === '' ? undefined : parse(text, what), next };
    const message = `${what} answered ${status}: ${messageOf(text)}`;
    if (status === 401 || status === 403) throw new TerminalError('ForgeUnauthorized', `${message}; check the token`);
    if (status === 404) throw new TerminalError('ForgeNotFound', message);
    if (status >= 400 && status < 500 && status !== 429 && status !== 408)
      throw new TerminalError('ForgeRefused', message);
    throw new TransientError(message);
  }
  return {
    call: async (method, path, body, signal) => (await request(method, path, body, signal)).body,
    async find(path, signal) {
      try {
        return (await request('GET', path, undefined, signal)).body;
      } catch (error) {
        if (error instanceof TerminalError && error.reason === 'ForgeNotFound') return undefined;
        throw error;
      }
    },
    async list(path, nextPath, signal) {
      const entries: unknown[] = [];
      let at: string | undefined = path;
      for (let page = 1; at !== undefined && page <= maxPages; page++) {
        const answer = await request('GET', at, undefined, signal);
        const { body } = answer;
        const values: unknown = Array.isArray(body)
          ? body
          : (body as { readonly values?: unknown } | undefined)?.values;
        if (Array.isArray(values)) entries.push(...(values as unknown[]));
        at = nextPath(answer, page);
      }
      return entries;
    },
  };
}

type Sent = { readonly method: string; readonly path: string; readonly body: unknown; readonly what: string };

async function send(
  { apiUrl, headers, budget, timeoutMs = defaultTimeoutMs }: RestOptions,
  { method, path, body, what }: Sent,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly text: string; readonly next: string | undefined }> {
  await budget?.take(pointsOf(method), signal);
  try {
    const response = await fetch(`${apiUrl.replace(/\/+$/, '')}${path}`, {
      method,
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      headers: { ...headers(), accept: 'application/json', 'content-type': 'application/json', 'user-agent': 'sluice' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (text.length > maxAnswerBytes) throw new Error('the answer is too long');
    return { status: response.status, text, next: response.headers.get('x-next-page') ?? undefined };
  } catch (error) {
    if (signal.aborted) throw error;
    throw new TransientError(`${what} did not answer`, { cause: error });
  }
}

function parse(text: string, what: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new TransientError(`${what} answered something that is not JSON`, { cause: error });
  }
}

function messageOf(text: string): string {
  try {
    const { message, error } = JSON.parse(text) as { readonly message?: unknown; readonly error?: unknown };
    const said = message ?? (error as { readonly message?: unknown } | undefined)?.message ?? error;
    return (typeof said === 'string' ? said : JSON.stringify(said ?? '')).slice(0, 300);
  } catch {
    return text.slice(0, 300);
  }
}
