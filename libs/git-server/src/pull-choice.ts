import type { PullRecord } from './records.ts';
import type { CommitFacts } from './repository-git.ts';

/**
 * Which open pull request a push to `refs/for/<branch>` continues; undefined means a new one. `candidates` are the
 * author's open pull requests for that branch, newest first.
 *
 * With a topic: the one of that topic, whatever its history. Without: among those without a topic, first one whose head
 * the new head descends from (more commits were added), else one that shares a rewritten commit: `git commit --amend` and
 * `git rebase` keep a commit's author and author date. Work that has nothing to do with an open one gets its own number.
 */
export async function choosePull(
  candidates: readonly PullRecord[],
  push: { readonly topic?: string; readonly commits: readonly CommitFacts[] },
  history: {
    readonly descendsFrom: (pull: PullRecord) => Promise<boolean>;
    readonly commitsOf: (pull: PullRecord) => Promise<readonly CommitFacts[]>;
  },
): Promise<PullRecord | undefined> {
  const sameTopic = candidates.filter((pull) => pull.topic === push.topic);
  if (push.topic !== undefined) return sameTopic[0];
  for (const pull of sameTopic) if (await history.descendsFrom(pull)) return pull;
  const written = new Set(push.commits.map(authorship));
  for (const pull of sameTopic) {
    if ((await history.commitsOf(pull)).some((commit) => written.has(authorship(commit)))) return pull;
  }
  return undefined;
}

function authorship({ author }: CommitFacts): string {
  return `${author.date} ${author.email} ${author.name}`;
}

/** Splits what follows `refs/for/` into an existing branch and a topic: the longest branch wins. */
export function splitTarget(
  target: string,
  branches: ReadonlySet<string>,
): { readonly branch: string; readonly topic?: string } | undefined {
  if (branches.has(target)) return { branch: target };
  for (let slash = target.lastIndexOf('/'); slash > 0; slash = target.lastIndexOf('/', slash - 1)) {
    const branch = target.slice(0, slash);
    if (branches.has(branch)) return { branch, topic: target.slice(slash + 1) };
  }
  return undefined;
}
