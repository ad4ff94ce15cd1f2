import { TerminalError, TransientError } from '@sluice/model';
import type { Secret } from '@sluice/runtime';
import { createPrivateKey } from 'node:crypto';
import type { Octokit } from 'octokit';
import { pointsOf, type RequestBudget } from './request-budget.ts';

/** How to sign in to GitHub: as an App (check runs), or with a token (commit statuses). */
export type GithubAuth =
  | { readonly kind: 'app'; readonly appId: number; /** PEM, PKCS#1 or PKCS#8. */ readonly privateKey: Secret }
  | { readonly kind: 'token'; readonly token: Secret };

export type GithubOptions = {
  /** `https://api.github.com`, or `https://HOST/api/v3`. From configuration, never from a payload. */
  readonly apiUrl: string;
  readonly auth: GithubAuth;
  /** `owner/name`. */
  readonly repository: string;
  /** Default 20 seconds a request. */
  readonly timeoutMs?: number;
  /** Keep GitHub's pace between writes (one a second). Default true. */
  readonly paced?: boolean;
  /** Shared by all connections that sign in alike; without one nothing is counted. */
  readonly budget?: RequestBudget;
  /** How often a request that failed with 5xx is repeated, after 1 and 4 seconds. Default 2. */
  readonly retries?: number;
};

/** Calls GitHub for one repository. */
export type GithubConnection = {
  readonly owner: string;
  readonly repo: string;
  /** Run calls with a signed-in client. Failures become TransientError or TerminalError. */
  call<T>(what: string, signal: AbortSignal, work: (octokit: Octokit) => Promise<T>): Promise<T>;
};

const defaultTimeoutMs = 20_000;
const defaultRetries = 2;
const longestWaitS = 60;

/** Prepare a connection. octokit is loaded, and GitHub asked, only with the first call. */
export function createGithubConnection(options: GithubOptions): GithubConnection {
  const [owner = '', repo = '', rest] = options.repository.split('/');
  if (owner === '' || repo === '' || rest !== undefined) {
    throw new TerminalError('BadRepository', `"${options.repository}" is not of the form owner/name`);
  }
  let client: Promise<Octokit> | undefined;
  const connect = (): Promise<Octokit> => {
    client ??= signIn(options, owner, repo).catch((error: unknown) => {
      client = undefined;
      throw error;
    });
    return client;
  };
  return {
    owner,
    repo,
    async call(what, signal, work) {
      signal.throwIfAborted();
      try {
        return await work(await connect());
      } catch (error) {
        const failure = toForgeError(error, `GitHub (${what} of ${options.repository})`);
        if (options.auth.kind === 'token' || !isUnauthorized(error)) throw failure;
        // A token of the App was taken back before its hour was over: sign in anew with the next call.
        const signedIn = client !== undefined;
        client = undefined;
        throw signedIn ? new TransientError(failure.message) : failure;
      }
    },
  };
}

async function signIn(options: GithubOptions, owner: string, repo: string): Promise<Octokit> {
  const { auth, apiUrl, timeoutMs, paced, retries = defaultRetries } = options;
  const octokit = await import('octokit');
  const Client = octokit.Octokit.defaults({
    baseUrl: apiUrl.replace(/\/$/, ''),
    userAgent: 'sluice',
    log: { debug: drop, info: drop, warn: drop, error: drop },
    request: { fetch: boundedFetch(timeoutMs ?? defaultTimeoutMs, options.budget) },
    retry: { retries },
    throttle: {
      enabled: paced ?? true,
      onRateLimit: waitOnce,
      onSecondaryRateLimit: waitOnce,
    },
  });
  if (auth.kind === 'token') return new Client({ auth: auth.token.reveal() });
  const privateKey = toPkcs8(auth.privateKey.reveal());
  const app = new octokit.App({ appId: auth.appId, privateKey, Octokit: Client });
  const { data } = await app.octokit.rest.apps.getRepoInstallation({ owner, repo });
  return (await app.getInstallationOctokit(data.id)) as unknown as Octokit;
}

/**
 * Options of a request that makes something. It is not repeated by itself: a 502 may come after the thing was made, so
 * the caller looks for it before it tries again.
 */
export function onceOnly(signal: AbortSignal): { readonly signal: AbortSignal; readonly retries: number } {
  return { signal, retries: 0 };
}

/** GitHub names the seconds to wait; a short wait is kept here, a long one is left to whoever asked. */
function waitOnce(retryAfterS: number, _request: unknown, _octokit: unknown, retryCount: number): boolean {
  return retryCount === 0 && retryAfterS <= longestWaitS;
}

function toPkcs8(pem: string): string {
  try {
    return createPrivateKey(pem).export({ type: 'pkcs8', format: 'pem' }).toString();
  } catch (error) {
    throw new TerminalError('BadPrivateKey', 'the private key of the GitHub App is not a PEM key', { cause: error });
  }
}

function boundedFetch(timeoutMs: number, budget: RequestBudget | undefined): typeof fetch {
  return async (input, init) => {
    await budget?.take(pointsOf(init?.method ?? 'GET'), init?.signal ?? undefined);
    const timeout = AbortSignal.timeout(timeoutMs);
    return fetch(input, { ...init, signal: init?.signal ? AbortSignal.any([init.signal, timeout]) : timeout });
  };
}

/** Only the status and GitHub's message are kept: request objects hold tokens. */
function toForgeError(error: unknown, what: string): Error {
  if (error instanceof TerminalError || error instanceof TransientError) return error;
  const { status, response, message, name } = error as {
    status?: number;
    response?: { headers?: Record<string, string | undefined>; data?: { message?: string } };
    message?: string;
    name?: string;
  };
  if (name !== 'HttpError' || status === undefined || response === undefined) {
    return new TransientError(`${what} did not answer: ${message ?? String(error)}`);
  }
  const text = `${what} answered ${status}: ${response.data?.message ?? 'no message'}`;
  const headers = response.headers ?? {};
  const limited = status === 429 || headers['retry-after'] !== undefined || headers['x-ratelimit-remaining'] === '0';
  if (status >= 500 || limited) return new TransientError(text);
  if (status === 401 || status === 403) {
    return new TerminalError('ForgeUnauthorized', `${text}; check the token or the permissions of the App`);
  }
  return new TerminalError(status === 404 ? 'ForgeNotFound' : 'ForgeRefused', text);
}

function isUnauthorized(error: unknown): boolean {
  return (error as { readonly status?: number }).status === 401;
}

function drop(): void {}
