import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A registry in memory that speaks enough of the protocol for a client, and misbehaves on request. */
export type FakeRegistry = {
  /** `127.0.0.1:<port>`. */
  readonly host: string;
  readonly requests: string[];
  readonly blobs: Map<string, Buffer>;
  /** Repository and reference → manifest. */
  readonly manifests: Map<string, { readonly type: string; readonly bytes: Buffer }>;
  /** Answer the next `times` requests whose `METHOD path` matches with this status. */
  failNext(pattern: RegExp, status: number, times?: number): void;
  /** Ask for a login: Basic `user:password`, or a bearer token got with it. */
  protect(kind: 'basic' | 'bearer'): void;
  close(): Promise<void>;
};

/** Start a {@link FakeRegistry}. Its login is `user` with password `password`. */
export async function startFakeRegistry(): Promise<FakeRegistry> {
  const blobs = new Map<string, Buffer>();
  const manifests = new Map<string, { type: string; bytes: Buffer }>();
  const requests: string[] = [];
  const failures: { pattern: RegExp; status: number; times: number }[] = [];
  let protection: 'basic' | 'bearer' | undefined;
  let host = '';
  const basic = `Basic ${Buffer.from('user:password').toString('base64')}`;
  const server = createServer((message, response) => {
    const chunks: Buffer[] = [];
    message.on('data', (chunk: Buffer) => chunks.push(chunk));
    message.on('end', () => {
      const url = new URL(message.url ?? '/', `http://${host}`);
      const line = `${message.method} ${message.url}`;
      const answer = (status: number, headers: Record<string, string> = {}, body?: Buffer | string): void => {
        response.writeHead(status, headers).end(body);
      };
      requests.push(line);
      const failure = failures.find(({ pattern, times }) => times > 0 && pattern.test(line));
      if (failure) {
        failure.times--;
        return answer(failure.status);
      }
      if (url.pathname === '/token') {
        return message.headers.authorization === basic ? answer(200, {}, '{"token":"t"}') : answer(401);
      }
      const wanted = protection === 'basic' ? basic : 'Bearer t';
      if (protection && message.headers.authorization !== wanted) {
        const challenge =
          protection === 'basic' ? 'Basic realm="r"' : `Bearer realm="http://${host}/token",service="s"`;
        return answer(401, { 'www-authenticate': challenge });
      }
      return route(message.method ?? 'GET', url, Buffer.concat(chunks), message.headers['content-type'] ?? '', answer);
    });
  });
  const route = (
    method: string,
    url: URL,
    body: Buffer,
    type: string,
    answer: (status: number, headers?: Record<string, string>, body?: Buffer | string) => void,
  ): void => {
    const upload = /\/blobs\/uploads\//.exec(url.pathname);
    if (upload && method === 'POST') return answer(202, { location: `${url.pathname}session?state=x` });
    if (upload && method === 'PUT') {
      blobs.set(url.searchParams.get('digest') ?? '', body);
      return answer(201);
    }
    const blob = /\/blobs\/(sha256:[0-9a-f]+)$/.exec(url.pathname)?.[1];
    if (blob) {
      const found = blobs.get(blob);
      return found
        ? answer(200, { 'content-length': String(found.length) }, method === 'HEAD' ? undefined : found)
        : answer(404);
    }
    const tags = /^\/v2\/(.+)\/tags\/list$/.exec(url.pathname)?.[1];
    if (tags) {
      const all = [...manifests.keys()].filter((key) => key.startsWith(`${tags}@`) && !key.includes('sha256:'));
      return answer(200, {}, JSON.stringify({ tags: all.map((key) => key.slice(tags.length + 1)) }));
    }
    const manifest = /^\/v2\/(.+)\/manifests\/(.+)$/.exec(url.pathname);
    if (!manifest) return answer(404);
    if (method === 'PUT') {
      const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`;
      for (const key of [manifest[2] ?? '', digest]) manifests.set(`${manifest[1]}@${key}`, { type, bytes: body });
      return answer(201, { 'docker-content-digest': digest });
    }
    const stored = manifests.get(`${manifest[1]}@${manifest[2]}`);
    return stored ? answer(200, { 'content-type': stored.type }, stored.bytes) : answer(404);
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host,
    requests,
    blobs,
    manifests,
    failNext: (pattern, status, times = 1) => void failures.push({ pattern, status, times }),
    protect: (kind) => void (protection = kind),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
