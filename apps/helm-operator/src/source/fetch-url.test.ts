import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApiServer } from '@sluice/apiserver';
import { Secret, silentLog } from '@sluice/runtime';
import { memoryStore } from '@sluice/store';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fetchUrl, type FetchOptions } from './fetch-url.ts';

let scratch: string;
const signal = new AbortController().signal;

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'fetch-'));
});

afterEach(() => rm(scratch, { recursive: true, force: true }));

const options = (more: Partial<FetchOptions> = {}): FetchOptions => ({
  access: {},
  timeoutMs: 5_000,
  maxBytes: 1_000,
  signal,
  path: join(scratch, 'file'),
  ...more,
});

type Answer = { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string };

async function serve(answer: (request: IncomingMessage) => Answer) {
  const server = createServer((request, response) => {
    const { status, headers = {}, body } = answer(request);
    response.writeHead(status, headers).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

test('a server with a certificate of its own is trusted by its authority only, and the error says how', async () => {
  const common = {
    store: memoryStore(),
    host: '127.0.0.1',
    port: 0,
    directory: scratch,
    log: silentLog,
    now: Date.now,
  };
  const api = await startApiServer(common);
  try {
    const url = `${api.url}/index.yaml`;
    await expect(fetchUrl(url, options())).rejects.toThrow('give the CA in spec.certSecretRef (key ca.crt)');
    const access = { tls: { ca: api.ca } };
    await expect(fetchUrl(url, options({ access }))).rejects.toThrow(/answered 401|is not there \(404\)|answered 403/);
  } finally {
    await api.close();
  }
});

test('credentials stay with their host when it redirects to another', async () => {
  const seen: string[] = [];
  const other = await serve(({ headers }) => {
    seen.push(headers.authorization ?? 'none');
    return { status: 200, body: 'chart' };
  });
  const first = await serve(() => ({ status: 302, headers: { location: `${other.url}/chart` } }));
  const access = { basic: { username: 'ada', password: new Secret('x') } };
  const fetched = await fetchUrl(`${first.url}/chart`, options({ access }));
  expect(fetched).toMatchObject({ kind: 'stored', size: 5 });
  expect(await readFile(join(scratch, 'file'), 'utf8')).toBe('chart');
  expect(seen).toEqual(['none']);
  await Promise.all([first.close(), other.close()]);
});

test('endless redirects, too much, and servers that are ill are told apart', async () => {
  const server = await serve(({ url }) => {
    if (url === '/loop') return { status: 302, headers: { location: '/loop' } };
    return url === '/ill' ? { status: 503 } : { status: 200, body: 'x'.repeat(2_000) };
  });
  await expect(fetchUrl(`${server.url}/loop`, options())).rejects.toThrow('redirects more than 5 times');
  await expect(fetchUrl(`${server.url}/large`, options())).rejects.toThrow('is larger than 1000 bytes');
  await expect(fetchUrl(`${server.url}/ill`, options())).rejects.toMatchObject({ transient: true });
  await server.close();
  await expect(fetchUrl(`${server.url}/gone`, options())).rejects.toMatchObject({
    transient: true,
    reason: 'FetchFailed',
  });
});
