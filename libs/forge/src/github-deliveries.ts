import type { Octokit } from 'octokit';
import type { MissedDelivery } from './forge.ts';
import type { GithubConnection } from './github-connection.ts';

/** Events that something here follows from. */
const events = new Set(['push', 'pull_request', 'issue_comment', 'check_run', 'check_suite', 'merge_group']);
/** Deliveries whose content is read in one pass; the rest follow in the next. */
const readPerPass = 20;
const remembered = 1_000;

type Item = Awaited<ReturnType<Octokit['rest']['apps']['listWebhookDeliveries']>>['data'][number];

/**
 * Reads deliveries of the App's webhook that never arrived, each once: GitHub does not repeat them by itself. One request
 * when there is nothing new, and one more for each that was missed. Only an App may ask.
 */
export function createMissedDeliveries(
  connection: GithubConnection,
): (signal: AbortSignal) => Promise<readonly MissedDelivery[]> {
  const { owner, repo } = connection;
  const fullName = `${owner}/${repo}`.toLowerCase();
  const read = new Set<string>();
  const foreign = new Set<number>();
  return (signal) =>
    connection.call('deliveries', signal, async (octokit) => {
      const { data } = await octokit.rest.apps.listWebhookDeliveries({ per_page: 100, request: { signal } });
      const wanted = missedOf(data).filter(
        ({ guid, repository_id: id }) => !read.has(guid) && (id === null || !foreign.has(id)),
      );
      const missed: MissedDelivery[] = [];
      for (const { id, guid, event, repository_id: repositoryId } of wanted.slice(0, readPerPass)) {
        const answer = await octokit.rest.apps.getWebhookDelivery({ delivery_id: id, request: { signal } });
        const payload = (answer.data.request.payload ?? {}) as {
          readonly repository?: { readonly full_name?: string };
        };
        remember(read, guid);
        if (payload.repository?.full_name?.toLowerCase() === fullName) {
          missed.push({ event, delivery: guid, body: JSON.stringify(payload) });
        } else if (repositoryId !== null) remember(foreign, repositoryId);
      }
      return missed;
    });
}

/** Failed deliveries of which no attempt arrived, oldest first. */
function missedOf(items: readonly Item[]): readonly Item[] {
  const arrived = new Set(items.filter(({ status_code: code }) => code >= 200 && code < 300).map(({ guid }) => guid));
  const first = new Map<string, Item>();
  for (const item of items) {
    if (!arrived.has(item.guid) && events.has(item.event)) first.set(item.guid, item);
  }
  return [...first.values()].sort((a, b) => (a.delivered_at < b.delivered_at ? -1 : 1));
}

function remember<T>(set: Set<T>, value: T): void {
  set.add(value);
  const [oldest] = set;
  if (set.size > remembered && oldest !== undefined) set.delete(oldest);
}
