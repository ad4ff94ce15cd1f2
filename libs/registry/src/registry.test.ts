import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readBody, silentLog, type HttpResponse } from '@sluice/runtime';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createRegistry, type Registry } from './registry.ts';

let directory: string;
let registry: Registry;
let nowMs = 0;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'registry-'));
  registry = await createRegistry({ directory, log: silentLog, maxBlobBytes: 1_000, now: () => nowMs });
});

afterEach(async () => {
  await registry.close();
  await rm(directory, { recursive: true });
});

const sha = (bytes: string | Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

async function call(
  method: string,
  path: string,
  body?: string,
  headers: Record<string, string> = {},
): Promise<HttpResponse> {
  return registry.handle({ method, path, headers, ...(body === undefined ? {} : { body }) });
}

async function textOf(response: HttpResponse): Promise<string> {
  return Buffer.from(await readBody(response.body, 1_000_000)).toString();
}

async function errorOf(response: HttpResponse): Promise<string> {
  return (JSON.parse(await textOf(response)) as { errors: { code: string }[] }).errors[0]?.code ?? '';
}

async function pushBlob(name: string, content: string): Promise<string> {
  const response = await call('POST', `/v2/${name}/blobs/uploads/?digest=${sha(content)}`, content);
  expect(response.status).toBe(201);
  return sha(content);
}

async function pushManifest(name: string, tag: string, layer = 'layer', extra: object = {}): Promise<string> {
  const config = await pushBlob(name, '{}');
  const digest = await pushBlob(name, layer);
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/x', digest: config, size: 2 },
    layers: [{ mediaType: 'application/x', digest, size: layer.length }],
    ...extra,
  });
  const headers = { 'content-type': 'application/vnd.oci.image.manifest.v1+json' };
  const response = await call('PUT', `/v2/${name}/manifests/${tag}`, manifest, headers);
  expect(response.status).toBe(201);
  return response.headers['docker-content-digest'] ?? '';
}

test('a blob that was pushed whole is pulled back, also in part', async () => {
  const digest = await pushBlob('team/app', 'hello world');
  const whole = await call('GET', `/v2/team/app/blobs/${digest}`);
  expect([whole.status, await textOf(whole)]).toEqual([200, 'hello world']);
  const head = await call('HEAD', `/v2/team/app/blobs/${digest}`);
  expect([head.status, head.headers['content-length'], head.body]).toEqual([200, '11', undefined]);
  const part = await call('GET', `/v2/team/app/blobs/${digest}`, undefined, { range: 'bytes=6-8' });
  expect([part.status, await textOf(part), part.headers['content-range']]).toEqual([206, 'wor', 'bytes 6-8/11']);
  const tail = await call('GET', `/v2/team/app/blobs/${digest}`, undefined, { range: 'bytes=-5' });
  expect(await textOf(tail)).toBe('world');
  expect((await call('GET', `/v2/team/app/blobs/${digest}`, undefined, { range: 'bytes=11-' })).status).toBe(416);
});

test('a blob pushed in chunks is put together in order, and a chunk out of order is refused without harm', async () => {
  const start = await call('POST', '/v2/app/blobs/uploads/');
  const location = start.headers['location'] ?? '';
  expect(start.status).toBe(202);
  expect((await call('PATCH', location, 'hello ', { 'content-range': '0-5' })).headers['range']).toBe('0-5');
  expect((await call('PATCH', location, 'x', { 'content-range': '9-9' })).status).toBe(416);
  const end = await call('PUT', `${location}?digest=${sha('hello world')}`, 'world');
  expect(end.status).toBe(201);
  expect(await textOf(await call('GET', end.headers['location'] ?? ''))).toBe('hello world');
  expect(await errorOf(await call('PATCH', location, 'more'))).toBe('BLOB_UPLOAD_UNKNOWN');
});

test('content that does not match its digest is refused and leaves nothing behind', async () => {
  const response = await call('POST', `/v2/app/blobs/uploads/?digest=${sha('other')}`, 'content');
  expect([response.status, await errorOf(response)]).toEqual([400, 'DIGEST_INVALID']);
  expect(await readdir(join(directory, 'uploads'))).toEqual([]);
  expect((await call('HEAD', `/v2/app/blobs/${sha('content')}`)).status).toBe(404);
});

test('a blob above the cap is refused and its upload removed', async () => {
  const content = 'x'.repeat(1_001);
  const response = await call('POST', `/v2/app/blobs/uploads/?digest=${sha(content)}`, content);
  expect([response.status, await errorOf(response)]).toEqual([413, 'SIZE_INVALID']);
  expect(await readdir(join(directory, 'uploads'))).toEqual([]);
});

test('a blob is mounted from a repository that has it, and belongs to no other', async () => {
  const digest = await pushBlob('a', 'shared');
  expect((await call('HEAD', `/v2/b/blobs/${digest}`)).status).toBe(404);
  expect((await call('POST', `/v2/b/blobs/uploads/?mount=${digest}&from=a`)).status).toBe(201);
  expect((await call('HEAD', `/v2/b/blobs/${digest}`)).status).toBe(200);
  expect((await call('POST', `/v2/c/blobs/uploads/?mount=${digest}&from=nowhere`)).status).toBe(202);
});

test('a manifest is found by tag and by digest and moves with its tag', async () => {
  const first = await pushManifest('app', 'v1', 'one');
  const second = await pushManifest('app', 'v1', 'two');
  const byTag = await call('GET', '/v2/app/manifests/v1');
  expect(byTag.headers['docker-content-digest']).toBe(second);
  expect(sha(await textOf(byTag))).toBe(second);
  expect((await call('GET', `/v2/app/manifests/${first}`)).status).toBe(200);
  expect((await registry.localManifest('app', 'v1'))?.digest).toBe(second);
});

test('a manifest that names a blob which was not pushed is refused', async () => {
  const manifest = JSON.stringify({
    schemaVersion: 2,
    config: { digest: sha('missing') },
    layers: [],
  });
  const headers = { 'content-type': 'application/vnd.oci.image.manifest.v1+json' };
  expect(await errorOf(await call('PUT', '/v2/app/manifests/v1', manifest, headers))).toBe('MANIFEST_BLOB_UNKNOWN');
});

test.for([
  ['not JSON', '{'],
  ['a list', '[]'],
  ['no schemaVersion', '{"config":{}}'],
  ['a hostile digest', '{"schemaVersion":2,"config":{"digest":"sha256:../../etc"},"layers":[]}'],
])('a manifest that is %s is refused', async ([, body]) => {
  const headers = { 'content-type': 'application/vnd.oci.image.manifest.v1+json' };
  expect(await errorOf(await call('PUT', '/v2/app/manifests/v1', body, headers))).toBe('MANIFEST_INVALID');
});

test('tags come in order and in pages', async () => {
  for (const tag of ['c', 'a', 'b']) await pushManifest('app', tag);
  const all = await call('GET', '/v2/app/tags/list');
  expect(JSON.parse(await textOf(all))).toEqual({ name: 'app', tags: ['a', 'b', 'c'] });
  const page = await call('GET', '/v2/app/tags/list?n=2');
  expect(JSON.parse(await textOf(page))).toEqual({ name: 'app', tags: ['a', 'b'] });
  expect(page.headers['link']).toBe('</v2/app/tags/list?n=2&last=b>; rel="next"');
  expect((await call('GET', '/v2/none/tags/list')).status).toBe(404);
  expect(JSON.parse(await textOf(await call('GET', '/v2/_catalog')))).toEqual({ repositories: ['app'] });
});

test('what refers to a manifest is listed, filtered by type', async () => {
  const subject = await pushManifest('app', 'v1');
  const digest = await pushManifest('app', 'sbom', 'sbom', { subject: { digest: subject }, artifactType: 'text/sbom' });
  const read = async (query = ''): Promise<string[]> => {
    const response = await call('GET', `/v2/app/referrers/${subject}${query}`);
    return (JSON.parse(await textOf(response)) as { manifests: { digest: string }[] }).manifests.map(
      (entry) => entry.digest,
    );
  };
  expect(await read()).toEqual([digest]);
  expect(await read('?artifactType=other')).toEqual([]);
  await call('DELETE', `/v2/app/manifests/${digest}`);
  expect(await read()).toEqual([]);
});

test('deleting a manifest removes its tags; deleting a tag leaves the manifest', async () => {
  const digest = await pushManifest('app', 'v1');
  await pushManifest('app', 'v2');
  await call('DELETE', '/v2/app/manifests/v2');
  expect((await call('GET', `/v2/app/manifests/${digest}`)).status).toBe(200);
  await call('DELETE', `/v2/app/manifests/${digest}`);
  expect(await errorOf(await call('GET', '/v2/app/manifests/v1'))).toBe('MANIFEST_UNKNOWN');
});

test.for(['/v2/UPPER/tags/list', '/v2/a/../b/_x/tags/list', '/v2/_blobs/tags/list', '/v2/a//b/tags/list'])(
  'the name in %s is refused',
  async (path) => {
    const response = await call('GET', path);
    expect([400, 404]).toContain(response.status);
  },
);

test('a damaged blob is not handed out as whole', async () => {
  const digest = await pushBlob('app', 'precious');
  const path = await registry.localPath(digest);
  expect(path && (await readFile(path, 'utf8'))).toBe('precious');
  await writeFile(path ?? '', 'Precious');
  expect(await registry.localPath(digest)).toBeUndefined();
  await expect(textOf(await call('GET', `/v2/app/blobs/${digest}`))).rejects.toThrow('damaged');
});

test('what was pushed is there after a restart, and a half upload is not', async () => {
  const digest = await pushManifest('app', 'v1');
  const { headers } = await call('POST', '/v2/app/blobs/uploads/');
  const earlier = registry;
  registry = await createRegistry({ directory, log: silentLog });
  expect((await registry.localManifest('app', 'v1'))?.digest).toBe(digest);
  expect(await errorOf(await call('PATCH', headers['location'] ?? '', 'x'))).toBe('BLOB_UPLOAD_UNKNOWN');
  await earlier.close();
});

test('uploads that nobody continues are given up after an hour', async () => {
  await call('POST', '/v2/app/blobs/uploads/');
  nowMs += 61 * 60_000;
  await call('POST', '/v2/app/blobs/uploads/');
  expect(await readdir(join(directory, 'uploads'))).toHaveLength(1);
});
