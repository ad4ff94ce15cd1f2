import { afterAll, beforeAll, expect, test } from 'vitest';
import { join } from 'node:path';
import { createGitProcess } from './git-process.ts';
import { createRepositoryGit, type RepositoryGit } from './repository-git.ts';
import { startTestForge, type TestForge } from './testing.ts';

let forge: TestForge;
let git: RepositoryGit;
const shas: Record<string, string> = {};

beforeAll(async () => {
  forge = await startTestForge();
  await forge.api('POST', '/repos', { name: 'hello' });
  const copy = await forge.workingCopy('hello');
  shas['base'] = await copy.commit('base', { a: '1\n2\n3\n4\n5\n6\n7\n', gone: 'x' });
  shas['left'] = await copy.commit('left', { a: 'left\n2\n3\n4\n5\n6\n7\n', 'dir/new "file"': 'l' });
  await copy.git('push', '-q', 'origin', 'HEAD:refs/heads/left');
  await copy.git('reset', '-q', '--hard', shas['base']);
  await copy.git('rm', '-q', 'gone');
  shas['right'] = await copy.commit('right', { a: '1\n2\n3\n4\n5\n6\nright\n' });
  await copy.git('push', '-q', 'origin', 'HEAD:refs/heads/right');
  await copy.git('reset', '-q', '--hard', shas['base']);
  shas['other'] = await copy.commit('other\n\nbody "x"\n', { a: 'other\n2\n3\n4\n5\n6\n7\n' });
  await copy.git('push', '-q', 'origin', 'HEAD:refs/heads/other');
  const home = join(forge.directory, 'home');
  const hooks = join(forge.directory, 'hooks');
  git = createRepositoryGit(
    createGitProcess({ binary: 'git', home, hooks, maxPackBytes: 1e6 }),
    join(forge.directory, '1.git'),
  );
});
afterAll(() => forge.close());

test('both ways to merge give the same tree', async () => {
  const modern = await git.tryMerge(shas['left'] ?? '', shas['right'] ?? '', true);
  expect(modern).toEqual({ kind: 'clean', tree: expect.stringMatching(/^[0-9a-f]{40}$/) });
  expect(await git.tryMerge(shas['left'] ?? '', shas['right'] ?? '', false)).toEqual(modern);
});

test.for([{ modern: true }, { modern: false }])('a conflict names its files (modern: $modern)', async ({ modern }) => {
  const attempt = await git.tryMerge(shas['left'] ?? '', shas['other'] ?? '', modern);
  expect(attempt).toEqual({ kind: 'conflict', files: ['a'] });
});

test('commits are read with author, parents and message', async () => {
  const commits = await git.commits([], shas['other'] ?? '', 10);
  expect(commits.map(({ sha, message }) => [sha, message])).toEqual([
    [shas['other'], 'other\n\nbody "x"'],
    [shas['base'], 'base'],
  ]);
  expect(commits[0]).toMatchObject({ parents: [shas['base']], author: { name: 'Ada', email: 'ada@example.com' } });
});

test('a revision that looks like an option names no commit', async () => {
  expect(await git.commitOf('--all')).toBeUndefined();
  expect(await git.commitOf('nope')).toBeUndefined();
  expect(await git.commitOf('refs/heads/left')).toBe(shas['left']);
});
