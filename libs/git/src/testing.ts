import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A repository with a working copy in a temporary directory, reachable as `file://`. */
export type TestRepository = {
  readonly directory: string;
  readonly url: string;
  git(...args: readonly string[]): Promise<string>;
  /** Write files and commit them; gives the commit id. */
  commit(message: string, files: Readonly<Record<string, string>>): Promise<string>;
  remove(): Promise<void>;
};

const identity = {
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.com',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  LC_ALL: 'C',
};

/** Make an empty repository on branch main. */
export async function makeTestRepository(): Promise<TestRepository> {
  const root = await mkdtemp(join(tmpdir(), 'sluice-git-'));
  const directory = join(root, 'work');
  const env = { ...identity, HOME: root, PATH: process.env['PATH'] };
  const git = async (...args: readonly string[]): Promise<string> =>
    (await run('git', ['-C', directory, ...args], { env })).stdout.trim();
  await mkdir(directory);
  await git('init', '-q', '-b', 'main');
  await git('config', 'uploadpack.allowAnySHA1InWant', 'true');
  return {
    directory,
    git,
    url: `file://${directory}/.git`,
    async commit(message, files) {
      for (const [path, text] of Object.entries(files)) {
        await mkdir(dirname(join(directory, path)), { recursive: true });
        await writeFile(join(directory, path), text);
      }
      await git('add', '-A');
      await git('commit', '-q', '--allow-empty', '-m', message);
      return git('rev-parse', 'HEAD');
    },
    remove: () => rm(root, { recursive: true, force: true }),
  };
}
