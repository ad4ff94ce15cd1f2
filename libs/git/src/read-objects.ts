import { TerminalError, TransientError } from '@sluice/model';
import type { MirrorGit } from './mirror-git.ts';

/** A file of a commit. `text` is UTF-8 with what is not replaced by U+FFFD. */
export type TreeFile = { readonly path: string; readonly text: string };

export type ChangedPaths = readonly string[] | 'unknown';

/** Bounds of {@link readTree}. */
export const treeCaps = Object.freeze({ files: 1_000, fileBytes: 1024 * 1024, totalBytes: 16 * 1024 * 1024 });

const maxChangedPaths = 100_000;
const listingBytes = 16 * 1024 * 1024;

type Entry = { readonly path: string; readonly id: string; readonly size: number };

/** Regular files below a prefix. Symbolic links and submodules are left out, so nothing outside is ever followed. */
export async function readTree(
  git: MirrorGit,
  sha: string,
  prefix: string,
  signal?: AbortSignal,
): Promise<readonly TreeFile[]> {
  const entries = await listEntries(git, sha, prefix, signal);
  const total = entries.reduce((sum, { size }) => sum + size, 0);
  const long = entries.find(({ size }) => size > treeCaps.fileBytes);
  if (long) throw tooLarge(`${long.path} has ${long.size} bytes; at most ${treeCaps.fileBytes} are read`);
  if (entries.length > treeCaps.files) {
    throw tooLarge(`${prefix} has ${entries.length} files; at most ${treeCaps.files} are read`);
  }
  if (total > treeCaps.totalBytes)
    throw tooLarge(`${prefix} has ${total} bytes; at most ${treeCaps.totalBytes} are read`);
  if (entries.length === 0) return [];
  const contents = await readBlobs(git, entries, signal);
  return entries.map(({ path, id }) => ({ path, text: contents.get(id) ?? '' }));
}

async function listEntries(git: MirrorGit, sha: string, prefix: string, signal?: AbortSignal): Promise<Entry[]> {
  if (!prefix.endsWith('/') || prefix.startsWith('/'))
    throw new RangeError(`prefix ${prefix} must be relative and end in /`);
  const args = ['ls-tree', '-r', '-l', '-z', '--full-tree', sha, '--', prefix];
  const options = { maxBytes: listingBytes, ...(signal ? { signal } : {}) };
  const { code, stdout, stderr } = await git(args, options);
  if (code !== 0) throw new TransientError(`the files of ${sha} cannot be listed: ${stderr.trim().slice(0, 300)}`);
  const entries: Entry[] = [];
  for (const row of stdout.toString('utf8').split('\0')) {
    const match = /^(100644|100755) blob ([0-9a-f]{40}) +(\d+)\t([^]+)$/.exec(row);
    const [, , id, size, path] = match ?? [];
    if (id && size && path) entries.push({ path, id, size: Number(size) });
  }
  return entries;
}

async function readBlobs(
  git: MirrorGit,
  entries: readonly Entry[],
  signal?: AbortSignal,
): Promise<Map<string, string>> {
  const input = entries.map(({ id }) => `${id}\n`).join('');
  const headers = entries.length * 100;
  const options = { input, maxBytes: treeCaps.totalBytes + headers, ...(signal ? { signal } : {}) };
  const { stdout } = await git(['cat-file', '--batch'], options);
  const contents = new Map<string, string>();
  for (let at = 0; at < stdout.length;) {
    const lineEnd = stdout.indexOf(10, at);
    if (lineEnd < 0) break;
    const [id, type, size] = stdout.toString('latin1', at, lineEnd).split(' ');
    if (!id || type !== 'blob') throw new TransientError(`object ${id} is not a readable file`);
    const start = lineEnd + 1;
    const end = start + Number(size);
    contents.set(id, stdout.toString('utf8', start, end));
    at = end + 1;
  }
  return contents;
}

/**
 * What `head` changed since it left `base`. 'unknown' for commits without a common ancestor, for a base that is not
 * here, and for more than 100,000 paths: callers then take everything as changed.
 */
export async function changedPaths(
  git: MirrorGit,
  base: string,
  head: string,
  signal?: AbortSignal,
): Promise<ChangedPaths> {
  const abort = signal ? { signal } : {};
  const found = await git(['merge-base', base, head], abort);
  if (found.code !== 0) return 'unknown';
  const mergeBase = found.stdout.toString('latin1').trim();
  const args = ['diff-tree', '-r', '-z', '--name-only', '--no-renames', '--no-ext-diff', mergeBase, head, '--'];
  try {
    const { code, stdout } = await git(args, { maxBytes: listingBytes, ...abort });
    const paths = stdout
      .toString('utf8')
      .split('\0')
      .filter((path) => path !== '');
    return code === 0 && paths.length <= maxChangedPaths ? paths : 'unknown';
  } catch (error) {
    if (error instanceof TransientError && !signal?.aborted) return 'unknown';
    throw error;
  }
}

function tooLarge(message: string): TerminalError {
  return new TerminalError('TreeTooLarge', message);
}
