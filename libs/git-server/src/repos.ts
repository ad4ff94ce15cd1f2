import { type Forge, Refusal, repoLock, timestamp } from './forge-context.ts';
import type { RepoRecord } from './records.ts';

const maxRepos = 1_000;

/** Make a repository with its directory. One that exists by now is given back as it is. */
export function createRepo(
  forge: Forge,
  asked: { readonly name: string; readonly defaultBranch: string; readonly webhook: RepoRecord['webhook'] },
): Promise<RepoRecord> {
  checkName(asked.name);
  checkBranch(asked.defaultBranch);
  return forge.lock.run('repos', async () => {
    const existing = forge.state.repo(asked.name);
    if (existing) return existing;
    if (forge.state.repos().length >= maxRepos) {
      throw new Refusal(422, 'TooManyRepositories', `this forge holds at most ${maxRepos} repositories`);
    }
    const id = forge.state.counter('repo') + 1;
    const repo: RepoRecord = {
      id,
      name: asked.name,
      defaultBranch: asked.defaultBranch,
      createdAt: timestamp(forge),
      ...(asked.webhook ? { webhook: asked.webhook } : {}),
    };
    await forge.open(repo).ensure(repo.defaultBranch);
    await forge.state.commit([forge.state.putCounter('repo', id), forge.state.putRepo(repo)]);
    return repo;
  });
}

/** Point the webhook of a repository somewhere else. What waits is sent there. */
export function updateWebhook(
  forge: Forge,
  repo: RepoRecord,
  webhook: NonNullable<RepoRecord['webhook']>,
): Promise<RepoRecord> {
  return forge.lock.run(repoLock(repo), async () => {
    const current = forge.state.repo(repo.name) ?? repo;
    const updated: RepoRecord = { ...current, webhook };
    if (JSON.stringify(current.webhook) !== JSON.stringify(webhook)) {
      await forge.state.commit([forge.state.putRepo(updated)]);
    }
    forge.outbox.wake(updated);
    return updated;
  });
}

function checkName(name: string): void {
  const fits = /^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/.test(name) && !name.endsWith('.git') && !name.includes('..');
  if (fits) return;
  const rule = 'at most 63 lower-case letters, digits, dots, dashes and underscores, a letter or digit at both ends';
  throw new Refusal(422, 'BadName', `name ${JSON.stringify(name)} does not do: ${rule}, not ending in .git`);
}

function checkBranch(branch: string): void {
  const fits = /^[A-Za-z0-9][A-Za-z0-9._/-]*$/.test(branch) && !/\.\.|\/\/|\.lock(\/|$)|[./]$|\/\./.test(branch);
  if (!fits) throw new Refusal(422, 'BadBranch', `defaultBranch ${JSON.stringify(branch)} is not a branch name`);
}
