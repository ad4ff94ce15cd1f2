import { mergeGroupOf, type PullRequestEvent, type TriggerEvent } from '@sluice/trigger';
import type { Head } from './ports.ts';

/** The event that a head stands for: what its delivery would have said. `before` is the commit that was handled last. */
export function toTriggerEvent(head: Head, before: string | undefined): TriggerEvent {
  const { ref, sha } = head;
  return (
    toPullRequest(head) ??
    mergeGroupOf(ref, sha) ?? { kind: 'push', ref, sha, deleted: false, ...(before ? { before } : {}) }
  );
}

/** The open pull request that a head belongs to, as an event. */
export function toPullRequest({ sha, pullRequest }: Head): PullRequestEvent | undefined {
  if (!pullRequest) return undefined;
  const { number, baseRef, baseSha, headRef, draft, fork, author } = pullRequest;
  return {
    kind: 'pull_request',
    number,
    sha,
    baseRef,
    baseSha,
    draft,
    fork,
    open: true,
    ...(headRef ? { headRef } : {}),
    ...(author ? { author } : {}),
  };
}
