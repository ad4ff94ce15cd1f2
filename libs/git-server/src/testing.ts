import { type HttpServer, serveHttp } from '@sluice/runtime';
import { memoryStore } from '@sluice/store/testing';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { WebhookDelivery } from './outbox.ts';
import { createGitServer, type GitServer, type GitServerOptions } from './server.ts';

export { createHttpDeliver } from './deliver.ts';

const run = promisify(execFile);

/** A local forge on a loopback port in a temporary directory, with what it delivered. */
export type TestForge = {
  readonly url: string;
  readonly token: string;
  readonly directory: string;
  readonly server: GitServer;
  readonly http: HttpServer;
  readonly store: GitServerOptions['store'];
  readonly deliveries: WebhookDelivery[];
  /** Call the JSON API with the token. */
  api(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: Record<string, unknown>; list: Record<string, unknown>[] }>;
  /** A working copy of a repository, or an empty one that pushes there. */
  workingCopy(repo: string, options?: { readonly user?: string; readonly clone?: boolean }): Promise<WorkingCopy>;
  close(): Promise<void>;
};

/** A directory with a clone, driven by the git binary. */
export type WorkingCopy = {
  readonly directory: string;
  /** Run git; resolves with what it printed on both outputs, rejects when it fails (message holds its output). */
  git(...args: readonly string[]): Promise<string>;
  write(path: string, text: string): Promise<void>;
  /** Write files and commit them; gives the commit id. */
  commit(message: string, files: Readonly<Record<string, string>>): Promise<string>;
  head(): Promise<string>;
};

const identity = {
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.com',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  LC_ALL: 'C',
};

/** Start a forge. What it delivers is collected, unless `deliver` is given. */
export async function startTestForge(options: Partial<GitServerOptions> = {}): Promise<TestForge> {
  const root = await mkdtemp(join(tmpdir(), 'sluice-forge-'));
  const token = 'test-token-0123456789';
  const deliveries: WebhookDelivery[] = [];
  const store = options.store ?? memoryStore();
  let url = '';
  const directory = options.directory ?? join(root, 'git');
  const server = await createGitServer({
    directory,
    store,
    token,
    publicUrl: () => url,
    repairIntervalMs: 0,
    deliver: async (delivery) => void deliveries.push(delivery),
    ...options,
  });
  const http = await serveHttp(server.handle, { host: '127.0.0.1', port: 0 });
  url = http.url;
  await server.start();
  let copies = 0;
  return {
    url,
    token,
    directory,
    server,
    http,
    store,
    deliveries,
    async api(method, path, body) {
      const response = await fetch(`${url}/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const answer: unknown = await response.json();
      const list = Array.isArray(answer) ? (answer as Record<string, unknown>[]) : [];
      return { status: response.status, body: answer as Record<string, unknown>, list };
    },
    async workingCopy(repo, { user = 'ada', clone = false } = {}) {
      const target = join(root, `copy-${++copies}`);
      const remote = url.replace('http://', `http://${user}:${token}@`);
      if (clone) await run('git', ['clone', '-q', `${remote}/${repo}.git`, target], { env: clientEnv(root) });
      else {
        await run('git', ['init', '-q', '-b', 'main', target], { env: clientEnv(root) });
        await run('git', ['-C', target, 'remote', 'add', 'origin', `${remote}/${repo}.git`], { env: clientEnv(root) });
      }
      return openWorkingCopy(target, root);
    },
    async close() {
      await http.close(0);
      await server.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}

function clientEnv(home: string): NodeJS.ProcessEnv {
  return { ...identity, HOME: home, PATH: process.env['PATH'] };
}

function openWorkingCopy(directory: string, home: string): WorkingCopy {
  const git = async (...args: readonly string[]): Promise<string> => {
    const { stdout, stderr } = await run('git', ['-C', directory, ...args], { env: clientEnv(home) });
    return stdout + stderr;
  };
  const write = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  };
  const head = async (): Promise<string> => (await git('rev-parse', 'HEAD')).trim();
  return {
    directory,
    git,
    write,
    head,
    async commit(message, files) {
      for (const [path, text] of Object.entries(files)) await write(path, text);
      await git('add', '-A');
      await git('commit', '-q', '-m', message);
      return head();
    },
  };
}
