import type { KubeObject } from '@sluice/model';
import type { WatchEvent } from '@sluice/reconcile';
import { fromStatus } from './status-error.ts';
import { splitLines } from './stream.ts';

const initialEventsEnd = 'k8s.io/initial-events-end';

type Line = { readonly type?: unknown; readonly object?: KubeObject };

/** Events of a watch body. An ERROR event is thrown as KubeApiError, as 410 is when the version is gone. */
export async function* watchEvents<T extends KubeObject>(
  chunks: AsyncIterable<Uint8Array>,
  what: string,
): AsyncGenerator<WatchEvent<T>> {
  for await (const lines of splitLines(chunks)) {
    for (const line of lines) if (line.trim() !== '') yield toEvent<T>(JSON.parse(line) as Line, what);
  }
}

function toEvent<T extends KubeObject>({ type, object }: Line, what: string): WatchEvent<T> {
  if (typeof object !== 'object' || object === null) throw new Error(`${what}: an event without an object`);
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return { type, object: object as T };
    case 'BOOKMARK': {
      const { resourceVersion = '', annotations } = object.metadata;
      return { type, resourceVersion, initialEventsEnd: annotations?.[initialEventsEnd] === 'true' };
    }
    case 'ERROR':
      throw fromStatus(object, 500, `${what} failed`);
    default:
      throw new Error(`${what}: an event of unknown type ${JSON.stringify(type)}`);
  }
}
