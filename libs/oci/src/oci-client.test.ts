import { readFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret } from '@sluice/runtime';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { pushChart } from './artifact.ts';
import { contentOf, digestOf, mediaTypes } from './content.ts';
import { createOciClient } from './oci-client.ts';
import { startFakeRegistry, type FakeRegistry } from './testing.ts';

let registry: FakeRegistry;
let scratch: string;
const client = createOciClient({ backoffMs: () => 1, timeoutMs: 5_000 });
const metadata = { name: 'hello', version: '1.2.3+build', description: 'says hello' };

beforeEach(async () => {
  registry = await startFakeRegistry();
  scratch = await mkdtemp(join(tmpdir(), 'oci-client-'));
});

afterEach(async () => {
  await registry.close();
  await rm(scratch, { recursive: true });
});

const pushHello = () =>
  pushChart(client, `${registry.host}/charts/hello`, { archive: Buffer.from('archive'), metadata });

test('a chart is pushed under its version and pulled back by digest', async () => {
  const { digest, tag } = await pushHello();
  expect(tag).toBe('1.2.3_build');
  const resolved = await client.resolve(`oci://${registry.host}/charts/hello@${digest}`);
  expect(resolved.manifest.config.mediaType).toBe(mediaTypes.helmConfig);
  expect(resolved.manifest.layers.map((layer) => layer.mediaType)).toEqual([mediaTypes.helmChart]);
  expect(resolved.manifest.annotations).toEqual({
    'org.opencontainers.image.title': 'hello',
    'org.opencontainers.image.version': '1.2.3+build',
    'org.opencontainers.image.description': 'says hello',
  });
  const [layer] = resolved.manifest.layers;
  const bytes = layer && (await client.pullBlob(`${registry.host}/charts/hello`, layer, { maxBytes: 1_000 }));
  expect(Buffer.from(bytes ?? []).toString()).toBe('archive');
  expect((await client.resolve(`${registry.host}/charts/hello:${tag}`)).digest).toBe(digest);
  expect(await client.listTags(`${registry.host}/charts/hello`)).toEqual(['1.2.3_build']);
});

test('what the registry has already is not sent again', async () => {
  await pushHello();
  registry.requests.length = 0;
  await pushHello();
  expect(registry.requests.filter((line) => line.startsWith('POST'))).toEqual([]);
});

test('a registry that answers 503 for a moment is asked again, and one that stays away is given up', async () => {
  registry.failNext(/^HEAD/, 503, 2);
  await expect(pushHello()).resolves.toMatchObject({ tag: '1.2.3_build' });
  registry.failNext(/^GET/, 503, 100);
  await expect(client.resolve(`${registry.host}/charts/hello:x`)).rejects.toMatchObject({ failure: 'Unavailable' });
  expect(registry.requests.filter((line) => line.endsWith('manifests/x'))).toHaveLength(4);
});

test('what is not there is NotFound and is not asked for again', async () => {
  await expect(client.resolve(`${registry.host}/charts/none:1`)).rejects.toMatchObject({
    failure: 'NotFound',
    message: `cannot read the manifest of ${registry.host}/charts/none:1: it is not in the registry`,
  });
  expect(registry.requests).toHaveLength(1);
});

test('a manifest or a blob that is not what its digest says is refused and leaves no file', async () => {
  const { digest } = await pushHello();
  const content = contentOf('x', Buffer.from('wanted'));
  registry.blobs.set(content.descriptor.digest, Buffer.from('forged'));
  const path = join(scratch, 'blob');
  const repository = `${registry.host}/charts/hello`;
  const options = { path, maxBytes: 1_000 };
  await expect(client.downloadBlob(repository, content.descriptor, options)).rejects.toMatchObject({
    failure: 'DigestMismatch',
  });
  await expect(client.pullBlob(repository, content.descriptor, options)).rejects.toMatchObject({
    failure: 'DigestMismatch',
  });
  expect(await readdir(scratch)).toEqual([]);
  registry.manifests.set(`charts/hello@${digest}`, { type: mediaTypes.imageManifest, bytes: Buffer.from('{}') });
  await expect(client.resolve(`${repository}@${digest}`)).rejects.toMatchObject({ failure: 'DigestMismatch' });
});

test('a blob that is larger than allowed, or than it said, is cut off', async () => {
  const content = contentOf('x', Buffer.alloc(2_000));
  registry.blobs.set(content.descriptor.digest, Buffer.alloc(2_000));
  const repository = `${registry.host}/app`;
  await expect(client.pullBlob(repository, content.descriptor, { maxBytes: 1_000 })).rejects.toMatchObject({
    failure: 'TooLarge',
  });
  const modest = { ...content.descriptor, size: 10 };
  await expect(client.pullBlob(repository, modest, { maxBytes: 1_000 })).rejects.toMatchObject({ failure: 'TooLarge' });
});

test('a downloaded blob is whole in its file', async () => {
  const bytes = Buffer.from('content');
  registry.blobs.set(digestOf(bytes), bytes);
  const path = join(scratch, 'blob');
  await client.downloadBlob(`${registry.host}/app`, contentOf('x', bytes).descriptor, { path, maxBytes: 1_000 });
  expect(await readFile(path, 'utf8')).toBe('content');
});

test.for(['basic', 'bearer'] as const)(
  'a registry with %s login is used with credentials and refused without',
  async (kind) => {
    registry.protect(kind);
    await expect(pushHello()).rejects.toMatchObject({ failure: 'Denied' });
    const credentials = () => Promise.resolve({ username: 'user', password: new Secret('password') });
    const allowed = createOciClient({ credentials, backoffMs: () => 1 });
    const pushed = await pushChart(allowed, `${registry.host}/a`, { archive: Buffer.from('x'), metadata });
    await expect(allowed.resolve(`${registry.host}/a@${pushed.digest}`)).resolves.toMatchObject({
      digest: pushed.digest,
    });
  },
);

test('an aborted call ends at once with the reason of the signal', async () => {
  registry.failNext(/./, 503, 100);
  const slow = createOciClient({ backoffMs: () => 60_000 });
  const abort = new AbortController();
  const waiting = slow.resolve(`${registry.host}/a:1`, { signal: abort.signal });
  abort.abort(new Error('superseded'));
  await expect(waiting).rejects.toThrow('superseded');
});
