import { TerminalError, TransientError } from '@sluice/model';
import { mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findGit } from './find-git.ts';
import { createMirrorGit } from './mirror-git.ts';
import { createMirrors, type Mirror } from './mirrors.ts';
import { makeTestRepository, type TestRepository } from './testing.ts';
import { tidyMirror } from './tidy-mirror.ts';

let origin: TestRepository;
let directory: string;
let mirror: Mirror;

beforeEach(async () => {
  origin = await makeTestRepository();
  directory = await mkdtemp(join(tmpdir(), 'sluice-mirrors-'));
  mirror = await openMirror(origin.url);
});
afterEach(async () => {
  await origin.remove();
  await rm(directory, { recursive: true, force: true });
});

async function openMirror(url: string): Promise<Mirror> {
  const { binary } = await findGit({ path: process.env['PATH'] ?? '' });
  return createMirrors({ directory, git: binary, policy: { protocols: ['file'] } }).open({ id: 'uid-1', url });
}

const reasonOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'nothing thrown',
    (error: unknown) => (error instanceof TerminalError ? error.reason : (error as Error).name),
  );

test('commits are fetched once, read back, and found again without the remote', async () => {
  const sha = await origin.commit('first\n\nbody', { '.sluice/ci.yaml': 'a: 1\n', 'src/x': 'x' });
  await mirror.ensureCommits([sha]);
  expect(await mirror.readMessage(sha)).toBe('first\n\nbody');
  expect(await mirror.readTree(sha, '.sluice/')).toEqual([{ path: '.sluice/ci.yaml', text: 'a: 1\n' }]);
  await origin.remove();
  await mirror.ensureCommits([sha]);
  expect(await reasonOf(mirror.ensureCommits(['a'.repeat(40)]))).toBe(TransientError.name);
});

test('a commit that no branch holds any more can be fetched; one that never was is named', async () => {
  await origin.commit('first', { a: '1' });
  const orphan = await origin.commit('second', { a: '2' });
  await origin.git('reset', '-q', '--hard', 'HEAD~1');
  await mirror.ensureCommits([orphan]);
  expect(await mirror.readMessage(orphan)).toBe('second');
  const missing = 'b'.repeat(40);
  expect(await reasonOf(mirror.ensureCommits([missing]))).toBe('CommitNotFound');
  await expect(mirror.ensureCommits([missing])).rejects.toThrow(missing);
});

test('a tree is read without links, submodules or anything outside the prefix', async () => {
  await symlink('/etc/passwd', join(origin.directory, 'link'));
  await origin.git('-c', 'protocol.file.allow=always', 'submodule', 'add', '-q', (await other()).url, '.sluice/module');
  const sha = await origin.commit('files', {
    '.sluice/b.yaml': 'b',
    '.sluice/a.yaml': 'ä',
    '.sluice/deep/new\nline': 'n',
    '.sluicer/x': 'x',
    other: 'o',
  });
  await origin.git('mv', 'link', '.sluice/link');
  const linked = await origin.commit('link', {});
  await mirror.ensureCommits([linked]);
  const want = ['.sluice/a.yaml', '.sluice/b.yaml', '.sluice/deep/new\nline'];
  expect((await mirror.readTree(linked, '.sluice/')).map(({ path }) => path)).toEqual(want);
  expect((await mirror.readTree(sha, '.sluice/'))[0]?.text).toBe('ä');
});

test('a directory that is a link is empty, a missing one too', async () => {
  await symlink('/etc', join(origin.directory, '.sluice'));
  const sha = await origin.commit('link', {});
  await mirror.ensureCommits([sha]);
  expect(await mirror.readTree(sha, '.sluice/')).toEqual([]);
  expect(await mirror.readTree(sha, 'nowhere/')).toEqual([]);
});

test('a file that is too long is refused by name', async () => {
  const sha = await origin.commit('big', { '.sluice/big.yaml': 'x'.repeat(1024 * 1024 + 1) });
  await mirror.ensureCommits([sha]);
  expect(await reasonOf(mirror.readTree(sha, '.sluice/'))).toBe('TreeTooLarge');
  await expect(mirror.readTree(sha, '.sluice/')).rejects.toThrow('.sluice/big.yaml has 1048577 bytes');
});

test('changed paths count from where the branches parted', async () => {
  const base = await origin.commit('base', { a: '1', b: '1' });
  await origin.git('checkout', '-q', '-b', 'topic');
  const topic = await origin.commit('topic', { b: '2', 'dir/ü': 'new' });
  await origin.git('checkout', '-q', 'main');
  const main = await origin.commit('main', { a: '2' });
  await mirror.ensureCommits([main, topic]);
  expect(await mirror.changedPaths(main, topic)).toEqual(['b', 'dir/ü']);
  expect(await mirror.changedPaths(base, topic)).toEqual(['b', 'dir/ü']);
  expect(await mirror.changedPaths(topic, topic)).toEqual([]);
});

test('changed paths are unknown without a common commit or without the base', async () => {
  const first = await origin.commit('first', { a: '1' });
  await origin.git('checkout', '-q', '--orphan', 'other');
  const second = await origin.commit('second', { b: '1' });
  await mirror.ensureCommits([first, second]);
  expect(await mirror.changedPaths(first, second)).toBe('unknown');
  expect(await mirror.changedPaths('c'.repeat(40), second)).toBe('unknown');
});

test('refs are listed with tags peeled', async () => {
  const sha = await origin.commit('first', { a: '1' });
  await origin.git('tag', '-a', '-m', 'v1', 'v1');
  expect(Object.fromEntries(await mirror.listRefs())).toEqual({ 'refs/heads/main': sha, 'refs/tags/v1': sha });
});

test.for([
  { url: 'ext::sh -c id', want: 'RemoteRefused' },
  { url: 'EXT::sh', want: 'RemoteRefused' },
  { url: 'git@host:-oProxyCommand=x', want: 'RemoteRefused' },
  { url: '--upload-pack=touch', want: 'RemoteRefused' },
  { url: 'ssh://host/x', want: 'RemoteRefused' },
])('$url never reaches git', async ({ url, want }) => {
  const open = await openMirror(url);
  expect(await reasonOf(open.ensureCommits(['a'.repeat(40)]))).toBe(want);
});

test('an old mirror keeps the newest five hundred commits and still serves the rest by fetching again', async () => {
  const first = await origin.commit('first', { a: '1' });
  await mirror.ensureCommits([first]);
  const { binary } = await findGit({ path: process.env['PATH'] ?? '' });
  const [name] = (await readdir(directory)).filter((entry) => entry.endsWith('.git'));
  const gitDir = join(directory, name ?? '');
  const git = createMirrorGit({ binary, gitDir, home: directory, protocols: ['file'] });
  const fake = Array.from({ length: 600 }, (_, index) => `create refs/kept/${index} ${first}\n`).join('');
  await git(['update-ref', '--stdin'], { input: fake });
  await tidyMirror(git);
  const { stdout } = await git(['for-each-ref', '--format=%(refname)', 'refs/kept/']);
  expect(stdout.toString().trim().split('\n')).toHaveLength(500);
  await mirror.ensureCommits([first]);
});

test('something that is not a commit id never reaches git', async () => {
  expect(await reasonOf(mirror.ensureCommits(['--all']))).toBe('BadCommitId');
  expect(await reasonOf(mirror.readTree('HEAD', '.sluice/'))).toBe('BadCommitId');
});

test('an aborted fetch ends', async () => {
  expect(await reasonOf(mirror.ensureCommits(['a'.repeat(40)], AbortSignal.abort()))).toBe(TransientError.name);
});

const others: TestRepository[] = [];
afterEach(async () => {
  for (const repository of others.splice(0)) await repository.remove();
});
async function other(): Promise<TestRepository> {
  const repository = await makeTestRepository();
  others.push(repository);
  await repository.commit('x', { x: 'x' });
  return repository;
}
