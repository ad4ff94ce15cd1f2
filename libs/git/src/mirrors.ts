import { TerminalError, TransientError } from '@sluice/model';
import { type Log, type Secret, silentLog } from '@sluice/runtime';
import { createHash } from 'node:crypto';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createMirrorGit, type MirrorGit, type MirrorGitOptions } from './mirror-git.ts';
import { makeCommit, type NewCommit, pushTo, type PushTarget } from './push-commit.ts';
import { changedPaths, type ChangedPaths, readTree, type TreeFile } from './read-objects.ts';
import { tidyMirror } from './tidy-mirror.ts';
import { checkRemote, type RemotePolicy, type Resolve } from './remote-address.ts';

export type MirrorsOptions = {
  /** Where the mirrors live. Made when missing; may be deleted at any time while nothing runs. */
  readonly directory: string;
  /** Path of the git binary, from `findGit`. */
  readonly git: string;
  readonly log?: Log;
  /** Longest fetch. Default 10 minutes. */
  readonly timeoutMs?: number;
  readonly policy?: Partial<RemotePolicy>;
  readonly resolve?: Resolve;
};

/** A repository to mirror. */
export type Remote = {
  /** Identifies the mirror: never changes for a repository, is never reused for another. */
  readonly id: string;
  readonly url: string;
  /** Sent as Basic authentication; a function is asked anew for every contact, as tokens of a GitHub App live an hour. */
  readonly credentials?: CredentialsSource;
  /** Sent with pushes instead; default: `credentials`. */
  readonly pushCredentials?: CredentialsSource;
};

/** Credentials, or how to get them. */
export type CredentialsSource = Credentials | ((signal?: AbortSignal) => Promise<Credentials>);

/** A user name and a password or token. */
export type Credentials = { readonly username: string; readonly password: Secret };

/** The local copy of one repository's commits. */
export type Mirror = {
  /**
   * Make these commits present with at most one fetch. Throws TerminalError (CommitNotFound, RemoteRefused) for what
   * stays wrong, TransientError when the remote cannot be reached.
   */
  ensureCommits(shas: readonly string[], signal?: AbortSignal): Promise<void>;
  /** The commit's message, as it is. */
  readMessage(sha: string, signal?: AbortSignal): Promise<string>;
  /** Regular files below `prefix` (ends in `/`) at the commit, sorted by path. Throws TerminalError (TreeTooLarge). */
  readTree(sha: string, prefix: string, signal?: AbortSignal): Promise<readonly TreeFile[]>;
  /** Paths that differ between the merge base of the two commits and `head`; 'unknown' when that cannot be told. */
  changedPaths(base: string, head: string, signal?: AbortSignal): Promise<ChangedPaths>;
  /** Full refs of the remote with the commits (or tag objects) that they name, peeled. Bounded by 64 MiB. */
  listRefs(signal?: AbortSignal): Promise<ReadonlyMap<string, string>>;
  /**
   * Make a commit and push it. 'moved': a branch is not at the commit's parent any more, and nothing happened. Throws TerminalError
   * (PushRefused, BadPath, BadRef) for what stays wrong.
   */
  pushCommit(commit: NewCommit, target: PushTarget, signal?: AbortSignal): Promise<{ readonly sha: string } | 'moved'>;
};

/** Bare mirrors, one a repository. */
export type Mirrors = { open(remote: Remote): Mirror };

const defaultTimeoutMs = 600_000;
const refsBytes = 64 * 1024 * 1024;
const fetchedAtOnce = 100;
const fetchesBetweenTidying = 64;
const commitId = /^[0-9a-f]{40}$/;

/** Open the place where mirrors are kept. */
export function createMirrors(options: MirrorsOptions): Mirrors {
  const policy: RemotePolicy = { protocols: ['https', 'http'], privateHosts: [], ...options.policy };
  const queue = new Map<string, Promise<unknown>>();
  const fetches = new Map<string, number>();
  return {
    open(remote) {
      const gitDir = join(
        options.directory,
        `${createHash('sha256').update(remote.id).digest('hex').slice(0, 32)}.git`,
      );
      const home = join(options.directory, 'home');
      const git = createMirrorGit({ binary: options.git, gitDir, home, protocols: policy.protocols });
      const mirror: OpenMirror = { options, policy, remote, gitDir, home, git };
      const alone = <T>(task: () => Promise<T>): Promise<T> => {
        const run = (queue.get(gitDir) ?? Promise.resolve()).then(task);
        const tail = run.then(noop, noop);
        queue.set(gitDir, tail);
        void tail.then(() => queue.get(gitDir) === tail && queue.delete(gitDir));
        return run;
      };
      return {
        ensureCommits: (shas, signal) =>
          alone(async () => {
            if (!(await ensureCommits(mirror, shas, signal))) return;
            fetches.set(gitDir, (fetches.get(gitDir) ?? 0) + 1);
            if ((fetches.get(gitDir) ?? 0) % fetchesBetweenTidying === 0) await tidyMirror(git);
          }),
        listRefs: (signal) => listRefs(mirror, signal),
        pushCommit: (commit, target, signal) => alone(() => pushCommit(mirror, commit, target, signal)),
        readMessage: (sha, signal) => readMessage(mirror, sha, signal),
        readTree: async (sha, prefix, signal) => readTree(git, checkedId(sha), prefix, signal),
        changedPaths: async (base, head, signal) => changedPaths(git, checkedId(base), checkedId(head), signal),
      };
    },
  };
}

type OpenMirror = {
  readonly options: MirrorsOptions;
  readonly policy: RemotePolicy;
  readonly remote: Remote;
  readonly gitDir: string;
  readonly home: string;
  readonly git: MirrorGit;
};

/** True when something had to be fetched. */
async function ensureCommits(mirror: OpenMirror, shas: readonly string[], signal?: AbortSignal): Promise<boolean> {
  const wanted = [...new Set(shas.map(checkedId))];
  await ensureDirectory(mirror);
  const missing = await missingCommits(mirror, wanted, signal);
  if (missing.length === 0) return false;
  if (missing.length > fetchedAtOnce) throw new RangeError(`at most ${fetchedAtOnce} commits can be fetched at once`);
  await fetchCommits(mirror, missing, signal);
  const [absent] = await missingCommits(mirror, missing, signal);
  if (absent !== undefined) throw commitNotFound(mirror, [absent]);
  return true;
}

async function missingCommits({ git }: OpenMirror, shas: readonly string[], signal?: AbortSignal): Promise<string[]> {
  const input = shas.map((sha) => `${sha}\n`).join('');
  const { stdout } = await git(
    ['cat-file', '--batch-check=%(objectname) %(objecttype)'],
    withSignal({ input }, signal),
  );
  const present = new Set(stdout.toString('utf8').split('\n'));
  return shas.filter((sha) => !present.has(`${sha} commit`));
}

/** One fetch of exact commits, each kept by a ref of its own so that the next fetch can build on it. */
async function fetchCommits(mirror: OpenMirror, shas: readonly string[], signal?: AbortSignal): Promise<void> {
  const { options, remote, git } = mirror;
  const log = options.log ?? silentLog;
  const { url, config } = await connection(mirror, signal);
  const specs = shas.map((sha) => `+${sha}:refs/kept/${sha}`);
  const args = [
    'fetch',
    '--quiet',
    '--no-tags',
    '--no-write-fetch-head',
    '--no-recurse-submodules',
    '--end-of-options',
  ];
  const run = { config, timeoutMs: options.timeoutMs ?? defaultTimeoutMs };
  const startedAt = performance.now();
  const { code, stderr } = await git([...args, url, ...specs], withSignal(run, signal));
  const durationMs = Math.round(performance.now() - startedAt);
  log.debug('commits fetched', { repository: remote.id, commits: shas.length, durationMs, code });
  if (code === 0) return;
  // git ends with 128 for everything. A remote that lists its refs is there, so it is the commit that is not.
  if (await isReachable(mirror, signal)) throw commitNotFound(mirror, shas, stderr);
  throw new TransientError(`${remote.url} cannot be fetched: ${firstLines(stderr)}`);
}

async function listRefs(mirror: OpenMirror, signal?: AbortSignal): Promise<ReadonlyMap<string, string>> {
  await ensureDirectory(mirror);
  const { url, config } = await connection(mirror, signal);
  const args = ['ls-remote', '--quiet', '--end-of-options', url];
  const { code, stdout, stderr } = await mirror.git(args, withSignal({ config, maxBytes: refsBytes }, signal));
  if (code !== 0) throw new TransientError(`${mirror.remote.url} cannot be read: ${firstLines(stderr)}`);
  const refs = new Map<string, string>();
  for (const line of stdout.toString('utf8').split('\n')) {
    const [sha, ref] = line.split('\t');
    if (!sha || !ref?.startsWith('refs/')) continue;
    // "refs/tags/v1^{}" comes right after "refs/tags/v1" and names the commit behind the tag object.
    refs.set(ref.endsWith('^{}') ? ref.slice(0, -3) : ref, sha);
  }
  return refs;
}

async function pushCommit(
  mirror: OpenMirror,
  commit: NewCommit,
  target: PushTarget,
  signal?: AbortSignal,
): Promise<{ readonly sha: string } | 'moved'> {
  await ensureDirectory(mirror);
  const { options, remote, git } = mirror;
  const sha = await makeCommit(git, commit, signal);
  const credentials = remote.pushCredentials ?? remote.credentials;
  const { pushCredentials: _own, credentials: _reading, ...rest } = remote;
  const writing = { ...mirror, remote: { ...rest, ...(credentials ? { credentials } : {}) } };
  const run = { timeoutMs: options.timeoutMs ?? defaultTimeoutMs };
  const push = { sha, parent: commit.parent, target };
  const answer = await pushTo(git, await connection(writing, signal), push, withSignal(run, signal));
  return answer === 'moved' ? answer : { sha };
}

async function isReachable(mirror: OpenMirror, signal?: AbortSignal): Promise<boolean> {
  const { url, config } = await connection(mirror, signal);
  const { code } = await mirror.git(
    ['ls-remote', '--quiet', '--end-of-options', url, 'HEAD'],
    withSignal({ config }, signal),
  );
  return code === 0;
}

async function readMessage({ git }: OpenMirror, sha: string, signal?: AbortSignal): Promise<string> {
  const args = ['log', '-1', '--no-show-signature', '--format=%B', '--end-of-options', checkedId(sha), '--'];
  const { code, stdout, stderr } = await git(args, withSignal({}, signal));
  if (code !== 0) throw new TransientError(`the message of ${sha} cannot be read: ${firstLines(stderr)}`);
  return stdout.toString('utf8').replace(/\n+$/, '');
}

async function connection(
  { remote, policy, options }: OpenMirror,
  signal: AbortSignal | undefined,
): Promise<{ url: string; config: Record<string, string> }> {
  const { url, pin } = await checkRemote(remote.url, policy, options.resolve);
  const config: Record<string, string> = {};
  if (pin !== undefined) config['http.curloptResolve'] = pin;
  if (remote.credentials) {
    const { credentials } = remote;
    const { username, password } = typeof credentials === 'function' ? await credentials(signal) : credentials;
    const basic = Buffer.from(`${username}:${password.reveal()}`).toString('base64');
    config[`http.${new URL(url).origin}/.extraHeader`] = `Authorization: Basic ${basic}`;
  }
  return { url, config };
}

async function ensureDirectory({ gitDir, home, git }: OpenMirror): Promise<void> {
  if (await exists(join(gitDir, 'HEAD'))) return;
  await mkdir(home, { recursive: true });
  await mkdir(gitDir, { recursive: true });
  const { code, stderr } = await git(['init', '--quiet', '--bare', '--template=', '--initial-branch=none']);
  if (code !== 0) throw new TransientError(`no mirror can be made at ${gitDir}: ${firstLines(stderr)}`);
}

function commitNotFound({ remote }: OpenMirror, shas: readonly string[], stderr = ''): TerminalError {
  const detail = stderr ? ` (${firstLines(stderr)})` : '';
  const text = `${remote.url} has no commit ${shas.join(', ')}${detail}; was it removed by a forced push?`;
  return new TerminalError('CommitNotFound', text);
}

function checkedId(sha: string): string {
  if (commitId.test(sha)) return sha;
  throw new TerminalError(
    'BadCommitId',
    `${JSON.stringify(sha.slice(0, 100))} is not a full commit id of 40 hex digits`,
  );
}

function withSignal(options: MirrorGitOptions, signal: AbortSignal | undefined): MirrorGitOptions {
  return signal ? { ...options, signal } : options;
}

function firstLines(stderr: string): string {
  return stderr.trim().split('\n').slice(0, 3).join('; ').slice(0, 500);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function noop(): void {}
