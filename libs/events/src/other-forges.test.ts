import type { ForgeType } from '@sluice/model';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkShape, normalise } from './normalise.ts';
import { makeCommentPayload, makePullRequestPayload, makePushPayload } from './testing.ts';

const [none, a, b] = ['0', 'a', 'b'].map((char) => char.repeat(40)) as [string, string, string];
const read = (forge: ForgeType, event: string, payload: unknown) => {
  const result = normalise({ forge, event, delivery: 'd', payload });
  return result.ok ? result.value : result.problems.map(({ path, message }) => `${path}: ${message}`);
};

const project = { id: 7, path_with_namespace: 'group/sub/hello', default_branch: 'main' };
const user = { id: 3, username: 'ada' };
const gitlabPush = (changes: object = {}) => ({
  object_kind: 'push',
  ref: 'refs/heads/main',
  before: a,
  after: b,
  checkout_sha: b,
  user_id: 3,
  user_username: 'ada',
  project,
  ...changes,
});
const mergeRequest = (attributes: object = {}) => ({
  object_kind: 'merge_request',
  user,
  project,
  object_attributes: {
    iid: 4,
    action: 'open',
    title: 'a title',
    author_id: 5,
    source_branch: 'topic',
    target_branch: 'main',
    source_project_id: 7,
    target_project_id: 7,
    last_commit: { id: b },
    ...attributes,
  },
});
const note = (attributes: object = {}) => ({
  object_kind: 'note',
  user,
  project,
  merge_request: { iid: 4 },
  object_attributes: { id: 11, note: '/retest', noteable_type: 'MergeRequest', author_id: 3, ...attributes },
});
const repository = { uuid: '{11111111-2222-3333-4444-555555555555}', full_name: 'octo/hello' };
const actor = { uuid: '{99999999-2222-3333-4444-555555555555}', nickname: 'ada' };

const cases: { name: string; forge: ForgeType; event: string; payload: unknown; want: object }[] = [
  {
    name: 'a push of GitLab',
    forge: 'gitlab',
    event: 'Push Hook',
    payload: gitlabPush(),
    want: {
      kind: 'push',
      ref: 'refs/heads/main',
      before: a,
      after: b,
      actor: { id: '3', login: 'ada' },
      deleted: false,
    },
  },
  {
    name: 'an annotated tag of GitLab: the commit behind it',
    forge: 'gitlab',
    event: 'Tag Push Hook',
    payload: gitlabPush({ object_kind: 'tag_push', ref: 'refs/tags/v1', before: none, after: a, checkout_sha: b }),
    want: { kind: 'push', refKind: 'tag', name: 'v1', after: b, created: true },
  },
  {
    name: 'a branch deleted at GitLab',
    forge: 'gitlab',
    event: 'Push Hook',
    payload: gitlabPush({ after: none, checkout_sha: null }),
    want: { kind: 'push', deleted: true, after: none },
  },
  {
    name: 'a merge request of a branch',
    forge: 'gitlab',
    event: 'Merge Request Hook',
    payload: mergeRequest(),
    want: { kind: 'pull_request', action: 'opened', number: 4, sha: b, fork: false, baseBranch: 'main', baseSha: none },
  },
  {
    name: 'a merge request of a fork, by another author than who acted',
    forge: 'gitlab',
    event: 'Merge Request Hook',
    payload: mergeRequest({ source_project_id: 8, action: 'update' }),
    want: { action: 'synchronize', fork: true, author: { id: '5' }, actor: { id: '3' } },
  },
  {
    name: 'a merged merge request',
    forge: 'gitlab',
    event: 'Merge Request Hook',
    payload: mergeRequest({ action: 'merge' }),
    want: { action: 'closed', merged: true },
  },
  {
    name: 'an approval of a merge request, which changes no commit',
    forge: 'gitlab',
    event: 'Merge Request Hook',
    payload: mergeRequest({ action: 'approved' }),
    want: { kind: 'ignored' },
  },
  {
    name: 'a comment under a merge request',
    forge: 'gitlab',
    event: 'Note Hook',
    payload: note(),
    want: { kind: 'comment', number: 4, comment: '11', body: '/retest', actor: { id: '3' } },
  },
  {
    name: 'a comment that somebody else wrote',
    forge: 'gitlab',
    event: 'Note Hook',
    payload: note({ author_id: 9 }),
    want: { kind: 'ignored' },
  },
  {
    name: 'an edited comment',
    forge: 'gitlab',
    event: 'Note Hook',
    payload: note({ action: 'update' }),
    want: { kind: 'ignored' },
  },
  {
    name: 'a comment about an issue',
    forge: 'gitlab',
    event: 'Note Hook',
    payload: note({ noteable_type: 'Issue' }),
    want: { kind: 'ignored' },
  },
  { name: 'a push of Gitea', forge: 'gitea', event: 'push', payload: makePushPayload(), want: { kind: 'push' } },
  {
    name: 'new commits at Gitea',
    forge: 'gitea',
    event: 'pull_request',
    payload: makePullRequestPayload('synchronized'),
    want: { kind: 'pull_request', action: 'synchronize' },
  },
  {
    name: 'a comment at Gitea, with the pull request beside the issue',
    forge: 'gitea',
    event: 'issue_comment',
    payload: { ...makeCommentPayload('/test'), issue: { number: 4 }, is_pull: true, pull_request: { id: 1 } },
    want: { kind: 'comment', number: 4, body: '/test' },
  },
  {
    name: 'a comment under an issue of Gitea',
    forge: 'gitea',
    event: 'issue_comment',
    payload: { ...makeCommentPayload('/test'), issue: { number: 4 }, is_pull: false },
    want: { kind: 'ignored' },
  },
  {
    name: 'a push of Bitbucket',
    forge: 'bitbucket',
    event: 'repo:push',
    payload: { repository, actor, push: { changes: [] } },
    want: { kind: 'look', repository: { fullName: 'octo/hello' } },
  },
  {
    name: 'a comment at Bitbucket',
    forge: 'bitbucket',
    event: 'pullrequest:comment_created',
    payload: {
      repository,
      actor,
      pullrequest: { id: 4 },
      comment: { id: 11, user: actor, content: { raw: '/retest' } },
    },
    want: { kind: 'comment', number: 4, body: '/retest', actor: { id: '99999999-2222-3333-4444-555555555555' } },
  },
];
test.for(cases)('$name', ({ forge, event, payload, want }) => {
  expect(checkShape({ forge, event, payload })).toEqual({ ok: true, value: undefined });
  expect(read(forge, event, payload)).toMatchObject(want);
});

test.for([
  { forge: 'gitlab' as const, event: 'Push Hook', payload: note() },
  { forge: 'gitea' as const, event: 'push', payload: makeCommentPayload('/test') },
  { forge: 'bitbucket' as const, event: 'repo:push', payload: { repository, pullrequest: { id: 1 } } },
])('a body of $forge that belongs to another event is refused', ({ forge, event, payload }) => {
  expect(checkShape({ forge, event, payload }).ok).toBe(false);
});

test('no payload makes the reading of any forge throw', () => {
  const forge = fc.constantFrom<ForgeType>('github', 'gitlab', 'gitea', 'bitbucket', 'local');
  const event = fc.constantFrom(
    'push',
    'pull_request',
    'issue_comment',
    'Push Hook',
    'Merge Request Hook',
    'Note Hook',
    'repo:push',
    'pullrequest:comment_created',
  );
  const payload = fc.oneof(
    fc.jsonValue(),
    fc.record({
      object_kind: fc.constantFrom('push', 'note', 'merge_request'),
      object_attributes: fc.jsonValue(),
      project: fc.jsonValue(),
    }),
  );
  fc.assert(
    fc.property(
      forge,
      event,
      payload,
      (f, e, p) => typeof normalise({ forge: f, event: e, delivery: 'd', payload: p }).ok === 'boolean',
    ),
  );
  expect(read('gitlab', 'Push Hook', {})).toEqual(['object_kind: is push in a Push Hook']);
});
