import { KubeApiError } from '@sluice/reconcile';
import { type HttpResponse, readBody } from '@sluice/runtime';

const maxErrorBytes = 1 << 20;

const reasons: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Gone',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

type Status = {
  readonly kind?: unknown;
  readonly code?: unknown;
  readonly reason?: unknown;
  readonly message?: unknown;
  readonly details?: { readonly name?: unknown; readonly retryAfterSeconds?: unknown };
};

/** The error for an answer that is not 2xx. `what` says what was asked, for answers without a message. */
export async function toKubeApiError(response: HttpResponse, what: string): Promise<KubeApiError> {
  const bytes = await readBody(response.body, maxErrorBytes).catch(() => new Uint8Array());
  const text = new TextDecoder().decode(bytes);
  const retryAfterMs = parseRetryAfter(response.headers['retry-after']);
  return fromStatus(parseStatus(text), response.status, `${what}: ${text.slice(0, 500).trim()}`, retryAfterMs);
}

/** The error for a Status object, as found in bodies and in watch streams. */
export function fromStatus(
  status: Status | undefined,
  code: number,
  fallbackMessage: string,
  retryAfterMs?: number,
): KubeApiError {
  const statusCode = typeof status?.code === 'number' ? status.code : code;
  const reason =
    typeof status?.reason === 'string' && status.reason !== '' ? status.reason : (reasons[statusCode] ?? 'Unknown');
  const message = typeof status?.message === 'string' ? status.message : `${fallbackMessage} (HTTP ${statusCode})`;
  const seconds = status?.details?.retryAfterSeconds;
  const asked = retryAfterMs ?? (typeof seconds === 'number' && seconds > 0 ? seconds * 1_000 : undefined);
  return new KubeApiError(statusCode, reason, message, status, asked);
}

/** True when the answer says that the object is missing, and not that the whole kind is not served. */
export function isMissingObject(error: unknown): boolean {
  if (!(error instanceof KubeApiError) || error.code !== 404) return false;
  return typeof (error.status as Status | undefined)?.details?.name === 'string';
}

/** Milliseconds of a Retry-After header: seconds or a date. */
export function parseRetryAfter(header: string | undefined, now = Date.now()): number | undefined {
  if (!header) return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1_000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

function parseStatus(text: string): Status | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isStatus = typeof value === 'object' && value !== null && (value as Status).kind === 'Status';
    return isStatus ? (value as Status) : undefined;
  } catch {
    return undefined; // Proxies answer in HTML and plain text.
  }
}
