import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findGit } from '@sluice/git';
import { TerminalError } from '@sluice/model';
import { selectVersion, type GitRefPlan, type GitSourcePlan } from '@sluice/release';
import { CommandStopped, runCommand, type Secret } from '@sluice/runtime';
import { SourceError } from './source-error.ts';

/** Value of the Authorization header, if any. */
export type GitAccess = { readonly authorization?: Secret };

export type GitRequest = GitSourcePlan & {
  readonly access: GitAccess;
  readonly signal: AbortSignal;
  /** Directory for what is fetched meanwhile. */
  readonly scratch: string;
  /** File that is written, a tar.gz. */
  readonly output: string;
  /** Nothing is written when the ref still stands for this revision. */
  readonly known?: string;
};

const maxArchiveBytes = 50 * 1024 * 1024;
/** Left out of every artifact unless the repository's own rules take them in again. */
const defaultIgnore = [
  '.git*',
  '.github/',
  '.circleci/',
  '.travis.yml',
  '.gitlab-ci.yml',
  '.sluice/',
  '*.jpg',
  '*.jpeg',
  '*.gif',
  '*.png',
  '*.mp4',
  '*.zip',
  '*.rar',
  '*.7z',
];

/** Fetch the commit that a ref stands for and write its files as tar.gz. Returns the revision, `branch@sha1:<commit>`. */
export async function archiveCommit(searchPath: string, request: GitRequest): Promise<string> {
  const binary = await gitBinary(searchPath);
  const directory = await mkdtemp(join(request.scratch, 'git-'));
  try {
    const git = runner(binary, directory, request);
    const { ref, commit } = await resolve(git, request);
    const revision = ref ? `${ref}@sha1:${commit}` : `sha1:${commit}`;
    if (revision === request.known) return revision;
    await git(['init', '--quiet', '--bare', directory]);
    await git(['--git-dir', directory, 'fetch', '--quiet', '--depth', '1', '--no-tags', request.url, commit]);
    const tree = await filteredTree(git, directory, { commit, ignore: request.ignore });
    await git(['--git-dir', directory, 'archive', '--format=tar.gz', '--output', request.output, tree]);
    const { size } = await stat(request.output);
    if (size > maxArchiveBytes)
      throw new SourceError(
        'FetchFailed',
        `the files of ${request.url} are more than ${maxArchiveBytes} bytes; leave some out with spec.ignore`,
      );
    return revision;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function gitBinary(searchPath: string): Promise<string> {
  try {
    return (await findGit({ path: searchPath })).binary;
  } catch (error) {
    if (error instanceof TerminalError) throw new SourceError('FetchFailed', error.message);
    throw error;
  }
}

type Git = (args: readonly string[], more?: { readonly index?: string }) => Promise<string>;

function runner(binary: string, home: string, { access, signal, timeoutMs, url }: GitRequest): Git {
  const header = access.authorization ? `Authorization: ${access.authorization.reveal()}` : undefined;
  const config: Record<string, string> = {
    'protocol.allow': 'never',
    'protocol.http.allow': 'always',
    'protocol.https.allow': 'always',
    'credential.helper': '',
    'core.hooksPath': '/dev/null',
    'http.lowSpeedLimit': '1000',
    'http.lowSpeedTime': '30',
    'safe.directory': '*',
    ...(header ? { [`http.${new URL(url).origin}/.extraHeader`]: header } : {}),
  };
  const env: Record<string, string> = {
    HOME: home,
    PATH: `${dirname(binary)}:/usr/local/bin:/usr/bin:/bin`,
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '/bin/false',
    GIT_CONFIG_COUNT: String(Object.keys(config).length),
  };
  for (const [index, [key, value]] of Object.entries(config).entries()) {
    env[`GIT_CONFIG_KEY_${index}`] = key;
    env[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return async (args, { index } = {}) => {
    const all = index ? { ...env, GIT_INDEX_FILE: index } : env;
    try {
      const { code, stdout, stderr } = await runCommand(binary, args, {
        env: all,
        cwd: home,
        timeoutMs,
        maxBytes: 16 * 1024 * 1024,
        signal,
      });
      if (code === 0) return stdout.toString('utf8');
      throw failed(url, stderr);
    } catch (error) {
      if (!(error instanceof CommandStopped)) throw error;
      throw new SourceError('FetchFailed', `git gave no answer about ${url}: ${error.message}`, {
        transient: true,
        cause: error,
      });
    }
  };
}

function failed(url: string, stderr: string): SourceError {
  const said = stderr
    .split('\n')
    .filter((line) => line.startsWith('fatal:') || line.startsWith('error:'))
    .join('; ')
    .slice(0, 500);
  const denied = /Authentication failed|could not read Username|returned error: 40[13]/.test(said);
  if (denied)
    return new SourceError('AuthenticationFailed', `${url} refuses the credentials: ${said}; check spec.secretRef`);
  const transient = /Could not resolve host|Connection refused|timed out|returned error: 5\d\d/.test(said);
  return new SourceError('FetchFailed', `cannot fetch ${url}: ${said || 'git failed without a word'}`, { transient });
}

/** The commit and, for the revision, the short name of the ref. */
async function resolve(
  git: Git,
  { url, ref }: GitRequest,
): Promise<{ readonly ref?: string; readonly commit: string }> {
  if (ref.kind === 'commit') return { commit: ref.value };
  const listed = await git(['ls-remote', '--quiet', url, ...patternsOf(ref)]);
  const found = new Map<string, string>();
  for (const line of listed.split('\n')) {
    const [commit = '', name = ''] = line.split('\t');
    // The commit of an annotated tag comes after the tag itself, marked so, and counts.
    if (commit) found.set(name.replace(/\^\{\}$/, ''), commit);
  }
  const name = nameOf(ref, found);
  const commit = name === undefined ? undefined : found.get(name);
  if (name === undefined || !commit)
    throw new SourceError('NotFound', `${url} has no ${ref.kind} ${ref.value}; check spec.ref`);
  return { ref: ref.kind === 'name' ? name : name.replace(/^refs\/(?:heads|tags)\//, ''), commit };
}

function patternsOf({ kind, value }: GitRefPlan): readonly string[] {
  if (kind === 'branch') return [`refs/heads/${value}`];
  if (kind === 'tag') return [`refs/tags/${value}`, `refs/tags/${value}^{}`];
  return kind === 'semver' ? ['refs/tags/*'] : [value];
}

function nameOf({ kind, value }: GitRefPlan, found: ReadonlyMap<string, string>): string | undefined {
  if (kind === 'branch') return `refs/heads/${value}`;
  if (kind === 'tag') return `refs/tags/${value}`;
  if (kind === 'name') return value;
  const tags = [...found.keys()].filter((name) => name.startsWith('refs/tags/')).map((name) => name.slice(10));
  const tag = selectVersion(tags, value);
  return tag === undefined ? undefined : `refs/tags/${tag}`;
}

/** The commit's tree without what the rules leave out; git itself reads the rules, so they mean what .gitignore means. */
async function filteredTree(
  git: Git,
  directory: string,
  { commit, ignore }: { readonly commit: string; readonly ignore: string | undefined },
): Promise<string> {
  const index = join(directory, 'artifact-index');
  const inDirectory = ['--git-dir', directory, '--work-tree', directory];
  const rules = join(directory, 'artifact-ignore');
  const own = await git(['--git-dir', directory, 'show', `${commit}:.sourceignore`]).catch(() => '');
  await writeFile(rules, [...defaultIgnore, ignore ?? own].join('\n'));
  await git([...inDirectory, 'read-tree', commit], { index });
  const listed = await git([...inDirectory, 'ls-files', '-z', '--cached', '--ignored', `--exclude-from=${rules}`], {
    index,
  });
  const ignored = listed.split('\0').filter(Boolean);
  for (let start = 0; start < ignored.length; start += 500) {
    const paths = ignored.slice(start, start + 500);
    await git([...inDirectory, 'update-index', '--force-remove', '--', ...paths], { index });
  }
  return (await git([...inDirectory, 'write-tree'], { index })).trim();
}
