import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type HttpServer, serveHttp, silentLog } from '@sluice/runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRegistry, type Registry } from '../src/registry.ts';

// The requirements of the OCI distribution specification 1.1 over a real connection. README.md lists which is shown by which test.
let directory: string;
let registry: Registry;
let server: HttpServer;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'registry-'));
  registry = await createRegistry({ directory, log: silentLog });
  server = await serveHttp(registry.handle, { host: '127.0.0.1', port: 0, onError: () => {} });
});
afterAll(async () => {
  await server.close();
  await registry.close();
  await rm(directory, { recursive: true });
});

const hash = (bytes: string | Uint8Array, algorithm = 'sha256'): string =>
  `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
const call = (method: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(new URL(path, server.url), { method, headers, ...(body === undefined ? {} : { body }) });
const codeOf = async (response: Response): Promise<string | undefined> =>
  ((await response.json()) as { errors: { code: string }[] }).errors[0]?.code;
const header = (response: Response, name: string): string => response.headers.get(name) ?? '';

async function pushBlob(name: string, content: string, algorithm?: string): Promise<string> {
  const digest = hash(content, algorithm);
  const response = await call('POST', `/v2/${name}/blobs/uploads/?digest=${digest}`, content);
  expect(response.status).toBe(201);
  return digest;
}

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const indexType = 'application/vnd.oci.image.index.v1+json';

async function manifestOf(name: string, layer: string, extra: object = {}, algorithm?: string): Promise<string> {
  const config = { mediaType: 'application/vnd.test.config', digest: await pushBlob(name, '{}'), size: 2 };
  const digest = await pushBlob(name, layer, algorithm);
  const layers = [{ mediaType: 'application/octet-stream', digest, size: layer.length }];
  return JSON.stringify({ schemaVersion: 2, mediaType: manifestType, config, layers, ...extra });
}

async function pushManifest(name: string, reference: string, manifest: string, type = manifestType): Promise<Response> {
  return call('PUT', `/v2/${name}/manifests/${reference}`, manifest, { 'content-type': type });
}

async function startUpload(name: string): Promise<string> {
  const response = await call('POST', `/v2/${name}/blobs/uploads/`);
  expect(response.status).toBe(202);
  return header(response, 'location');
}

describe('pull', () => {
  test('the base says that the API is spoken', async () => {
    const response = await call('GET', '/v2/');
    expect([response.status, header(response, 'docker-distribution-api-version')]).toEqual([200, 'registry/2.0']);
  });

  test('GET and HEAD of a manifest, by tag and by digest, agree in type, digest and length', async () => {
    const manifest = await manifestOf('pull/a', 'layer');
    await pushManifest('pull/a', 'v1', manifest);
    for (const reference of ['v1', hash(manifest)]) {
      const got = await call('GET', `/v2/pull/a/manifests/${reference}`);
      const head = await call('HEAD', `/v2/pull/a/manifests/${reference}`);
      expect([got.status, await got.text(), head.status, await head.text()]).toEqual([200, manifest, 200, '']);
      for (const response of [got, head]) {
        expect(header(response, 'content-type')).toBe(manifestType);
        expect(header(response, 'docker-content-digest')).toBe(hash(manifest));
        expect(header(response, 'content-length')).toBe(String(manifest.length));
      }
    }
  });

  test('GET and HEAD of a blob; a part of it by range; a part that is not there is refused with the size', async () => {
    const digest = await pushBlob('pull/b', '0123456789');
    const path = `/v2/pull/b/blobs/${digest}`;
    const head = await call('HEAD', path);
    expect([head.status, header(head, 'content-length')]).toEqual([200, '10']);
    const part = await call('GET', path, undefined, { range: 'bytes=2-4' });
    expect([part.status, await part.text(), header(part, 'content-range')]).toEqual([206, '234', 'bytes 2-4/10']);
    const beyond = await call('GET', path, undefined, { range: 'bytes=10-' });
    expect([beyond.status, header(beyond, 'content-range')]).toEqual([416, 'bytes */10']);
  });

  test.for([
    { what: 'manifest', path: '/v2/pull/none/manifests/v1', code: 'MANIFEST_UNKNOWN' },
    { what: 'blob', path: `/v2/pull/none/blobs/${hash('none')}`, code: 'BLOB_UNKNOWN' },
    { what: 'list of tags', path: '/v2/pull/none/tags/list', code: 'NAME_UNKNOWN' },
  ])('a missing $what is a 404 with the code $code', async ({ path, code }) => {
    const response = await call('GET', path);
    expect([response.status, await codeOf(response)]).toEqual([404, code]);
    expect((await call('HEAD', path)).status).toBe(404);
  });

  test('a blob damaged on disk is never handed out as whole, nor a part of it', async () => {
    const digest = await pushBlob('pull/c', 'x'.repeat(100_000));
    await truncate(join(directory, 'blobs', 'sha256', digest.slice(7)), 99_999);
    const path = `/v2/pull/c/blobs/${digest}`;
    await expect(call('GET', path).then((response) => response.arrayBuffer())).rejects.toThrow('terminated');
    expect((await call('GET', path, undefined, { range: 'bytes=0-9' })).status).toBe(500);
  });
});

describe('push', () => {
  test('a blob in one POST, in POST and PUT, and in chunks', async () => {
    await pushBlob('push/a', 'one');
    const location = await startUpload('push/a');
    const put = await call('PUT', `${location}?digest=${hash('two')}`, 'two');
    expect([put.status, header(put, 'location')]).toEqual([201, `/v2/push/a/blobs/${hash('two')}`]);
    const session = await startUpload('push/a');
    const first = await call('PATCH', session, 'thr', { 'content-range': '0-2' });
    expect([first.status, header(first, 'range')]).toEqual([202, '0-2']);
    const last = await call('PUT', `${header(first, 'location')}?digest=${hash('three')}`, 'ee', {
      'content-range': '3-4',
    });
    expect(last.status).toBe(201);
    for (const content of ['one', 'two', 'three']) {
      expect(await (await call('GET', `/v2/push/a/blobs/${hash(content)}`)).text()).toBe(content);
    }
  });

  test('a chunk out of order is refused with 416, the session says where it stands and goes on', async () => {
    const session = await startUpload('push/b');
    await call('PATCH', session, 'abc', { 'content-range': '0-2' });
    expect((await call('PATCH', session, 'abc', { 'content-range': '5-7' })).status).toBe(416);
    expect((await call('PUT', `${session}?digest=${hash('abcdef')}`, 'abc', { 'content-range': '0-2' })).status).toBe(
      416,
    );
    const progress = await call('GET', session);
    expect([progress.status, header(progress, 'range'), header(progress, 'location')]).toEqual([204, '0-2', session]);
    expect((await call('PATCH', session, 'def', { 'content-range': '3-5' })).status).toBe(202);
    expect((await call('PUT', `${session}?digest=${hash('abcdef')}`)).status).toBe(201);
  });

  test('an upload whose connection was lost goes on where it stands', async () => {
    const session = await startUpload('push/lost');
    await new Promise<void>((resolve) => {
      const request = httpRequest(new URL(session, server.url), {
        method: 'PATCH',
        headers: { 'content-length': '1000' },
      });
      request.on('error', () => resolve());
      request.write('abc', () => setTimeout(() => request.destroy(), 50));
    });
    // The server notices when it notices: until then the session belongs to the first request.
    await expect.poll(async () => header(await call('GET', session), 'range')).toBe('0-2');
    await expect.poll(async () => (await call('PATCH', session, 'def', { 'content-range': '3-5' })).status).toBe(202);
    expect((await call('PUT', `${session}?digest=${hash('abcdef')}`)).status).toBe(201);
  });

  test('an upload that is cancelled is gone', async () => {
    const session = await startUpload('push/c');
    expect((await call('DELETE', session)).status).toBe(204);
    const after = await call('PATCH', session, 'x');
    expect([after.status, await codeOf(after)]).toEqual([404, 'BLOB_UPLOAD_UNKNOWN']);
  });

  test('a blob is mounted from another repository; one that is not there opens an upload instead', async () => {
    const digest = await pushBlob('push/from', 'shared');
    const mounted = await call('POST', `/v2/push/to/blobs/uploads/?mount=${digest}&from=push/from`);
    expect([mounted.status, header(mounted, 'location')]).toEqual([201, `/v2/push/to/blobs/${digest}`]);
    expect((await call('HEAD', `/v2/push/to/blobs/${digest}`)).status).toBe(200);
    for (const query of [`mount=${hash('other')}&from=push/from`, `mount=${digest}`, `mount=${digest}&from=push/x`]) {
      const started = await call('POST', `/v2/push/third/blobs/uploads/?${query}`);
      expect([started.status, header(started, 'location')]).toEqual([
        202,
        expect.stringContaining('/v2/push/third/blobs/uploads/'),
      ]);
    }
  });

  test.for(['sha256', 'sha512'])('content is checked against its %s digest when it is written', async (algorithm) => {
    const digest = await pushBlob(`push/${algorithm}`, 'right', algorithm);
    expect(await (await call('GET', `/v2/push/${algorithm}/blobs/${digest}`)).text()).toBe('right');
    const wrong = await call('POST', `/v2/push/${algorithm}/blobs/uploads/?digest=${digest}`, 'wrong');
    expect([wrong.status, await codeOf(wrong)]).toEqual([400, 'DIGEST_INVALID']);
    const manifest = await manifestOf(`push/${algorithm}`, 'layer', {}, algorithm);
    const pushed = await pushManifest(`push/${algorithm}`, hash(manifest, algorithm), manifest);
    expect([pushed.status, header(pushed, 'docker-content-digest')]).toEqual([201, hash(manifest, algorithm)]);
    const changed = await pushManifest(`push/${algorithm}`, hash(manifest, algorithm), `${manifest} `);
    expect([changed.status, await codeOf(changed)]).toEqual([400, 'DIGEST_INVALID']);
  });

  test('sha512 content is read back after a restart, and checked', async () => {
    const digest = await pushBlob('push/again', 'kept', 'sha512');
    const again = await createRegistry({ directory, log: silentLog });
    expect(await again.localPath(digest)).toBe(join(directory, 'blobs', 'sha512', digest.slice(7)));
    await again.close();
  });

  test('a manifest is kept byte for byte and moves with its tag', async () => {
    const first = await manifestOf('push/d', 'one');
    const second = `${await manifestOf('push/d', 'two')}\n`;
    const pushed = await pushManifest('push/d', 'latest', first);
    expect([pushed.status, header(pushed, 'location')]).toEqual([201, `/v2/push/d/manifests/${hash(first)}`]);
    await pushManifest('push/d', 'latest', second);
    expect(await (await call('GET', '/v2/push/d/manifests/latest')).text()).toBe(second);
    expect(await (await call('GET', `/v2/push/d/manifests/${hash(first)}`)).text()).toBe(first);
  });

  test('a manifest that names a blob which is not there is refused; a layer that lies elsewhere is not asked for', async () => {
    const manifest = JSON.parse(await manifestOf('push/e', 'layer')) as { layers: object[] };
    const missing = { mediaType: 'application/octet-stream', digest: hash('missing'), size: 7 };
    const refused = await pushManifest('push/e', 'v1', JSON.stringify({ ...manifest, layers: [missing] }));
    expect([refused.status, await codeOf(refused)]).toEqual([404, 'MANIFEST_BLOB_UNKNOWN']);
    const foreign = { ...missing, mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip' };
    const taken = await pushManifest('push/e', 'v1', JSON.stringify({ ...manifest, layers: [foreign] }));
    expect(taken.status).toBe(201);
  });

  test('an index is taken once the manifests that it lists are there', async () => {
    const manifest = await manifestOf('push/f', 'layer');
    const entry = { mediaType: manifestType, digest: hash(manifest), size: manifest.length };
    const index = JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests: [entry] });
    expect((await pushManifest('push/f', 'v1', index, indexType)).status).toBe(404);
    await pushManifest('push/f', hash(manifest), manifest);
    expect((await pushManifest('push/f', 'v1', index, indexType)).status).toBe(201);
    expect(header(await call('HEAD', '/v2/push/f/manifests/v1'), 'content-type')).toBe(indexType);
  });

  test.for([
    { what: 'text that is no JSON', body: 'x', type: manifestType },
    { what: 'a media type that differs from the header', body: `{"mediaType":"${indexType}"}`, type: manifestType },
    { what: 'a type that is not kept', body: '{"schemaVersion":1}', type: 'application/json' },
    {
      what: 'a digest that is none',
      body: '{"schemaVersion":2,"config":{"digest":"md5:1"},"layers":[]}',
      type: manifestType,
    },
  ])('a manifest with $what is refused', async ({ body, type }) => {
    const response = await pushManifest('push/g', 'v1', body, type);
    expect([response.status, await codeOf(response)]).toEqual([400, 'MANIFEST_INVALID']);
  });
});

describe('discovery', () => {
  test('tags come in order, in pages, and none at all when none is asked for', async () => {
    const manifest = await manifestOf('list/a', 'layer');
    for (const tag of ['c', 'a', 'b', 'B']) await pushManifest('list/a', tag, manifest);
    const page = async (query: string) => {
      const response = await call('GET', `/v2/list/a/tags/list${query}`);
      return { ...((await response.json()) as object), link: header(response, 'link') };
    };
    expect(await page('')).toEqual({ name: 'list/a', tags: ['B', 'a', 'b', 'c'], link: '' });
    expect(await page('?n=0')).toMatchObject({ tags: [] });
    const first = await page('?n=2');
    expect(first).toMatchObject({ tags: ['B', 'a'], link: '</v2/list/a/tags/list?n=2&last=a>; rel="next"' });
    expect(await page('?n=2&last=a')).toMatchObject({ tags: ['b', 'c'], link: '' });
  });

  test('what refers to a manifest is listed, also before the manifest is there, and filtered by type', async () => {
    const subject = await manifestOf('refer/a', 'layer');
    const descriptor = { mediaType: manifestType, digest: hash(subject), size: subject.length };
    const signature = await manifestOf('refer/a', 'signature', {
      subject: descriptor,
      artifactType: 'application/vnd.test.signature',
      annotations: { by: 'me' },
    });
    const plain = await manifestOf('refer/a', 'plain', { subject: descriptor });
    for (const manifest of [signature, plain]) {
      const pushed = await pushManifest('refer/a', hash(manifest), manifest);
      expect([pushed.status, header(pushed, 'oci-subject')]).toEqual([201, hash(subject)]);
    }
    await pushManifest('refer/a', 'v1', subject);
    type Index = { mediaType: string; manifests: { digest: string; artifactType?: string; annotations?: object }[] };
    const all = await call('GET', `/v2/refer/a/referrers/${hash(subject)}`);
    expect(header(all, 'content-type')).toBe(indexType);
    const { manifests } = (await all.json()) as Index;
    expect(new Set(manifests.map(({ artifactType }) => artifactType))).toEqual(
      new Set(['application/vnd.test.signature', 'application/vnd.test.config']),
    );
    const query = '?artifactType=application/vnd.test.signature';
    const some = await call('GET', `/v2/refer/a/referrers/${hash(subject)}${query}`);
    expect(header(some, 'oci-filters-applied')).toBe('artifactType');
    expect(((await some.json()) as Index).manifests).toMatchObject([
      { digest: hash(signature), annotations: { by: 'me' } },
    ]);
    await call('DELETE', `/v2/refer/a/manifests/${hash(signature)}`);
    const after = (await (await call('GET', `/v2/refer/a/referrers/${hash(subject)}`)).json()) as Index;
    expect(after.manifests.map(({ digest }) => digest)).toEqual([hash(plain)]);
  });

  test('nothing refers to an unknown manifest: an empty list; a digest that is none is refused', async () => {
    const none = await call('GET', `/v2/refer/none/referrers/${hash('none')}`);
    expect([none.status, ((await none.json()) as { manifests: unknown }).manifests]).toEqual([200, []]);
    expect((await call('GET', '/v2/refer/none/referrers/v1')).status).toBe(400);
  });
});

describe('content management', () => {
  test('a tag goes alone, a manifest goes with its tags, a blob goes from its repository only', async () => {
    const manifest = await manifestOf('delete/a', 'layer');
    const layer = hash('layer');
    await call('POST', `/v2/delete/b/blobs/uploads/?mount=${layer}&from=delete/a`);
    for (const tag of ['v1', 'v2']) await pushManifest('delete/a', tag, manifest);
    expect((await call('DELETE', '/v2/delete/a/manifests/v1')).status).toBe(202);
    expect((await call('GET', '/v2/delete/a/manifests/v1')).status).toBe(404);
    expect((await call('GET', '/v2/delete/a/manifests/v2')).status).toBe(200);
    expect((await call('DELETE', `/v2/delete/a/manifests/${hash(manifest)}`)).status).toBe(202);
    expect((await call('GET', '/v2/delete/a/manifests/v2')).status).toBe(404);
    expect((await call('DELETE', `/v2/delete/a/blobs/${layer}`)).status).toBe(202);
    expect((await call('GET', `/v2/delete/a/blobs/${layer}`)).status).toBe(404);
    expect((await call('GET', `/v2/delete/b/blobs/${layer}`)).status).toBe(200);
  });

  test.for([
    `/v2/delete/none/manifests/${hash('none')}`,
    '/v2/delete/none/manifests/v1',
    `/v2/delete/none/blobs/${hash('n')}`,
  ])('deleting what is not there is a 404: %s', async (path) => {
    expect((await call('DELETE', path)).status).toBe(404);
  });
});

test('pushes beside a garbage collection that never stops lose nothing', async () => {
  let pushing = true;
  const collecting = (async () => {
    // Nothing is young enough to be spared for its age: only the order of things protects a push.
    while (pushing) await registry.collectGarbage({ minAgeMs: -1_000, untagged: true });
  })();
  const kept: string[] = [];
  for (let round = 0; round < 25; round++) {
    const name = `race/${round % 3}`;
    // What a client finds missing when it pushes the manifest it pushes again, as clients do.
    for (let attempt = 0; ; attempt++) {
      const manifest = await manifestOf(name, `layer ${round}`);
      const { status } = await pushManifest(name, `v${round}`, manifest);
      if (status === 201) break;
      expect([status, attempt < 50]).toEqual([404, true]);
    }
    kept.push(`${name}/manifests/v${round}`);
  }
  pushing = false;
  await collecting;
  for (const path of kept) {
    const response = await call('GET', `/v2/${path}`);
    expect([path, response.status]).toEqual([path, 200]);
    const { layers, config } = (await response.json()) as { layers: { digest: string }[]; config: { digest: string } };
    const [name] = path.split('/manifests/');
    for (const { digest } of [...layers, config]) {
      expect((await call('GET', `/v2/${name}/blobs/${digest}`)).status).toBe(200);
    }
  }
  expect(await readdir(join(directory, 'uploads'))).toEqual([]);
});
