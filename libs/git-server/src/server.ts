import { TerminalError } from '@sluice/model';
import { type HttpHandler, type Log, silentLog } from '@sluice/runtime';
import type { Store } from '@sluice/store';
import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createApi } from './api.ts';
import { createHttpDeliver } from './deliver.ts';
import type { Forge } from './forge-context.ts';
import { createForgeState } from './forge-state.ts';
import { createGitProcess, GitFailure, type GitProcess } from './git-process.ts';
import { writeHooks } from './hooks.ts';
import { createKeyedLock } from './lock.ts';
import { createOutbox, type Deliver } from './outbox.ts';
import { serveProcReceive } from './proc-receive.ts';
import { pushPull } from './pull-requests.ts';
import { type Caretaker, createCaretaker } from './repair.ts';
import { createRepositoryGit } from './repository-git.ts';
import { createSmartHttp, type SmartHttpPorts } from './smart-http.ts';

export type GitServerOptions = {
  /** Where the bare repositories live. Made when missing. */
  readonly directory: string;
  readonly store: Store;
  /** Who has it may push and write through the API. */
  readonly token: string;
  /** Path of git; default: the one in the usual directories. */
  readonly gitBinary?: string;
  /** Base URL under which the handler is reachable, known once it listens. */
  readonly publicUrl: () => string;
  /** Default: HTTP POST as GitHub sends it. */
  readonly deliver?: Deliver;
  readonly log?: Log;
  readonly now?: () => number;
  readonly newId?: () => string;
  /** Longest pack that is taken. Default 1 GiB. */
  readonly maxPackBytes?: number;
  /** How often repositories that were pushed to are checked and packed. Default one minute; 0 for only at the start. */
  readonly repairIntervalMs?: number;
};

/** The local forge: git over HTTP, pull requests, checks, deployments, webhooks. */
export type GitServer = {
  readonly handle: HttpHandler;
  /** Announce what happened while nobody looked and send waiting webhooks. Call once `publicUrl` is known. */
  start(): Promise<void>;
  /** Resolves when no webhook waits to be sent. */
  delivered(): Promise<void>;
  close(): Promise<void>;
};

const defaultMaxPackBytes = 1024 ** 3;
const defaultRepairIntervalMs = 60_000;

/** Open the forge in a directory. Throws TerminalError (reason GitMissing or GitTooOld) when git will not do. */
export async function createGitServer(options: GitServerOptions): Promise<GitServer> {
  const { directory, token, log = silentLog, now = Date.now, newId = randomUUID } = options;
  if (token.length < 16)
    throw new TerminalError('WeakToken', 'the token of the forge must have at least 16 characters');
  const maxPackBytes = options.maxPackBytes ?? defaultMaxPackBytes;
  const home = join(directory, 'home');
  const hooks = join(directory, 'hooks');
  await mkdir(home, { recursive: true });
  await writeHooks(hooks);
  const git = createGitProcess({ binary: options.gitBinary ?? 'git', home, hooks, maxPackBytes });
  const version = await gitVersion(git);
  const state = createForgeState(options.store);
  const outbox = createOutbox({ state, deliver: options.deliver ?? createHttpDeliver(), log, now });
  const forge: Forge = {
    state,
    outbox,
    log,
    now,
    newId,
    lock: createKeyedLock(),
    publicUrl: options.publicUrl,
    modernMerge: version.major > 2 || version.minor >= 38,
    open: (repo) => createRepositoryGit(git, join(directory, `${repo.id}.git`)),
  };
  const caretaker = createCaretaker(forge, options.repairIntervalMs ?? defaultRepairIntervalMs);
  const smartHttp = createSmartHttp({ ...gitPorts(forge, caretaker), git, token, maxPackBytes });
  const api = createApi(forge, token);
  return {
    handle: (request) => smartHttp(request) ?? api(request),
    start: () => caretaker.start(),
    delivered: () => outbox.idle(),
    async close() {
      await caretaker.close();
      await outbox.close();
    },
  };
}

function gitPorts(forge: Forge, caretaker: Caretaker): Omit<SmartHttpPorts, 'git' | 'token' | 'maxPackBytes'> {
  const { log, newId, state, open } = forge;
  return {
    log,
    newId,
    open,
    repo: (name) => state.repo(name),
    afterPush: (repo, clean) => caretaker.afterPush(repo, clean),
    serveHook: (repo, pusher, pipes) =>
      serveProcReceive(pipes, {
        pusher,
        pushPull: (push) => pushPull(forge, state.repo(repo.name) ?? repo, push),
        pullUrl: (number) => `${forge.publicUrl()}/api/v1/repos/${repo.name}/pulls/${number}`,
        onError: (error) => log.error('pull request push failed', { repository: repo.name, error }),
      }),
  };
}

async function gitVersion(git: GitProcess): Promise<{ readonly major: number; readonly minor: number }> {
  let text: string;
  try {
    text = (await git.run(['--version'])).stdout.trim();
  } catch (error) {
    if (!(error instanceof GitFailure)) throw error;
    const fix = 'install it (apt-get install git, brew install git) or name its path';
    throw new TerminalError('GitMissing', `git cannot be run: ${error.message}; ${fix}`, { cause: error });
  }
  const [, major = '0', minor = '0'] = /(\d+)\.(\d+)/.exec(text) ?? [];
  const version = { major: Number(major), minor: Number(minor) };
  if (version.major > 2 || (version.major === 2 && version.minor >= 31)) return version;
  throw new TerminalError('GitTooOld', `${text} is too old for the local forge; install git 2.31 or newer`);
}
