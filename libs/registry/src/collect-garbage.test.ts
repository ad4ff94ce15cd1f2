import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog, type HttpResponse } from '@sluice/runtime';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createRegistry, type Registry } from './registry.ts';

const hourMs = 3_600_000;
const all = { minAgeMs: hourMs };
let directory: string;
let registry: Registry;
/** How far the clock of the registry is ahead of the files that were written. */
let laterMs = 0;

beforeEach(async () => {
  laterMs = 0;
  directory = await mkdtemp(join(tmpdir(), 'registry-'));
  registry = await createRegistry({ directory, log: silentLog, now: () => Date.now() + laterMs });
});

afterEach(async () => {
  await registry.close();
  await rm(directory, { recursive: true });
});

const sha = (bytes: string): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const call = (
  method: string,
  path: string,
  body?: string,
  headers: Record<string, string> = {},
): Promise<HttpResponse> => registry.handle({ method, path, headers, ...(body === undefined ? {} : { body }) });
const blobs = async (): Promise<number> => (await readdir(join(directory, 'blobs', 'sha256'))).length;

async function push(name: string, reference: string, layer: string, extra: object = {}): Promise<string> {
  for (const content of ['{}', layer]) await call('POST', `/v2/${name}/blobs/uploads/?digest=${sha(content)}`, content);
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const config = { mediaType: 'application/x', digest: sha('{}'), size: 2 };
  const layers = [{ mediaType: 'application/x', digest: sha(layer), size: layer.length }];
  const manifest = JSON.stringify({ schemaVersion: 2, mediaType, config, layers, ...extra });
  const path = `/v2/${name}/manifests/${reference || sha(manifest)}`;
  expect((await call('PUT', path, manifest, { 'content-type': mediaType })).status).toBe(201);
  return sha(manifest);
}

test('what a manifest names stays, what nobody names goes', async () => {
  await push('a', 'v1', 'one');
  await call('POST', `/v2/a/blobs/uploads/?digest=${sha('alone')}`, 'alone');
  laterMs = 2 * hourMs;
  expect(await registry.collectGarbage(all)).toEqual({ manifests: 0, blobs: 1, bytes: 5 });
  expect((await call('GET', `/v2/a/blobs/${sha('alone')}`)).status).toBe(404);
  expect((await call('GET', '/v2/a/manifests/v1')).status).toBe(200);
  expect(await registry.collectGarbage(all)).toEqual({ manifests: 0, blobs: 0, bytes: 0 });
});

test('a push that goes on is not disturbed: what is young or was just asked for stays', async () => {
  await call('POST', `/v2/a/blobs/uploads/?digest=${sha('alone')}`, 'alone');
  expect((await registry.collectGarbage(all)).blobs).toBe(0);
});

test('a deleted manifest frees its layers, but not those that another one has', async () => {
  const gone = await push('a', 'v1', 'one');
  await push('b', 'v1', 'two');
  await push('b', 'v2', 'one');
  await call('DELETE', `/v2/a/manifests/${gone}`);
  laterMs = 2 * hourMs;
  const before = await blobs();
  await registry.collectGarbage(all);
  // The manifests of a:v1 and b:v2 are the same bytes, so nothing at all is free.
  expect(await blobs()).toBe(before);
  expect((await call('GET', `/v2/a/blobs/${sha('one')}`)).status).toBe(404);
  expect((await call('GET', `/v2/b/blobs/${sha('one')}`)).status).toBe(200);
});

test('manifests without a tag go on demand, unless they are in use, listed, or signatures of something', async () => {
  const tagged = await push('a', 'v1', 'one');
  const used = await push('a', '', 'used');
  const unused = await push('a', '', 'unused');
  const subject = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: tagged, size: 1 };
  const signature = await push('a', '', 'signature', { subject });
  const lost = await push('a', '', 'lost', { subject: { ...subject, digest: unused } });
  laterMs = 2 * hourMs;
  expect((await registry.collectGarbage(all)).manifests).toBe(0);
  const garbage = await registry.collectGarbage({ ...all, untagged: true, inUse: new Set([used]) });
  expect(garbage.manifests).toBe(2);
  const status = async (digest: string): Promise<number> => (await call('GET', `/v2/a/manifests/${digest}`)).status;
  expect(await Promise.all([tagged, used, signature, unused, lost].map(status))).toEqual([200, 200, 200, 404, 404]);
});
