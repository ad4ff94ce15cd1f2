import type { CheckReport } from '@sluice/model';
import type { GithubConnection } from './github-connection.ts';

type State = 'error' | 'failure' | 'pending' | 'success';

const longestDescription = 140;
const remembered = 2_000;

/** The nearest commit status: what must not block a merge is a success. */
export function toStatus(check: CheckReport): { readonly state: State; readonly description: string } {
  const description = shorten(check.title, longestDescription);
  if (check.status !== 'completed') return { state: 'pending', description };
  switch (check.conclusion) {
    case 'success':
    case 'neutral':
    case 'skipped':
      return { state: 'success', description };
    case 'failure':
    case 'timed_out':
      return { state: 'failure', description };
    case 'cancelled':
    case 'action_required':
    case undefined:
      return { state: 'error', description };
    default:
      return check.conclusion satisfies never;
  }
}

/** Writes commit statuses, the most that a token can do. What was said last is not said again (GitHub keeps 1,000). */
export function createStatuses(
  connection: GithubConnection,
): (check: CheckReport, signal: AbortSignal) => Promise<void> {
  const { owner, repo } = connection;
  const said = new Map<string, string>();
  return (check, signal) =>
    connection.call('commit status', signal, async (octokit) => {
      const { state, description } = toStatus(check);
      const context = `sluice/${check.name}`.slice(0, 255);
      const key = `${check.sha}/${context}`;
      const text = JSON.stringify([state, description, check.detailsUrl]);
      if (said.get(key) === text) return;
      await octokit.rest.repos.createCommitStatus({
        owner,
        repo,
        sha: check.sha,
        state,
        description,
        context,
        ...(check.detailsUrl === undefined ? {} : { target_url: check.detailsUrl }),
        request: { signal },
      });
      said.delete(key);
      said.set(key, text);
      const [oldest] = said.keys();
      if (said.size > remembered && oldest !== undefined) said.delete(oldest);
    });
}

/** At most `max` characters, the last one an ellipsis where something was cut. */
export function shorten(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1)}…`;
}
