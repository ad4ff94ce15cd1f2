import { type KubeObject, resources } from '@sluice/model';
import { isKubeError, type WatchEvent } from '@sluice/reconcile';
import { type HttpHandler, type HttpRequest, jsonResponse } from '@sluice/runtime';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createKubeApi } from './kube-client.ts';

const pod: KubeObject = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'ns' } };
const key = { namespace: 'ns', name: 'p' };

/** A server that answers with what it is given, one answer a request, and remembers the requests. */
function server(...answers: (Awaited<ReturnType<HttpHandler>> | Error)[]) {
  const requests: HttpRequest[] = [];
  const transport: HttpHandler = async (request) => {
    requests.push(request);
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer instanceof Error) throw answer;
    return answer ?? jsonResponse(200, pod);
  };
  return { requests, kube: createKubeApi({ transport, fieldManager: 'tests' }) };
}

function status(code: number, reason: string, details?: object, headers: Record<string, string> = {}) {
  return jsonResponse(
    code,
    { kind: 'Status', apiVersion: 'v1', code, reason, message: `${reason}!`, details },
    headers,
  );
}

const encode = (text: string) => new TextEncoder().encode(text);

async function* chunks(...parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

async function all(events: AsyncIterable<WatchEvent>): Promise<WatchEvent[]> {
  const list: WatchEvent[] = [];
  for await (const event of events) list.push(event);
  return list;
}

afterEach(() => void vi.useRealTimers());

describe('requests', () => {
  const cases: { name: string; run: (kube: ReturnType<typeof server>['kube']) => Promise<unknown>; want: string }[] = [
    { name: 'get', run: (kube) => kube.get(resources.pods, key), want: 'GET /api/v1/namespaces/ns/pods/p' },
    {
      name: 'get of a cluster-scoped kind with a colon in its name',
      run: (kube) => kube.get(resources.nodes, { name: 'My:Node' }),
      want: 'GET /api/v1/nodes/My%3ANode',
    },
    {
      name: 'list of a group in all namespaces',
      run: (kube) => kube.list(resources.deployments, { labelSelector: 'a in (b,c)', limit: 5 }),
      want: 'GET /apis/apps/v1/deployments?labelSelector=a+in+%28b%2Cc%29&limit=5',
    },
    {
      name: 'create',
      run: (kube) => kube.create(resources.pods, pod),
      want: 'POST /api/v1/namespaces/ns/pods?fieldManager=tests',
    },
    {
      name: 'create of a binding',
      run: (kube) => kube.create(resources.pods, pod, { subresource: 'binding' }),
      want: 'POST /api/v1/namespaces/ns/pods/p/binding?fieldManager=tests',
    },
    {
      name: 'dry run of a replace',
      run: (kube) => kube.replace(resources.pods, pod, { dryRun: true }),
      want: 'PUT /api/v1/namespaces/ns/pods/p?fieldManager=tests&dryRun=All',
    },
    {
      name: 'apply to the status',
      run: (kube) => kube.apply(resources.pods, pod, { fieldManager: 'me', subresource: 'status' }),
      want: 'PATCH /api/v1/namespaces/ns/pods/p/status?fieldManager=me&force=true',
    },
    { name: 'delete', run: (kube) => kube.delete(resources.pods, key), want: 'DELETE /api/v1/namespaces/ns/pods/p' },
  ];
  test.for(cases)('$name goes to the path of the API', async ({ run, want }) => {
    const { kube, requests } = server();
    await run(kube);
    expect(requests.map(({ method, path }) => `${method} ${path}`)).toEqual([want]);
  });

  test.for([
    ['merge', 'application/merge-patch+json'],
    ['strategic', 'application/strategic-merge-patch+json'],
    ['json', 'application/json-patch+json'],
  ] as const)('a %s patch is sent as %s', async ([type, contentType]) => {
    const { kube, requests } = server();
    await kube.patch(resources.pods, key, { type, body: [] });
    expect(requests[0]?.headers['content-type']).toBe(contentType);
  });

  test('delete sends its preconditions', async () => {
    const { kube, requests } = server();
    await kube.delete(resources.pods, key, { uid: 'u', propagationPolicy: 'Foreground', gracePeriodSeconds: 0 });
    expect(JSON.parse(requests[0]?.body as string)).toMatchObject({
      propagationPolicy: 'Foreground',
      gracePeriodSeconds: 0,
      preconditions: { uid: 'u' },
    });
  });

  test('items of a list carry their kind, as those of a watch do', async () => {
    const body = { metadata: { resourceVersion: '7', continue: 'more' }, items: [{ metadata: pod.metadata }] };
    const { kube } = server(jsonResponse(200, body));
    expect(await kube.list(resources.pods)).toEqual({ items: [pod], resourceVersion: '7', continue: 'more' });
  });

  test.for(['', '.', '..'])('%j is refused as a name', async (name) => {
    await expect(server().kube.get(resources.nodes, { name })).rejects.toThrow('cannot be part of a path');
  });
});

describe('errors', () => {
  test('a Status becomes an error with its code and reason', async () => {
    const { kube } = server(status(409, 'AlreadyExists', { name: 'p' }));
    const error = await kube.create(resources.pods, pod).catch((caught: unknown) => caught);
    expect(isKubeError(error, 'AlreadyExists')).toBe(true);
    expect(error).toMatchObject({ code: 409, message: 'AlreadyExists!' });
  });

  test('an answer that is no Status keeps its text', async () => {
    const { kube } = server({ status: 502, headers: {}, body: '<html>bad gateway</html>' });
    await expect(kube.create(resources.pods, pod)).rejects.toThrow('<html>bad gateway</html> (HTTP 502)');
  });

  test('a missing object is undefined, a missing kind is an error', async () => {
    expect(await server(status(404, 'NotFound', { name: 'p' })).kube.get(resources.pods, key)).toBeUndefined();
    await expect(server(status(404, 'NotFound', {})).kube.get(resources.pods, key)).rejects.toMatchObject({
      code: 404,
    });
    await server(status(404, 'NotFound', { name: 'p' })).kube.delete(resources.pods, key);
  });

  test('429 is obeyed for writes too, after the time that the server asks for', async () => {
    vi.useFakeTimers();
    const { kube, requests } = server(
      status(429, 'TooManyRequests', {}, { 'retry-after': '3' }),
      jsonResponse(201, pod),
    );
    const created = kube.create(resources.pods, pod);
    await vi.advanceTimersByTimeAsync(2_900);
    expect(requests).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(await created).toEqual(pod);
    expect(requests).toHaveLength(2);
  });

  test('a server that always says 429 is given up after five attempts', async () => {
    vi.useFakeTimers();
    const { kube, requests } = server(status(429, 'TooManyRequests', { retryAfterSeconds: 1 }));
    const failed = kube.create(resources.pods, pod).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await failed).toMatchObject({ code: 429, retryAfterMs: 1_000 });
    expect(requests).toHaveLength(5);
  });

  test('a lost connection is tried again for reads and not for writes', async () => {
    const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    const read = server(reset, jsonResponse(200, pod));
    expect(await read.kube.get(resources.pods, key)).toEqual(pod);
    const write = server(reset, jsonResponse(200, pod));
    await expect(write.kube.create(resources.pods, pod)).rejects.toThrow('ECONNRESET');
    expect(write.requests).toHaveLength(1);
  });

  test('a connection that was never made is tried again for writes too', async () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    const { kube } = server(refused, jsonResponse(201, pod));
    expect(await kube.create(resources.pods, pod)).toEqual(pod);
  });

  test('a request without an answer ends with its time limit', async () => {
    const transport: HttpHandler = ({ signal }) =>
      new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)));
    const kube = createKubeApi({ transport, timeoutMs: 20 });
    await expect(kube.create(resources.pods, pod)).rejects.toThrow('no answer within 20 ms');
  });
});

test('requests past the rate wait for their turn, and one that is given up gives its place back', async () => {
  vi.useFakeTimers();
  let answered = 0;
  const transport: HttpHandler = async () => (answered++, jsonResponse(200, pod));
  const kube = createKubeApi({ transport, rateLimit: { perSecond: 10, burst: 2 } });
  const all = Array.from({ length: 3 }, () => kube.get(resources.pods, key));
  const cancel = new AbortController();
  const given = kube.get(resources.pods, key, cancel.signal).catch((error: unknown) => error);
  const last = kube.get(resources.pods, key);
  await vi.advanceTimersByTimeAsync(0);
  expect(answered).toBe(2);
  cancel.abort(new Error('no longer wanted'));
  expect(await given).toMatchObject({ message: 'no longer wanted' });
  await vi.advanceTimersByTimeAsync(110);
  expect(answered).toBe(3);
  await vi.advanceTimersByTimeAsync(200);
  await Promise.all([...all, last]);
});

test('every attempt is reported with its code, and spanned', async () => {
  const seen: string[] = [];
  const answers = [new Error('reset'), jsonResponse(200, pod)];
  const kube = createKubeApi({
    transport: async () => {
      const answer = answers.shift();
      if (!answer || answer instanceof Error) throw answer ?? new Error('no more answers');
      return answer;
    },
    host: 'api:6443',
    metrics: {
      controller: () => {
        throw new Error('no controller here');
      },
      leader: () => {},
      request: ({ method, host, code }) => void seen.push(`${method} ${host} ${code}`),
    },
    tracer: { span: async (name, { path }, work) => (seen.push(`${name} ${String(path)}`), work()) },
  });
  await kube.get(resources.pods, key);
  const span = 'request /api/v1/namespaces/ns/pods/p';
  expect(seen).toEqual([span, 'GET api:6443 <error>', span, 'GET api:6443 200']);
});

describe('watches', () => {
  const lines = [
    { type: 'ADDED', object: { ...pod, metadata: { ...pod.metadata, annotations: { word: 'Schleuße 🚰' } } } },
    {
      type: 'BOOKMARK',
      object: { metadata: { resourceVersion: '9', annotations: { 'k8s.io/initial-events-end': 'true' } } },
    },
    { type: 'DELETED', object: pod },
  ];
  const bytes = encode(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const want = [
    { type: 'ADDED', object: lines[0]?.object },
    { type: 'BOOKMARK', resourceVersion: '9', initialEventsEnd: true },
    { type: 'DELETED', object: pod },
  ];

  test.for([1, 2, 3, 7, 64, 10_000])('are read from chunks of %i bytes', async (size) => {
    const parts = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.slice(i * size, (i + 1) * size),
    );
    const { kube, requests } = server({ status: 200, headers: {}, body: chunks(...parts) });
    const { signal } = new AbortController();
    expect(await all(kube.watch(resources.pods, { sendInitialEvents: true, signal }))).toEqual(want);
    expect(requests[0]?.path).toBe(
      '/api/v1/pods?watch=true&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan',
    );
  });

  test('an ERROR event is thrown with its code', async () => {
    const gone = { type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' } };
    const { kube } = server({ status: 200, headers: {}, body: chunks(encode(`${JSON.stringify(gone)}\n`)) });
    const { signal } = new AbortController();
    await expect(all(kube.watch(resources.pods, { resourceVersion: '1', signal }))).rejects.toMatchObject({
      code: 410,
      reason: 'Expired',
    });
  });

  test('a signal ends a silent watch at once and without an error, and the server hears of it', async () => {
    const cancel = new AbortController();
    const silent: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) };
    const { kube, requests } = server({ status: 200, headers: {}, body: silent });
    const watching = all(kube.watch(resources.pods, { signal: cancel.signal }));
    await vi.waitFor(() => expect(requests).toHaveLength(1));
    cancel.abort();
    expect(await watching).toEqual([]);
    expect(requests[0]?.signal?.aborted).toBe(true);
  });

  test('a consumer that stops reading ends the request', async () => {
    const { kube, requests } = server({ status: 200, headers: {}, body: chunks(bytes) });
    for await (const _ of kube.watch(resources.pods, { signal: new AbortController().signal })) break;
    expect(requests[0]?.signal?.aborted).toBe(true);
  });

  test('a connection that breaks is an error', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield bytes.slice(0, 20);
      throw new Error('terminated');
    }
    const { kube } = server({ status: 200, headers: {}, body: broken() });
    await expect(all(kube.watch(resources.pods, { signal: new AbortController().signal }))).rejects.toThrow(
      'terminated',
    );
  });
});

test('logs come in the chunks that the server sends', async () => {
  const { kube, requests } = server({ status: 200, headers: {}, body: chunks(encode('a\n'), encode('b\n')) });
  const parts: string[] = [];
  for await (const chunk of kube.logs(key, { container: 'main', follow: true, tailLines: 2 })) {
    parts.push(new TextDecoder().decode(chunk));
  }
  expect(parts).toEqual(['a\n', 'b\n']);
  expect(requests[0]?.path).toBe('/api/v1/namespaces/ns/pods/p/log?container=main&follow=true&tailLines=2');
});
