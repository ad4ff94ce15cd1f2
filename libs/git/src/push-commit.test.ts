import { TerminalError } from '@sluice/model';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findGit } from './find-git.ts';
import { createMirrors, type Mirror } from './mirrors.ts';
import { makeTestRepository, type TestRepository } from './testing.ts';

let origin: TestRepository;
let directory: string;
let mirror: Mirror;

beforeEach(async () => {
  origin = await makeTestRepository();
  directory = await mkdtemp(join(tmpdir(), 'sluice-push-'));
  const { binary } = await findGit({ path: process.env['PATH'] ?? '' });
  const mirrors = createMirrors({ directory, git: binary, policy: { protocols: ['file'] } });
  mirror = mirrors.open({ id: 'uid-1', url: origin.url });
});
afterEach(async () => {
  await origin.remove();
  await rm(directory, { recursive: true, force: true });
});

const commit = (files: Readonly<Record<string, string | null>>, parent?: string) => ({
  files,
  message: 'deploy\n\nä body',
  author: { name: 'Sluice <x>', email: 'sluice@localhost' },
  timeMs: 1_700_000_000_000,
  ...(parent ? { parent } : {}),
});
const ref = 'refs/heads/env';

test('files are written and removed on top of a commit, others stay, and the branch moves', async () => {
  const head = await origin.commit('first', { 'prod/old.yaml': '1', readme: 'r' });
  await origin.git('branch', 'env');
  await mirror.ensureCommits([head]);
  const pushed = await mirror.pushCommit(commit({ 'prod/new.yaml': 'é\n', 'prod/old.yaml': null }, head), { ref });
  if (pushed === 'moved') throw new Error('moved');
  expect(await origin.git('ls-tree', '-r', '--name-only', 'env')).toBe('prod/new.yaml\nreadme');
  expect(await origin.git('show', 'env:prod/new.yaml')).toBe('é');
  expect(await origin.git('log', '-1', '--format=%H %P %an %s %ct', 'env')).toBe(
    `${pushed.sha} ${head} Sluice  x deploy 1700000000`,
  );
  expect(await mirror.readTree(pushed.sha, 'prod/')).toEqual([{ path: 'prod/new.yaml', text: 'é\n' }]);
});

test('a branch that has moved on is left alone, and the first commit makes one that is not there', async () => {
  const head = await origin.commit('first', { a: '1' });
  await origin.git('branch', 'env');
  await mirror.ensureCommits([head]);
  await mirror.pushCommit(commit({ a: '2' }, head), { ref });
  expect(await mirror.pushCommit(commit({ a: '3' }, head), { ref })).toBe('moved');
  expect(await mirror.pushCommit(commit({ a: '3' }), { ref })).toBe('moved');
  expect(await origin.git('show', 'env:a')).toBe('2');
  const first = await mirror.pushCommit(commit({ b: '1' }), { ref: 'refs/heads/fresh' });
  expect(await origin.git('rev-list', '--count', 'fresh')).toBe('1');
  expect(await mirror.pushCommit(commit({ b: '1' }), { ref: 'refs/heads/again' })).toEqual(first);
  await mirror.pushCommit(commit({ b: '2' }), { ref: 'refs/heads/fresh', force: true });
  expect(await origin.git('show', 'fresh:b')).toBe('2');
});

test.for(['../x', '/etc/x', 'a/../../x', '.git/config', 'a/.git/hooks/x', 'a b', 'a\nD readme', ''])(
  'the path %j is not written',
  async (path) => {
    await expect(mirror.pushCommit(commit({ [path]: 'x' }), { ref })).rejects.toThrow(TerminalError);
  },
);

test('a ref that is none is refused before anything is sent', async () => {
  await expect(mirror.pushCommit(commit({ a: '1' }), { ref: '--mirror' })).rejects.toThrow('is not a ref');
});
