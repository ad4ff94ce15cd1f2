import { Secret } from '@sluice/runtime';
import type { GithubForge } from './forge.ts';
import { createCheckRuns } from './github-checks.ts';
import { createGithubConnection, type GithubOptions } from './github-connection.ts';
import { createMissedDeliveries } from './github-deliveries.ts';
import { createDeployments } from './github-deployments.ts';
import { createListHeads } from './github-heads.ts';
import { createPermissionOf } from './github-permission.ts';
import { createStatuses } from './github-statuses.ts';

/** One repository at GitHub. As an App its checks are check runs, with a token they are commit statuses. */
export function createGithubForge(options: GithubOptions): GithubForge {
  const connection = createGithubConnection(options);
  return {
    upsertCheck: inTurn(options.auth.kind === 'app' ? createCheckRuns(connection) : createStatuses(connection)),
    upsertDeployment: inTurn(createDeployments(connection)),
    listHeads: createListHeads(connection),
    permissionOf: createPermissionOf(connection),
    ...(options.auth.kind === 'app' ? { missedDeliveries: createMissedDeliveries(connection) } : {}),
    async gitCredentials(signal = new AbortController().signal) {
      const { auth } = options;
      const username = 'x-access-token';
      if (auth.kind === 'token') return { username, password: auth.token };
      const { token } = await connection.call('installation token', signal, async (octokit) => {
        return (await octokit.auth({ type: 'installation' })) as { readonly token: string };
      });
      return { username, password: new Secret(token) };
    },
  };
}

/** Writes of one kind go one after the other: two at once would both find nothing and both create. */
function inTurn<T>(
  write: (report: T, signal: AbortSignal) => Promise<void>,
): (report: T, signal: AbortSignal) => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  return (report, signal) => {
    const next = last.then(() => write(report, signal));
    last = next.catch(() => undefined);
    return next;
  };
}
