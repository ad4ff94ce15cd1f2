import { TerminalError } from '@sluice/model';
import { CommandStopped, runCommand } from '@sluice/runtime';
import { access, constants } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';

/** A git binary that is good enough for Sluice. */
export type Git = { readonly binary: string; readonly version: string };

/** Oldest git that has everything used here and by the local forge (configuration by environment variables). */
export const oldestGit = Object.freeze({ major: 2, minor: 31 });

const install = 'install it: apt-get install git, dnf install git, apk add git, or brew install git';

/**
 * Find git in the directories of `path` (as in PATH). Throws TerminalError with reason GitMissing or GitTooOld and a
 * message that says how to mend it.
 */
export async function findGit({ path }: { readonly path: string }): Promise<Git> {
  for (const directory of path.split(delimiter)) {
    if (!isAbsolute(directory)) continue;
    const binary = join(directory, 'git');
    if (await isExecutable(binary)) return { binary, version: await readVersion(binary) };
  }
  throw new TerminalError('GitMissing', `no git was found in PATH (${path || 'which is empty'}); ${install}`);
}

async function readVersion(binary: string): Promise<string> {
  const options = { env: { LC_ALL: 'C' }, timeoutMs: 10_000, maxBytes: 10_000 };
  let text: string;
  try {
    text = (await runCommand(binary, ['--version'], options)).stdout.toString('utf8').trim();
  } catch (error) {
    if (!(error instanceof CommandStopped)) throw error;
    throw new TerminalError('GitMissing', `${binary} does not run: ${error.message}; ${install}`, { cause: error });
  }
  const [, version, major, minor] = /(([0-9]+)\.([0-9]+)[0-9.]*)/.exec(text) ?? [];
  const number = Number(major) * 1_000 + Number(minor);
  if (version !== undefined && number >= oldestGit.major * 1_000 + oldestGit.minor) return version;
  const wanted = `${oldestGit.major}.${oldestGit.minor}`;
  throw new TerminalError(
    'GitTooOld',
    `${binary} says "${text.slice(0, 100)}"; git ${wanted} or newer is needed: ${install}`,
  );
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
