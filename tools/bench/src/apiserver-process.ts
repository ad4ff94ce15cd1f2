import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startApiServer } from '@sluice/apiserver';
import { type HttpResponse, readBody, serveHttp, silentLog } from '@sluice/runtime';
import { openStore, type Store } from '@sluice/store';

/** The server under measurement, in a process of its own: the API server, or the floor beside it. Tells its parent where it listens. */
const [role = '', directory = ''] = process.argv.slice(2);
const pki = join(directory, 'pki');
const store = await openStore({ directory: join(directory, `store-${role}`), formatVersion: 1 });

async function apiServer(): Promise<{ url: string; token: string }> {
  const options = { store, host: '127.0.0.1', port: 0, directory: pki, log: silentLog, now: Date.now };
  return startApiServer(options);
}

/** Streams that are written to whenever something is stored. */
const watchers = new Set<(line: string) => void>();

/** What cannot be spared: TLS, HTTP, one parse, one version, one durable commit, one stringify, one write a watch. */
async function floor(): Promise<{ url: string; token: string }> {
  let version = 0;
  const [cert, key] = await Promise.all(['crt', 'key'].map((end) => readFile(join(pki, `server.${end}`), 'utf8')));
  if (cert === undefined || key === undefined) throw new Error('no certificate');
  const server = await serveHttp(
    async ({ method, path, body, signal }): Promise<HttpResponse> => {
      if (method === 'GET') return path.includes('watch') ? watch(signal) : list(store);
      const kind = path.slice(path.lastIndexOf('/') + 1);
      const object = JSON.parse(new TextDecoder().decode(await readBody(body, 4_000_000))) as { metadata: object };
      const text = JSON.stringify({ ...object, metadata: { ...object.metadata, resourceVersion: String(++version) } });
      await store.commit([{ type: 'put', key: `o/${kind}/${version}`, value: Buffer.from(text) }]);
      for (const send of watchers) send(`{"type":"ADDED","object":${text}}\n`);
      return { status: 201, headers: { 'content-type': 'application/json' }, body: text };
    },
    { host: '127.0.0.1', port: 0, tls: { cert, key } },
  );
  return { url: server.url, token: '' };
}

function list(from: Store): HttpResponse {
  const pods = from.range({ gte: 'o/pods/', lt: 'o/pods0' });
  const items = Array.from(pods, ([, bytes]) => Buffer.from(bytes).toString());
  return { status: 200, headers: { 'content-type': 'application/json' }, body: `{"items":[${items.join(',')}]}` };
}

function watch(signal: AbortSignal | undefined): HttpResponse {
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      const send = (line: string): void => controller.enqueue(Buffer.from(line));
      watchers.add(send);
      signal?.addEventListener('abort', () => watchers.delete(send), { once: true });
    },
  });
  return { status: 200, headers: { 'content-type': 'application/json' }, body: stream };
}

process.on('message', () => {
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  process.send?.({ heapUsed, rss });
});
const { url, token } = await (role === 'floor' ? floor() : apiServer());
process.send?.({ url, token });
