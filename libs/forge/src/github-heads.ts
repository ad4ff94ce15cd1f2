import type { Octokit } from 'octokit';
import type { Head } from './forge.ts';
import type { GithubConnection } from './github-connection.ts';

const pagesRead = 10;
const tagsRemembered = 10_000;

/** Tag object to commit. Tag objects never change, so each is asked for once. */
type Peeled = Map<string, string>;

/** Branches, tags and open pull requests (at most 1,000 of these, the most recently updated). */
export function createListHeads(connection: GithubConnection): (signal: AbortSignal) => Promise<readonly Head[]> {
  const peeled: Peeled = new Map();
  return (signal) =>
    connection.call('heads', signal, async (octokit) => {
      const branches = await listRefs(octokit, connection, { prefix: 'heads/', peeled, signal });
      const tags = await listRefs(octokit, connection, { prefix: 'tags/', peeled, signal });
      return [...branches, ...tags, ...(await listPulls(octokit, connection, signal))];
    });
}

async function listRefs(
  octokit: Octokit,
  { owner, repo }: GithubConnection,
  { prefix, peeled, signal }: { readonly prefix: string; readonly peeled: Peeled; readonly signal: AbortSignal },
): Promise<Head[]> {
  const { data } = await octokit.rest.git.listMatchingRefs({ owner, repo, ref: prefix, request: { signal } });
  const heads: Head[] = [];
  for (const { ref, object } of data) {
    let { sha } = object;
    if (object.type === 'tag') {
      const query = { owner, repo, tag_sha: object.sha, request: { signal } };
      sha = peeled.get(object.sha) ?? (await octokit.rest.git.getTag(query)).data.object.sha;
      if (peeled.size < tagsRemembered) peeled.set(object.sha, sha);
    }
    heads.push({ ref, sha });
  }
  return heads;
}

async function listPulls(octokit: Octokit, { owner, repo }: GithubConnection, signal: AbortSignal): Promise<Head[]> {
  const heads: Head[] = [];
  for (let page = 1; page <= pagesRead; page++) {
    const query = { owner, repo, state: 'open', sort: 'updated', direction: 'desc', per_page: 100, page } as const;
    const { data } = await octokit.rest.pulls.list({ ...query, request: { signal } });
    for (const { number, head, base, draft, user } of data) {
      // GitHub's description says that head.repo is always there; it is null once the fork was deleted.
      const source = head.repo as typeof head.repo | null;
      const fork = source?.id !== base.repo.id;
      heads.push({
        ref: `refs/pull/${number}/head`,
        sha: head.sha,
        pullRequest: {
          number,
          baseRef: `refs/heads/${base.ref}`,
          baseSha: base.sha,
          draft: draft ?? false,
          fork,
          ...(fork ? {} : { headRef: `refs/heads/${head.ref}` }),
          ...(user ? { author: { id: String(user.id), login: user.login } } : {}),
        },
      });
    }
    if (data.length < 100) break;
  }
  return heads;
}
