import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** A working copy that the demo commits to and pushes from with the git binary, as a developer would. */
export type WorkingCopy = {
  /** Commit these changed files; answers the full commit id. */
  commit(message: string, files: Readonly<Record<string, string>>): Promise<string>;
  /** Push; answers what git printed. Throws with git's words when it fails. */
  push(...args: readonly string[]): Promise<string>;
  checkout(...args: readonly string[]): Promise<void>;
  /** Fetch the remote and move to the given ref. */
  follow(ref: string): Promise<string>;
};

/** Copy a sample into a fresh repository on branch `main`, with `remote` as `origin`. */
export async function createWorkingCopy(sample: string, directory: string, remote: string): Promise<WorkingCopy> {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  cpSync(sample, directory, { recursive: true });
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: directory,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: 'Ada',
    GIT_AUTHOR_EMAIL: 'ada@example.com',
    GIT_COMMITTER_NAME: 'Ada',
    GIT_COMMITTER_EMAIL: 'ada@example.com',
  };
  const git = async (...args: readonly string[]): Promise<string> => {
    try {
      const { stdout, stderr } = await execute('git', [...args], {
        cwd: directory,
        env,
        timeout: 60_000,
        maxBuffer: 4 << 20,
      });
      return `${stdout}${stderr}`;
    } catch (error) {
      const { stderr } = error as { stderr?: string };
      throw new Error(`git ${args[0]} failed: ${(stderr ?? String(error)).trim()}`, { cause: error });
    }
  };
  const head = async (): Promise<string> => (await git('rev-parse', 'HEAD')).trim();
  await git('init', '--quiet', '--initial-branch=main');
  await git('remote', 'add', 'origin', remote);
  return {
    commit: async (message, files) => {
      for (const [path, content] of Object.entries(files)) {
        mkdirSync(join(directory, path, '..'), { recursive: true });
        writeFileSync(join(directory, path), content);
      }
      await git('add', '--all');
      await git('commit', '--quiet', '--message', message);
      return head();
    },
    push: (...args) => git('push', ...args),
    checkout: async (...args) => {
      await git('checkout', '--quiet', ...args);
    },
    follow: async (ref) => {
      await git('fetch', '--quiet', 'origin', ref);
      await git('reset', '--quiet', '--hard', 'FETCH_HEAD');
      return head();
    },
  };
}
