import { type KubeObject, resources } from '@sluice/model';
import { type HttpHandler, type HttpServer, jsonResponse, serveHttp } from '@sluice/runtime';
import { afterEach, expect, test } from 'vitest';
import { httpTransport, type HttpTransport } from './http-transport.ts';
import { createKubeApi } from './kube-client.ts';

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function connect(handler: HttpHandler): Promise<{ server: HttpServer; transport: HttpTransport }> {
  const server = await serveHttp(handler, { host: '127.0.0.1', port: 0 });
  const transport = httpTransport({ server: `${server.url}/prefix/`, token: 'secret' });
  open.push(
    () => server.close(0),
    () => transport.close(),
  );
  return { server, transport };
}

test('requests reach the server under its path prefix, without credentials over plain http', async () => {
  const seen: { path: string; authorization: string | undefined }[] = [];
  const { transport } = await connect(async ({ path, headers }) => {
    seen.push({ path, authorization: headers['authorization'] });
    return jsonResponse(200, { metadata: { resourceVersion: '5' }, items: [] });
  });
  const list = await createKubeApi({ transport }).list(resources.pods);
  expect(list.resourceVersion).toBe('5');
  expect(seen).toEqual([{ path: '/prefix/api/v1/pods', authorization: undefined }]);
});

test('events of a watch arrive one by one, and the server hears when the watcher goes', async () => {
  const gate = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  const object: KubeObject = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } };
  const { transport } = await connect(async ({ signal }) => {
    signal?.addEventListener('abort', () => gone.resolve());
    async function* body(): AsyncGenerator<Uint8Array> {
      yield new TextEncoder().encode(`${JSON.stringify({ type: 'ADDED', object })}\n`);
      await gate.promise;
      yield new TextEncoder().encode(`${JSON.stringify({ type: 'DELETED', object })}\n`);
      await new Promise(() => {});
    }
    return { status: 200, headers: { 'content-type': 'application/json' }, body: body() };
  });
  const cancel = new AbortController();
  const types: string[] = [];
  for await (const event of createKubeApi({ transport }).watch(resources.pods, { signal: cancel.signal })) {
    types.push(event.type);
    gate.resolve();
    if (types.length === 2) cancel.abort();
  }
  expect(types).toEqual(['ADDED', 'DELETED']);
  await gone.promise;
});

test('a server that is not there is an error that names the refusal', async () => {
  const { server, transport } = await connect(async () => jsonResponse(200, {}));
  await server.close(0);
  const kube = createKubeApi({ transport, timeoutMs: 5_000 });
  await expect(kube.get(resources.nodes, { name: 'n' })).rejects.toThrow(/ECONNREFUSED/);
});

test('an address without a scheme is refused', () => {
  expect(() => httpTransport({ server: 'cluster:6443' })).toThrow('must begin with https://');
});

test('requests one after another share connections, and open watches keep none of them waiting', async () => {
  const { server, transport } = await connect(async ({ path, signal }) => {
    if (!path.includes('watch=true')) return jsonResponse(200, { metadata: {}, items: [] });
    const silent = new ReadableStream<Uint8Array>({
      start: (stream) => signal?.addEventListener('abort', () => stream.close()),
    });
    return { status: 200, headers: {}, body: silent };
  });
  let connections = 0;
  server.server.on('connection', () => connections++);
  const kube = createKubeApi({ transport });
  const stop = new AbortController();
  const watches = Array.from({ length: 100 }, async () => {
    for await (const _ of kube.watch(resources.pods, { signal: stop.signal })) throw new Error('an event');
  });
  await expect.poll(() => connections, { timeout: 20_000 }).toBe(100);
  for (let at = 0; at < 20; at++) await kube.list(resources.pods);
  // One, or another where a request came before the former answer was quite over.
  expect(connections - 100).toBeLessThan(5);
  stop.abort();
  await Promise.all(watches);
});
