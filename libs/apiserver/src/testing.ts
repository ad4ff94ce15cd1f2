import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type HttpHandler, type HttpResponse, type Log, silentLog } from '@sluice/runtime';
import { memoryStore, type Store } from '@sluice/store';
import type { HistoryLimits } from './objects/collection.ts';
import type { PodLogs } from './rest/pod-streams.ts';
import type { UsageReader } from './rest/usage.ts';
import type { PodSessions } from './streams/pod-sessions.ts';
import { type ApiServer, startApiServer } from './server/api-server.ts';

export type TestServerOptions = {
  readonly store?: Store;
  readonly now?: () => number;
  readonly podLogs?: PodLogs;
  readonly podSessions?: PodSessions;
  readonly usage?: UsageReader;
  readonly history?: HistoryLimits;
  readonly newId?: () => string;
  readonly log?: Log;
  /** Keep certificates here over restarts; default: a temporary directory that `close` removes. */
  readonly directory?: string;
};

/** A real API server over a store in memory, on a free port of 127.0.0.1. */
export async function startTestApiServer(options: TestServerOptions = {}): Promise<ApiServer> {
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'sluice-apiserver-')));
  const server = await startApiServer({
    store: options.store ?? memoryStore(),
    host: '127.0.0.1',
    port: 0,
    directory,
    log: options.log ?? silentLog,
    now: options.now ?? Date.now,
    ...(options.usage ? { usage: options.usage } : {}),
    ...(options.podSessions ? { podSessions: options.podSessions } : {}),
    ...(options.podLogs ? { podLogs: options.podLogs } : {}),
    ...(options.history ? { history: options.history } : {}),
    ...(options.newId ? { newId: options.newId } : {}),
  });
  return {
    ...server,
    async close() {
      await server.close();
      if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
    },
  };
}

/** An answer with its JSON body read. */
export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every shape
  readonly body: any;
};

export type SendOptions = {
  readonly contentType?: string;
  readonly accept?: string;
  readonly headers?: Readonly<Record<string, string>>;
};

/** Sends requests to a handler and reads JSON answers; a string or bytes as body are sent as they are. */
export type TestClient = (method: string, path: string, body?: unknown, options?: SendOptions) => Promise<Answer>;

/** A client of a handler, in-process. */
export function testClient(handle: HttpHandler): TestClient {
  return async (method, path, body, { contentType = 'application/json', accept, headers = {} } = {}) => {
    const sent =
      body === undefined || typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
    const all = {
      ...headers,
      ...(sent === undefined ? {} : { 'content-type': contentType }),
      ...(accept ? { accept } : {}),
    };
    const response = await handle({ method, path, headers: all, ...(sent === undefined ? {} : { body: sent }) });
    const text = await bodyText(response);
    return { status: response.status, headers: response.headers, body: readJson(text) };
  };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function bodyText({ body }: HttpResponse): Promise<string> {
  if (body === undefined || typeof body === 'string') return body ?? '';
  if (body instanceof Uint8Array) return Buffer.from(body).toString();
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** One line of a watch. */
export type TestEvent = {
  readonly type: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- as above
  readonly object: any;
};

/** An open watch whose events are taken one at a time. */
export type TestWatch = {
  /** The next event; undefined once the stream has ended. */
  next(): Promise<TestEvent | undefined>;
  /** The next `count` events. */
  take(count: number): Promise<readonly TestEvent[]>;
  close(): void;
};

/** Open a watch on a handler, in-process. Throws when the answer is not a stream. */
export async function openTestWatch(handle: HttpHandler, path: string, accept?: string): Promise<TestWatch> {
  const stop = new AbortController();
  const headers: Record<string, string> = accept === undefined ? {} : { accept };
  const response = await handle({ method: 'GET', path, headers, signal: stop.signal });
  const { body } = response;
  if (response.status !== 200 || body === undefined || typeof body === 'string' || body instanceof Uint8Array) {
    throw new Error(`no watch: ${response.status} ${typeof body === 'string' ? body : ''}`);
  }
  const events = readEvents(body);
  const next = async (): Promise<TestEvent | undefined> => {
    const result = await events.next();
    return result.done ? undefined : result.value;
  };
  return {
    next,
    async take(count) {
      const taken: TestEvent[] = [];
      while (taken.length < count) {
        const event = await next();
        if (!event) throw new Error(`the watch ended after ${taken.length} of ${count} events`);
        taken.push(event);
      }
      return taken;
    },
    close: () => stop.abort(),
  };
}

async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<TestEvent> {
  let pending = '';
  for await (const chunk of body) {
    pending += Buffer.from(chunk).toString();
    const lines = pending.split('\n');
    pending = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line) as TestEvent;
  }
}
