import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { GitFailure, type GitProcess } from './git-process.ts';
import { zeroId } from './spool.ts';

/** Who made a commit. `date` is RFC 3339. */
export type Signature = { readonly name: string; readonly email: string; readonly date: string };

export type CommitFacts = {
  readonly sha: string;
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: Signature;
  readonly committer: Signature;
  readonly message: string;
};

/** The result of trying to merge two commits without a working tree. */
export type MergeAttempt =
  { readonly kind: 'clean'; readonly tree: string } | { readonly kind: 'conflict'; readonly files: readonly string[] };

/** One bare repository, seen through git plumbing. */
export type RepositoryGit = ReturnType<typeof createRepositoryGit>;

const fields = ['%H', '%T', '%P', '%an', '%ae', '%aI', '%cn', '%ce', '%cI', '%B'].join('%x00');

/** Plumbing of one bare repository at `gitDir`. */
export function createRepositoryGit(git: GitProcess, gitDir: string) {
  const run = (args: readonly string[], options: Parameters<GitProcess['run']>[1] = {}) =>
    git.run(args, { ...options, gitDir });
  return {
    gitDir,
    spool: join(gitDir, 'sluice-spool'),

    /** Make the repository if it is not there. */
    async ensure(defaultBranch: string): Promise<void> {
      if (!(await exists(join(gitDir, 'HEAD')))) {
        await mkdir(gitDir, { recursive: true });
        await git.run(['init', '--quiet', '--bare', '--template=', `--initial-branch=${defaultBranch}`, gitDir]);
      }
      await mkdir(join(gitDir, 'sluice-spool'), { recursive: true });
    },

    /** Where refs are; `peeled` gives the commit behind an annotated tag. */
    async refs(patterns: readonly string[], peeled = false): Promise<Map<string, string>> {
      const behind = '%(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end)';
      const format = `--format=${peeled ? behind : '%(objectname)'} %(refname)`;
      const args = ['for-each-ref', format, '--', ...patterns];
      const { stdout } = await run(args, { maxBytes: 64 * 1024 * 1024 });
      const found = new Map<string, string>();
      for (const row of stdout.split('\n')) if (row.length > 41) found.set(row.slice(41), row.slice(0, 40));
      return found;
    },

    /** The commit that a revision names; undefined when there is none. */
    async commitOf(revision: string): Promise<string | undefined> {
      const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`];
      const { code, stdout } = await run(args, { okCodes: [0, 1, 128] });
      return code === 0 ? stdout.trim() : undefined;
    },

    async isAncestor(ancestor: string, descendant: string): Promise<boolean> {
      const { code } = await run(['merge-base', '--is-ancestor', ancestor, descendant], { okCodes: [0, 1] });
      return code === 0;
    },

    async mergeBase(a: string, b: string): Promise<string | undefined> {
      const { code, stdout } = await run(['merge-base', a, b], { okCodes: [0, 1] });
      return code === 0 ? stdout.trim() : undefined;
    },

    /** Commits reachable from `to` and not from `from`, newest first. */
    async commits(from: readonly string[], to: string, limit: number): Promise<CommitFacts[]> {
      const args = ['log', '-z', `--max-count=${limit}`, `--format=${fields}`, to, ...from.map((id) => `^${id}`)];
      const { stdout } = await run([...args, '--']);
      return parseCommits(stdout);
    },

    /** Commits by id, in one go. */
    async commitsById(shas: readonly string[]): Promise<Map<string, CommitFacts>> {
      const args = ['log', '-z', '--no-walk=unsorted', `--format=${fields}`, '--stdin'];
      const { stdout } = await run(args, { input: shas.map((sha) => `${sha}\n`).join(''), maxBytes: 64 * 1024 * 1024 });
      return new Map(parseCommits(stdout).map((commit) => [commit.sha, commit]));
    },

    /** Move a ref if it is still where `before` says (zeros: does not exist). Throws {@link GitFailure} otherwise. */
    async moveRef(ref: string, after: string, before: string, reason: string): Promise<void> {
      if (after === zeroId) await run(['update-ref', '-m', reason, '-d', ref, before]);
      else await run(['update-ref', '-m', reason, ref, after, before]);
    },

    async writeCommit(
      commit: { readonly tree: string; readonly parents: readonly string[]; readonly message: string },
      author: Signature,
    ): Promise<string> {
      const env = {
        GIT_AUTHOR_NAME: author.name,
        GIT_AUTHOR_EMAIL: author.email,
        GIT_AUTHOR_DATE: author.date,
        GIT_COMMITTER_NAME: author.name,
        GIT_COMMITTER_EMAIL: author.email,
        GIT_COMMITTER_DATE: author.date,
      };
      const parents = commit.parents.flatMap((parent) => ['-p', parent]);
      const { stdout } = await run(['commit-tree', commit.tree, ...parents], { env, input: commit.message });
      return stdout.trim();
    },

    /** Merge in memory where git can (2.38 and newer), else with a temporary index. */
    async tryMerge(ours: string, theirs: string, modern: boolean): Promise<MergeAttempt> {
      if (!modern) return mergeWithIndex(git, gitDir, ours, theirs);
      const args = ['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages', ours, theirs];
      const { code, stdout } = await run(args, { okCodes: [0, 1] });
      const [tree = '', ...files] = stdout.split('\0').filter((part) => part !== '');
      return code === 0 ? { kind: 'clean', tree } : { kind: 'conflict', files };
    },

    /** Pack what has piled up, if git finds that worth while. */
    async tidy(): Promise<void> {
      await run(['gc', '--auto', '--quiet'], { timeoutMs: 600_000 });
    },
  };
}

/** Ten fields a commit, each ended by NUL; none of them can contain one. */
function parseCommits(text: string): CommitFacts[] {
  const parts = text.split('\0');
  const commits: CommitFacts[] = [];
  for (let start = 0; start + 10 <= parts.length; start += 10) {
    const [sha = '', tree = '', parents = '', ...rest] = parts.slice(start, start + 10);
    const [authorName = '', authorEmail = '', authorDate = '', ...more] = rest;
    const [committerName = '', committerEmail = '', committerDate = '', message = ''] = more;
    commits.push({
      sha,
      tree,
      parents: parents === '' ? [] : parents.split(' '),
      author: { name: authorName, email: authorEmail, date: authorDate },
      committer: { name: committerName, email: committerEmail, date: committerDate },
      message: message.replace(/\n+$/, ''),
    });
  }
  return commits;
}

/** The way of git before 2.38: a three-way read-tree into a temporary index, files merged in a temporary work tree. */
async function mergeWithIndex(git: GitProcess, gitDir: string, ours: string, theirs: string): Promise<MergeAttempt> {
  const work = await mkdtemp(join(gitDir, 'sluice-merge-'));
  const env = { GIT_INDEX_FILE: join(work, 'index'), GIT_WORK_TREE: join(work, 'files') };
  try {
    await mkdir(env.GIT_WORK_TREE);
    const { stdout: base } = await git.run(['merge-base', ours, theirs], { gitDir });
    await git.run(['read-tree', '-i', '-m', '--aggressive', base.trim(), ours, theirs], { gitDir, env });
    const merge = ['merge-index', '-o', '-q', 'git-merge-one-file', '-a'];
    await git.run(['-C', env.GIT_WORK_TREE, ...merge], { gitDir, env, okCodes: [0, 1, 128] });
    const { stdout: unmerged } = await git.run(['ls-files', '-u', '-z'], { gitDir, env });
    const files = unmerged.split('\0').flatMap((row) => row.split('\t').slice(1));
    if (files.length > 0) return { kind: 'conflict', files: [...new Set(files)] };
    const { stdout: tree } = await git.run(['write-tree'], { gitDir, env });
    return { kind: 'clean', tree: tree.trim() };
  } catch (error) {
    if (error instanceof GitFailure && error.code === 1) return { kind: 'conflict', files: [] };
    throw error;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}
