import type { Secret } from '@sluice/runtime';
import type { Head, LocalForge } from './forge.ts';
import { createRestClient } from './rest-client.ts';

export type LocalForgeOptions = {
  /** Base URL of the local forge: `http://127.0.0.1:7080`. */
  readonly apiUrl: string;
  readonly token: Secret;
  /** Name of the repository there. */
  readonly repository: string;
  /** Default 15 seconds a call. */
  readonly timeoutMs?: number;
};

const maxTextLength = 65_535;

/** The client of libs/git-server. */
export function createLocalForge(options: LocalForgeOptions): LocalForge {
  const repo = `/repos/${encodeURIComponent(options.repository)}`;
  const client = createRestClient({
    apiUrl: `${options.apiUrl}/api/v1`,
    name: 'the local forge',
    headers: () => ({ authorization: `Bearer ${options.token.reveal()}` }),
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
  });
  const call = (method: string, path: string, body: unknown, signal: AbortSignal): Promise<unknown> =>
    client.call(method, `${repo}${path}`, body, signal);
  return {
    // The local forge has no buttons.
    async upsertCheck({ sha, externalId, text, summary, actions: _actions, ...check }, signal) {
      const body = { ...check, summary: clip(summary), ...(text === undefined ? {} : { text: clip(text) }) };
      await call('PUT', `/commits/${sha}/checks/${encodeURIComponent(externalId)}`, body, signal);
    },
    async upsertDeployment({ externalId, ...deployment }, signal) {
      await call('PUT', `/deployments/${encodeURIComponent(externalId)}`, deployment, signal);
    },
    async listHeads(signal) {
      const [refs, pulls] = await Promise.all([
        call('GET', '/refs', undefined, signal),
        call('GET', '/pulls?state=open', undefined, signal),
      ]);
      return toHeads(refs as readonly RefAnswer[], pulls as readonly PullAnswer[]);
    },
    // Comments, like pushes, need the one token of the forge: whoever has it may do everything.
    permissionOf: () => Promise.resolve('write'),
    async mergePull(number, { expectedSha }, signal) {
      const body = expectedSha === undefined ? {} : { sha: expectedSha };
      const answer = (await call('POST', `/pulls/${number}/merge`, body, signal)) as { readonly sha: string };
      return answer.sha;
    },
    async closePull(number, signal) {
      await call('POST', `/pulls/${number}/close`, {}, signal);
    },
  };
}

type RefAnswer = { readonly ref: string; readonly sha: string };
type PullAnswer = {
  readonly number: number;
  readonly headSha: string;
  readonly branch: string;
  readonly baseSha: string;
  readonly author: { readonly id: number; readonly login: string };
};

/** Everybody who can push to the local forge has its token, so no pull request counts as a fork. */
function toHeads(refs: readonly RefAnswer[], pulls: readonly PullAnswer[]): Head[] {
  const heads: Head[] = refs.filter(({ ref }) => !ref.startsWith('refs/pull/')).map(({ ref, sha }) => ({ ref, sha }));
  for (const { number, headSha, branch, baseSha, author } of pulls) {
    heads.push({
      ref: `refs/pull/${number}/head`,
      sha: headSha,
      pullRequest: {
        number,
        baseRef: `refs/heads/${branch}`,
        baseSha,
        draft: false,
        fork: false,
        author: { id: String(author.id), login: author.login },
      },
    });
  }
  return heads;
}

function clip(text: string): string {
  return text.length <= maxTextLength ? text : `${text.slice(0, maxTextLength - 20)}\n… (shortened)`;
}
