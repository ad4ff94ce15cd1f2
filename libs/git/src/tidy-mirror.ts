import type { MirrorGit } from './mirror-git.ts';

/** Commits whose refs are kept in a mirror; older ones are fetched again when they are asked for. */
export const maxKeptCommits = 500;

const packTimeoutMs = 600_000;

/** Drop the refs of the oldest commits beyond {@link maxKeptCommits} and pack what has piled up. */
export async function tidyMirror(git: MirrorGit): Promise<void> {
  const args = ['for-each-ref', '--sort=-committerdate', '--format=%(refname)', 'refs/kept/'];
  const { stdout } = await git(args);
  const old = stdout.toString('utf8').split('\n').filter(Boolean).slice(maxKeptCommits);
  if (old.length > 0) {
    const input = old.map((ref) => `delete ${ref}\n`).join('');
    await git(['update-ref', '--stdin'], { input });
  }
  await git(['gc', '--auto', '--quiet'], {
    config: { 'gc.auto': '6700', 'gc.autoDetach': 'false' },
    timeoutMs: packTimeoutMs,
  });
}
