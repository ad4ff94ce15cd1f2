import type { ObjectKey } from '@sluice/model';
import type { HttpResponse } from '@sluice/runtime';
import { flag, wholeNumber } from '../http/query.ts';
import { badRequest, notSupported, StatusError } from '../http/status-error.ts';
import { isRecord, listAt, textAt } from '../objects/json.ts';
import type { Api, ResourceRequest } from './api.ts';
import { requireEntry } from './read.ts';

/** What part of a container's log is asked for. */
export type PodLogOptions = {
  readonly container: string;
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly tailLines?: number;
  readonly sinceSeconds?: number;
  /** RFC 3339. */
  readonly sinceTime?: string;
  readonly limitBytes?: number;
  readonly signal?: AbortSignal;
};

/** Reads the log of a container, from whoever runs the pods. */
export type PodLogs = (pod: ObjectKey, options: PodLogOptions) => AsyncIterable<Uint8Array>;

/**
 * The stream, once it is known not to fail at once: a log that cannot be had must become a Status, not a torn answer.
 * A log that is quiet for now is not waited for.
 */
async function begun(stream: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  const iterator = stream[Symbol.asyncIterator]();
  const first = iterator.next();
  first.catch(() => {});
  try {
    await Promise.race([first, new Promise((resolve) => setImmediate(resolve))]);
  } catch (error) {
    throw toStatusError(error);
  }
  return (async function* () {
    try {
      for (let next = await first; !next.done; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  })();
}

/** Errors of the node that carry a code, a reason and a message are Statuses in all but name. */
function toStatusError(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || !('reason' in error)) return error;
  const { code, reason, message } = error;
  return typeof code === 'number' && typeof reason === 'string' ? new StatusError(code, reason, message) : error;
}

/** GET of `/log`. */
export async function podLog(api: Api, request: ResourceRequest, podLogs: PodLogs | undefined): Promise<HttpResponse> {
  const pod = requireEntry(api, request).object;
  const { query, http, path } = request;
  const names = [...listAt(pod, 'spec', 'containers'), ...listAt(pod, 'spec', 'initContainers')]
    .filter(isRecord)
    .map((container) => textAt(container, 'name'));
  const main = listAt(pod, 'spec', 'containers').map((container) => textAt(container, 'name'));
  const container = query.get('container') ?? '';
  if (container === '' && main.length > 1) {
    throw badRequest(`a container name must be specified for pod ${path.name}, choose one of: [${main.join(' ')}]`);
  }
  if (container !== '' && !names.includes(container)) {
    throw badRequest(`container ${container} is not valid for pod ${path.name}`);
  }
  if (!podLogs) throw notSupported('reading logs without a node agent');
  const number = (name: 'tailLines' | 'sinceSeconds' | 'limitBytes'): Record<string, number> => {
    const value = wholeNumber(query, name);
    return value === undefined ? {} : { [name]: value };
  };
  const sinceTime = query.get('sinceTime');
  const body = podLogs(
    { namespace: path.namespace, name: path.name },
    {
      container: container === '' ? (main[0] ?? '') : container,
      follow: flag(query, 'follow'),
      previous: flag(query, 'previous'),
      timestamps: flag(query, 'timestamps'),
      ...number('tailLines'),
      ...number('sinceSeconds'),
      ...number('limitBytes'),
      ...(sinceTime === null ? {} : { sinceTime }),
      ...(http.signal ? { signal: http.signal } : {}),
    },
  );
  const headers = { 'content-type': 'text/plain', 'cache-control': 'no-cache, private' };
  return { status: 200, headers, body: await begun(body) };
}
