import type { Result } from '@sluice/model';
import { fieldsOf } from './fields.ts';
import type { GitEvent } from './git-event.ts';
import { normaliseGithub } from './github.ts';

/** Gitea and Forgejo speak GitHub's shapes but for some words and marks. */
export function normaliseGitea(event: string, delivery: string, payload: unknown): Result<GitEvent> {
  return normaliseGithub(event, delivery, asGithub(event, payload));
}

/** The payload with GitHub's words. Gitea marks comments under pull requests with a flag. */
export function asGithub(event: string, payload: unknown): unknown {
  const body = fieldsOf(payload);
  const given = payload as Readonly<Record<string, unknown>>;
  if (event === 'pull_request' && body.text('action') === 'synchronized') return { ...given, action: 'synchronize' };
  if (event === 'issue_comment') {
    const issue = body.object('issue');
    const { pull_request: about, ...rest } = given;
    const marked = body.flag('is_pull') && issue && !issue.has('pull_request');
    // Newer versions add the pull request beside the issue, which GitHub does not.
    return marked ? { ...rest, issue: { ...(given['issue'] as object), pull_request: about ?? {} } } : rest;
  }
  return payload;
}
