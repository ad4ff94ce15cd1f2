import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findGit } from './find-git.ts';

async function withGit<T>(script: string, work: (path: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-find-'));
  try {
    await writeFile(join(directory, 'git'), script);
    await chmod(join(directory, 'git'), 0o755);
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

test('the git of this machine is found', async () => {
  expect(await findGit({ path: process.env['PATH'] ?? '' })).toMatchObject({ version: expect.stringMatching(/^2\./) });
});

test('without git the message says how to install it', async () => {
  await expect(findGit({ path: '/nowhere:relative' })).rejects.toMatchObject({
    reason: 'GitMissing',
    message: expect.stringContaining('apt-get install git'),
  });
});

test('a git that is too old is refused with both versions', async () => {
  await withGit('#!/bin/sh\necho git version 2.20.1\n', async (path) => {
    const failure = expect.objectContaining({ reason: 'GitTooOld', message: expect.stringMatching(/2\.20\.1.*2\.31/) });
    await expect(findGit({ path })).rejects.toEqual(failure);
  });
});

test('a version with a suffix is read', async () => {
  await withGit('#!/bin/sh\necho "git version 2.39.5 (Apple Git-154)"\n', async (path) => {
    expect(await findGit({ path })).toMatchObject({ version: '2.39.5' });
  });
});
