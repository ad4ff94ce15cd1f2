import type { Context } from './context.ts';

/** A check as the local forge stores it. */
export type StoredCheck = {
  readonly repository: string;
  readonly sha: string;
  readonly name: string;
  readonly status: string;
  readonly conclusion?: string;
  readonly title: string;
  readonly summary?: string;
  readonly text?: string;
};

/** An answer of the local forge that is not 2xx, with the forge's own message. */
export class ForgeError extends Error {
  override readonly name = 'ForgeError';
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** One call to the local forge's HTTP API; throws {@link ForgeError}. */
export type ForgeClient = (method: string, path: string, body?: unknown, signal?: AbortSignal) => Promise<unknown>;

const timeoutMs = 15_000;

/** A client with the token of the context. */
export function forgeClient(context: Pick<Context, 'forgeUrl' | 'token'>): ForgeClient {
  return async (method, path, body, signal) => {
    const signals = [AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])];
    const response = await fetch(`${context.forgeUrl}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${context.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.any(signals),
    });
    const text = await response.text();
    if (!response.ok) {
      throw new ForgeError(
        response.status,
        `the local forge answered ${response.status} to ${method} ${path}: ${messageOf(text)}`,
      );
    }
    return text ? (JSON.parse(text) as unknown) : undefined;
  };
}

function messageOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    return typeof message === 'string' ? message : text.slice(0, 300);
  } catch {
    return text.slice(0, 300);
  }
}

/** The checks of one commit. */
export async function checksOf(
  forge: ForgeClient,
  repository: string,
  sha: string,
  signal?: AbortSignal,
): Promise<StoredCheck[]> {
  const answer = await forge(
    'GET',
    `/repos/${encodeURIComponent(repository)}/commits/${sha}/checks`,
    undefined,
    signal,
  );
  const list = (Array.isArray(answer) ? answer : ((answer as { checks?: unknown[] }).checks ?? [])) as StoredCheck[];
  return list.map((check) => ({ ...check, repository, sha }));
}
