import { createHash, timingSafeEqual } from 'node:crypto';
import type { DeliveryJob } from '@sluice/events';
import type { JobEntry } from '@sluice/queue';
import { type HttpRequest, type HttpResponse, jsonResponse, type Secret } from '@sluice/runtime';

/** The queue `deliveries` as its log reads it. */
export type LoggedDeliveries = {
  list(limit: number): Promise<readonly JobEntry<DeliveryJob>[]>;
  show(id: string): Promise<JobEntry<DeliveryJob> | undefined>;
  replay(id: string): Promise<boolean>;
};

/** A delivery as the log shows it. `payload` only where one is asked for, and where its content is still kept. */
export type ShownDelivery = {
  readonly id: string;
  readonly state: string;
  readonly attempts: number;
  readonly error?: string;
  readonly delivery?: string;
  readonly event?: string;
  readonly repository?: string;
  readonly receivedAt?: string;
  readonly payload?: unknown;
};

const defaultLimit = 50;
const maxLimit = 1_000;

/**
 * `GET /deliveries[?limit=]`, `GET /deliveries/<id>`, `POST /deliveries/<id>/replay`: what was accepted and what became of
 * it. For whoever has the token; without one there is no log.
 */
export async function answerDeliveryLog(
  request: HttpRequest,
  deliveries: LoggedDeliveries,
  token: Secret,
): Promise<HttpResponse | undefined> {
  const url = new URL(request.path, 'http://receiver');
  const [, id, replay] = /^\/deliveries(?:\/([0-9a-f]{64})(\/replay)?)?$/.exec(url.pathname) ?? [undefined];
  if (!/^\/deliveries(\/|$)/.test(url.pathname)) return undefined;
  if (!isAllowed(request.headers['authorization'], token)) {
    const message = 'the delivery log needs "authorization: Bearer <token>"';
    return jsonResponse(401, { code: 'Unauthorized', message }, { 'www-authenticate': 'Bearer realm="Sluice"' });
  }
  const wanted = replay === undefined ? 'GET' : 'POST';
  if (request.method !== wanted) return refuse(405, 'MethodNotAllowed', `${request.method} is not possible here`);
  if (id === undefined) {
    if (url.pathname !== '/deliveries') return refuse(404, 'NotFound', 'a delivery is named by 64 hex digits');
    const limit = Math.min(
      maxLimit,
      Math.max(1, Math.trunc(Number(url.searchParams.get('limit') ?? defaultLimit)) || 1),
    );
    return jsonResponse(
      200,
      (await deliveries.list(limit)).map((entry) => shown(entry)),
    );
  }
  if (replay !== undefined) return replayOne(deliveries, id);
  const entry = await deliveries.show(id);
  return entry ? jsonResponse(200, { ...shown(entry), ...payloadOf(entry) }) : unknown(id);
}

async function replayOne(deliveries: LoggedDeliveries, id: string): Promise<HttpResponse> {
  if (await deliveries.replay(id))
    return jsonResponse(202, { code: 'Queued', message: `delivery ${id} is handled again` });
  const entry = await deliveries.show(id);
  if (!entry) return unknown(id);
  const why =
    entry.state === 'waiting' || entry.state === 'active'
      ? `it is ${entry.state} already`
      : 'its content is no longer kept; let the forge deliver it again';
  return refuse(409, 'NotReplayed', `delivery ${id} cannot be handled again: ${why}`);
}

function shown({ id, state, attempts, error, job }: JobEntry<DeliveryJob>): ShownDelivery {
  const facts = job && {
    delivery: job.delivery,
    event: job.event,
    repository: `${job.repository.namespace}/${job.repository.name}`,
    receivedAt: job.receivedAt,
  };
  return { id, state, attempts, ...(error === undefined ? {} : { error }), ...facts };
}

function payloadOf({ job }: JobEntry<DeliveryJob>): { readonly payload?: unknown } {
  if (!job) return {};
  try {
    return { payload: JSON.parse(Buffer.from(job.body, 'base64').toString('utf8')) };
  } catch {
    return {};
  }
}

/** Hashed first, so that neither length nor content tells anything by time. */
function isAllowed(header: string | undefined, token: Secret): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(header ?? ''), digest(`Bearer ${token.reveal()}`));
}

function unknown(id: string): HttpResponse {
  return refuse(404, 'DeliveryNotFound', `there is no delivery ${id}; they are remembered for four days`);
}

function refuse(status: number, code: string, message: string): HttpResponse {
  return jsonResponse(status, { code, message });
}
