import { execFileSync } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { startS3Server } from '../testing/s3-server.ts';
import { makeWorkbench } from '../testing/workbench.ts';

const secrets = {
  'cred/access': 'AKIA1',
  'cred/secret': 'top/secret+key',
  'cred/wrong': 'other',
  'web/user': 'ann',
  'web/password': 'pw',
};

async function makeS3(options: { pageSize?: number } = {}) {
  const server = await startS3Server({ AKIA1: 'top/secret+key' }, options);
  onTestFinished(() => server.close());
  server.createBucket('my-bucket');
  const at = (key: string, more: object = {}) => ({
    s3: {
      endpoint: `minio:${server.port}`,
      bucket: 'my-bucket',
      insecure: true,
      key,
      accessKeySecret: { name: 'cred', key: 'access' },
      secretKeySecret: { name: 'cred', key: 'secret' },
      ...more,
    },
  });
  const bench = makeWorkbench(secrets, {
    resolveHost: (_namespace, host) => (host === 'minio' ? '127.0.0.1' : undefined),
  });
  return { server, at, ...bench };
}

test('s3: a file, a packed directory and a plain directory come back; the store’s name is one of the cluster', async () => {
  const { server, at, mover, context, path } = await makeS3({ pageSize: 1 });
  mkdirSync(path('out/sub'), { recursive: true });
  writeFileSync(path('out/a b+c.txt'), 'a');
  writeFileSync(path('out/sub/x'), 'x');
  await mover.keep({ name: 'one', archive: 'none', location: at('dir/one') }, path('out/sub/x'), context);
  await mover.keep({ name: 'tar', archive: 'tar', location: at('dir/t.tgz') }, path('out'), context);
  await mover.keep({ name: 'plain', archive: 'none', location: at('dir/plain') }, path('out'), context);
  expect([...(server.buckets.get('my-bucket')?.keys() ?? [])].toSorted()).toEqual([
    'dir/one',
    'dir/plain/a b+c.txt',
    'dir/plain/sub/x',
    'dir/t.tgz',
  ]);
  await mover.fetch({ name: 'i', path: '/i', location: at('dir/one') }, path('one'), context);
  await mover.fetch({ name: 'i', path: '/i', location: at('dir/t.tgz') }, path('tar'), context);
  await mover.fetch({ name: 'i', path: '/i', location: at('dir/plain') }, path('plain'), context);
  expect(readFileSync(path('one'), 'utf8')).toBe('x');
  expect(readFileSync(path('tar/sub/x'), 'utf8')).toBe('x');
  expect(readFileSync(path('plain/a b+c.txt'), 'utf8')).toBe('a');
  expect(await mover.list(at('dir/p'), context)).toEqual(['dir/plain/a b+c.txt', 'dir/plain/sub/x']);
  await mover.remove(at('dir/plain'), context);
  expect(await mover.list(at(''), context)).toEqual(['dir/one', 'dir/t.tgz']);
});

test('s3: a large file goes up in parts', async () => {
  const { server, at, mover, context, path } = await makeS3();
  const bytes = Buffer.alloc(20 * 2 ** 20, 'sluice');
  writeFileSync(path('big'), bytes);
  await mover.keep({ name: 'big', archive: 'none', location: at('big') }, path('big'), context);
  expect(server.requests.filter((line) => line.includes('partNumber=')).length).toBe(2);
  expect(server.buckets.get('my-bucket')?.get('big')?.equals(bytes)).toBe(true);
});

test('s3: a wrong secret is refused once, with what the store said and without the secret', async () => {
  const { server, at, mover, context, path } = await makeS3();
  writeFileSync(path('out'), 'x');
  const location = at('k', { secretKeySecret: { name: 'cred', key: 'wrong' } });
  const kept = mover.keep({ name: 'out', archive: 'none', location }, path('out'), context);
  await expect(kept).rejects.toThrow(/artifact "out": s3 bucket my-bucket: SignatureDoesNotMatch 403/);
  expect(server.requests).toHaveLength(1);
});

test('s3: a store that is overloaded for a while is asked again; one that stays so is an error', async () => {
  const { server, at, mover, context, path } = await makeS3();
  writeFileSync(path('out'), 'x');
  server.failNext(2, 503);
  await mover.keep({ name: 'out', archive: 'none', location: at('k') }, path('out'), context);
  server.failNext(100, 500);
  await expect(mover.fetch({ name: 'in', path: '/in', location: at('k') }, path('in'), context)).rejects.toThrow('500');
}, 20_000);

test('s3: a missing key, a missing bucket, and a bucket that is to be made', async () => {
  const { server, at, mover, context, path } = await makeS3();
  writeFileSync(path('out'), 'x');
  const fetch = mover.fetch({ name: 'in', path: '/in', location: at('none') }, path('in'), context);
  await expect(fetch).rejects.toThrow('bucket my-bucket has nothing at the key "none"');
  const away = mover.keep({ name: 'out', archive: 'none', location: at('k', { bucket: 'new' }) }, path('out'), context);
  await expect(away).rejects.toThrow(/NoSuchBucket .*createBucketIfNotPresent/);
  const made = at('k', { bucket: 'new', createBucketIfNotPresent: {} });
  await mover.keep({ name: 'out', archive: 'none', location: made }, path('out'), context);
  expect(server.buckets.get('new')?.has('k')).toBe(true);
});

test('s3: this machine’s own credentials are never lent, and an endpoint is a host', async () => {
  const { at, mover, context, path } = await makeS3();
  const fetch = (more: object) =>
    mover.fetch({ name: 'in', path: '/in', location: at('k', more) }, path('in'), context);
  await expect(fetch({ useSDKCreds: true })).rejects.toThrow('useSDKCreds is not supported');
  await expect(fetch({ accessKeySecret: undefined })).rejects.toThrow('needs accessKeySecret');
  await expect(fetch({ endpoint: 'http://evil/x?' })).rejects.toThrow('must be host or host:port');
});

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('http: headers and a password are sent, but the password not to where a redirect leads', async () => {
  const seen: unknown[] = [];
  const other = await serve((request, response) => {
    seen.push([request.headers['x-a'], request.headers.authorization]);
    response.end('content');
  });
  const first = await serve((request, response) => {
    seen.push([request.headers['x-a'], request.headers.authorization]);
    response.writeHead(302, { location: `${other}/there?token=x` }).end();
  });
  const { mover, context, path } = makeWorkbench(secrets);
  const basicAuth = { usernameSecret: { name: 'web', key: 'user' }, passwordSecret: { name: 'web', key: 'password' } };
  const http = { url: `${first}/f`, headers: [{ name: 'X-A', value: '1' }], auth: { basicAuth } };
  await mover.fetch({ name: 'in', path: '/in', location: { http } }, path('in'), context);
  expect(readFileSync(path('in'), 'utf8')).toBe('content');
  expect(seen).toEqual([
    ['1', `Basic ${Buffer.from('ann:pw').toString('base64')}`],
    ['1', undefined],
  ]);
});

test('http: a token is fetched for oauth2, and an artifact is sent by PUT', async () => {
  const seen: string[] = [];
  const server = await serve((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      seen.push(`${request.method} ${request.url} ${request.headers.authorization} ${body}`);
      response.end(request.url === '/token' ? '{"access_token":"t0"}' : '');
    });
  });
  const { mover, context, path } = makeWorkbench({ 'o/id': 'me', 'o/secret': 's', 'o/url': `${server}/token` });
  writeFileSync(path('out'), 'sent');
  const oauth2 = {
    clientIDSecret: { name: 'o', key: 'id' },
    clientSecretSecret: { name: 'o', key: 'secret' },
    tokenURLSecret: { name: 'o', key: 'url' },
    scopes: ['a', 'b'],
  };
  const location = { http: { url: `${server}/put`, auth: { oauth2 } } };
  await mover.keep({ name: 'out', archive: 'none', location }, path('out'), context);
  expect(seen).toEqual([
    `POST /token Basic ${Buffer.from('me:s').toString('base64')} grant_type=client_credentials&scope=a+b`,
    'PUT /put Bearer t0 sent',
  ]);
});

test.for([
  { status: 404, tries: 1, why: 'answered 404' },
  { status: 403, tries: 1, why: 'answered 403' },
  { status: 502, tries: 3, why: 'answered 502' },
])('http: an answer $status is tried $tries times and told', async ({ status, tries, why }) => {
  let count = 0;
  const url = await serve((_request, response) => {
    count++;
    response.writeHead(status).end();
  });
  const { mover, context, path } = makeWorkbench();
  const location = { http: { url: `${url}/f?secret=1` } };
  const fetch = mover.fetch({ name: 'in', path: '/in', location }, path('in'), context);
  await expect(fetch).rejects.toThrow(why);
  expect(count).toBe(tries);
  await expect(mover.fetch({ name: 'in', path: '/in', location }, path('in'), context)).rejects.not.toThrow('secret=1');
});

test('http: a body beyond the limit and redirects in a circle are stopped', async () => {
  const big = await serve((_request, response) => response.end('x'.repeat(100_000)));
  const circle = await serve((_request, response) => response.writeHead(302, { location: '/again' }).end());
  const { mover, context, path } = makeWorkbench({}, { limits: { maxBytes: 1_000, maxEntries: 10 } });
  const fetch = (url: string) =>
    mover.fetch({ name: 'in', path: '/in', location: { http: { url } } }, path('in'), context);
  await expect(fetch(big)).rejects.toThrow('more than 1000 bytes');
  await expect(fetch(circle)).rejects.toThrow('more than 5 redirects');
  await expect(fetch('file:///etc/passwd')).rejects.toThrow('only http and https');
});

function git(cwd: string, ...args: string[]): string {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: cwd,
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'a@b',
    GIT_COMMITTER_NAME: 'a',
    GIT_COMMITTER_EMAIL: 'a@b',
  };
  return execFileSync('git', ['-c', 'init.defaultBranch=main', ...args], { cwd, env })
    .toString()
    .trim();
}

/** A repository with two commits on main, a tag on the first and a branch, served as static files. */
async function makeRepository(): Promise<{
  url: string;
  first: string;
  bench: ReturnType<typeof makeWorkbench>;
  seen: string[];
}> {
  const bench = makeWorkbench(secrets);
  const work = bench.path('work');
  mkdirSync(work);
  git(work, 'init', '-q');
  writeFileSync(`${work}/f`, 'one');
  git(work, 'add', '.');
  git(work, 'commit', '-qm', 'one');
  const first = git(work, 'rev-parse', 'HEAD');
  git(work, 'tag', 'v1');
  git(work, 'branch', 'side');
  writeFileSync(`${work}/f`, 'two');
  git(work, 'commit', '-qam', 'two');
  git(bench.path('.'), 'clone', '-q', '--bare', work, bench.path('repo.git'));
  git(bench.path('repo.git'), 'update-server-info');
  const seen: string[] = [];
  const url = await serve((request, response) => {
    seen.push(String(request.headers.authorization));
    const file = bench.path(decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname.slice(1)));
    if (existsSync(file)) response.end(readFileSync(file));
    else response.writeHead(404).end();
  });
  return { url: `${url}/repo.git`, first, bench, seen };
}

test('git: the default branch, a branch, a tag and a commit are checked out; the password is not left behind', async () => {
  const { url, first, bench, seen } = await makeRepository();
  const { mover, context, path } = bench;
  const login = { usernameSecret: { name: 'web', key: 'user' }, passwordSecret: { name: 'web', key: 'password' } };
  const wants = [
    [{}, 'two'],
    [{ revision: 'side' }, 'one'],
    [{ revision: 'v1' }, 'one'],
    [{ revision: first }, 'one'],
    [{ branch: 'side', singleBranch: true }, 'one'],
  ] as const;
  for (const [index, [settings, want]] of wants.entries()) {
    const location = { git: { repo: url, ...login, ...settings } };
    await mover.fetch({ name: 'src', path: '/src', location }, path(`clone${index}`), context);
    expect(readFileSync(path(`clone${index}/f`), 'utf8')).toBe(want);
  }
  expect(seen).toContain(`Basic ${Buffer.from('ann:pw').toString('base64')}`);
  expect(readFileSync(path('clone0/.git/config'), 'utf8')).not.toMatch(/Basic|ann|pw/);
});

test('git: what is no remote or no revision is refused before git sees it; what is missing is told', async () => {
  const { url, bench } = await makeRepository();
  const { mover, context, path } = bench;
  const fetch = (settings: object) =>
    mover.fetch({ name: 'src', path: '/src', location: { git: settings as never } }, path('clone'), context);
  await expect(fetch({ repo: '/etc' })).rejects.toThrow('must be an http, https or ssh address');
  await expect(fetch({ repo: 'ext::sh -c id' })).rejects.toThrow('must be an http, https or ssh address');
  await expect(fetch({ repo: '--upload-pack=id' })).rejects.toThrow('must be an http');
  await expect(fetch({ repo: url, revision: '--orphan' })).rejects.toThrow('is no revision');
  await expect(fetch({ repo: url, revision: 'nowhere' })).rejects.toThrow(/git: .*nowhere/);
});
