import type { Problem, Result } from '@sluice/model';

/** A job of the queue `deliveries`: a webhook whose signature was good. */
export type DeliveryJob = {
  readonly route: string;
  readonly repository: { readonly namespace: string; readonly name: string };
  readonly event: string;
  readonly delivery: string;
  /** Base64 of the bytes as received. */
  readonly body: string;
  /** RFC 3339. */
  readonly receivedAt: string;
};

/** Name of the queue. */
export const deliveriesQueue = 'deliveries';

/** Read a stored job; refuses, by field, what this version does not understand. */
export function parseDeliveryJob(data: unknown): Result<DeliveryJob> {
  const record = (typeof data === 'object' && data !== null ? data : {}) as Record<string, unknown>;
  const repository = (record['repository'] ?? {}) as Record<string, unknown>;
  const problems: Problem[] = [];
  const text = (from: Record<string, unknown>, field: string, path: string): string => {
    const value = from[field];
    if (typeof value === 'string') return value;
    problems.push({ code: 'BadJob', severity: 'error', path, message: 'must be a string' });
    return '';
  };
  const job: DeliveryJob = {
    route: text(record, 'route', 'route'),
    repository: {
      namespace: text(repository, 'namespace', 'repository.namespace'),
      name: text(repository, 'name', 'repository.name'),
    },
    event: text(record, 'event', 'event'),
    delivery: text(record, 'delivery', 'delivery'),
    body: text(record, 'body', 'body'),
    receivedAt: text(record, 'receivedAt', 'receivedAt'),
  };
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: job };
}
