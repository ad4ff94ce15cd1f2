import type { ForgeActor, Permission } from './forge.ts';
import type { GithubConnection } from './github-connection.ts';

/** Asks GitHub what somebody may do in the repository. One request. */
export function createPermissionOf(
  connection: GithubConnection,
): (actor: ForgeActor, signal: AbortSignal) => Promise<Permission> {
  const { owner, repo } = connection;
  return ({ id, login }, signal) => {
    // A login that is no login would change the path of the request.
    if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(login)) return Promise.resolve('none');
    return connection.call('permission', signal, async (octokit) => {
      const query = { owner, repo, username: login, request: { signal } };
      const answer = await octokit.rest.repos.getCollaboratorPermissionLevel(query).catch((error: unknown) => {
        if ((error as { readonly status?: number }).status === 404) return undefined;
        throw error;
      });
      // The login may have been given up and taken by somebody else since the event was sent.
      if (!answer || String(answer.data.user?.id) !== id) return 'none';
      return toPermission(answer.data.permission);
    });
  };
}

function toPermission(permission: string): Permission {
  switch (permission) {
    case 'admin':
      return 'admin';
    case 'write':
    case 'maintain':
      return 'write';
    case 'read':
    case 'triage':
      return 'read';
    default:
      return 'none';
  }
}
