import { noCommit } from './git-event.ts';

/** A push payload with the fields that the normaliser reads. */
export function makePushPayload(overrides: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    ref: 'refs/heads/main',
    before: noCommit,
    after: 'a'.repeat(40),
    created: true,
    deleted: false,
    forced: false,
    head_commit: { id: 'a'.repeat(40), message: 'first' },
    repository: { id: 7, full_name: 'sluice/hello', default_branch: 'main' },
    sender: { id: 3, login: 'ada' },
    ...overrides,
  };
}

/** A pull request payload with the fields that the normaliser reads. */
export function makePullRequestPayload(
  action = 'opened',
  pull: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return {
    action,
    number: 4,
    pull_request: {
      title: 'Break the test',
      draft: false,
      merged: false,
      user: { id: 5, login: 'grace' },
      head: { ref: 'topic', sha: 'b'.repeat(40), repo: { id: 7 } },
      base: { ref: 'main', sha: 'a'.repeat(40), repo: { id: 7 } },
      ...pull,
    },
    repository: { id: 7, full_name: 'sluice/hello', default_branch: 'main' },
    sender: { id: 3, login: 'ada' },
  };
}

/** A comment payload with the fields that the normaliser reads. */
export function makeCommentPayload(body: string, { number = 4, id = 11, user = 3 } = {}): Record<string, unknown> {
  return {
    action: 'created',
    issue: { number, pull_request: {} },
    comment: { id, body, user: { id: user, login: `user-${user}` } },
    repository: { id: 7, full_name: 'sluice/hello', default_branch: 'main' },
    sender: { id: user, login: `user-${user}`, type: 'User' },
  };
}
