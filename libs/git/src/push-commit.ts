import { TerminalError, TransientError } from '@sluice/model';
import type { MirrorGit, MirrorGitOptions } from './mirror-git.ts';

/** A commit to be made on top of another, or as the first one. */
export type NewCommit = {
  readonly parent?: string;
  /** Text by path; null removes the file. Paths of letters, digits and `._-/`. */
  readonly files: Readonly<Record<string, string | null>>;
  readonly message: string;
  readonly author: { readonly name: string; readonly email: string };
  /** Its time: the same input gives the same commit. */
  readonly timeMs: number;
};

/** Where a commit is pushed to. */
export type PushTarget = {
  /** Full ref. Below `refs/heads/` it must be at the parent. */
  readonly ref: string;
  /** Replace what the ref is at, whatever that is. */
  readonly force?: boolean;
  /** Push options, for servers that take them. */
  readonly options?: readonly string[];
};

const safePath = /^(?!\/)(?!.*(?:^|\/)\.{1,2}(?:\/|$))(?!.*(?:^|\/)\.git(?:\/|$))[A-Za-z0-9._/-]{1,400}$/;
const safeRef = /^refs\/[A-Za-z0-9._/-]{1,300}$/;
const proposedRef = 'refs/proposed/head';

/** Make the commit in a bare mirror, without a checkout. Gives its id. */
export async function makeCommit(git: MirrorGit, commit: NewCommit, signal?: AbortSignal): Promise<string> {
  const wrong = Object.keys(commit.files).find((path) => !safePath.test(path));
  if (wrong !== undefined)
    throw new TerminalError('BadPath', `${JSON.stringify(wrong)} cannot be written to a repository`);
  const input = importStream(commit);
  const args = ['fast-import', '--quiet', '--done', '--force'];
  const { code, stdout, stderr } = await git(args, { input, ...(signal ? { signal } : {}) });
  const sha = stdout.toString('utf8').trim();
  if (code !== 0 || !/^[0-9a-f]{40}$/.test(sha))
    throw new TransientError(`no commit could be made: ${stderr.trim().split('\n').slice(0, 3).join('; ')}`);
  return sha;
}

function importStream({ parent, files, message, author, timeMs }: NewCommit): string {
  const bytes = (text: string): string => `data ${Buffer.byteLength(text)}\n${text}\n`;
  const name = author.name.replaceAll(/[<>\n]/g, ' ').trim();
  const changes = Object.entries(files).map(([path, text]) =>
    text === null ? `D ${path}\n` : `M 100644 inline ${path}\n${bytes(text)}`,
  );
  return [
    `commit ${proposedRef}\nmark :1\n`,
    `committer ${name} <${author.email}> ${Math.floor(timeMs / 1_000)} +0000\n`,
    bytes(message),
    parent === undefined ? '' : `from ${parent}\n`,
    ...changes,
    '\nget-mark :1\ndone\n',
  ].join('');
}

/** Push a commit of the mirror. 'moved': the ref is not where it was, and nothing happened. */
export async function pushTo(
  git: MirrorGit,
  { url, config }: { readonly url: string; readonly config: Readonly<Record<string, string>> },
  { sha, parent, target }: { readonly sha: string; readonly parent: string | undefined; readonly target: PushTarget },
  options: MirrorGitOptions,
): Promise<'pushed' | 'moved'> {
  const { ref, force = false, options: pushOptions = [] } = target;
  if (!safeRef.test(ref)) throw new TerminalError('BadRef', `${JSON.stringify(ref)} is not a ref to push to`);
  const leased = ref.startsWith('refs/heads/') && !force;
  const args = [
    'push',
    '--porcelain',
    ...(leased ? [`--force-with-lease=${ref}:${parent ?? ''}`] : []),
    ...(force ? ['--force'] : []),
    ...pushOptions.flatMap((option) => ['-o', option]),
    '--end-of-options',
    url,
    `${sha}:${ref}`,
  ];
  const { code, stdout, stderr } = await git(args, { ...options, config });
  if (code === 0) return 'pushed';
  const line =
    stdout
      .toString('utf8')
      .split('\n')
      .find((found) => found.startsWith('!')) ?? '';
  if (/\[rejected\]/.test(line)) return 'moved';
  const why = (line.split('\t')[2] ?? stderr.trim().split('\n').slice(0, 3).join('; ')).slice(0, 500);
  if (/\[remote rejected\]/.test(line)) throw new TerminalError('PushRefused', `${ref} was refused: ${why}`);
  throw new TransientError(`${ref} cannot be pushed: ${why}`);
}
