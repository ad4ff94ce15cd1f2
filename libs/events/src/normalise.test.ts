import examples from '@octokit/webhooks-examples' with { type: 'json' };
import { expect, test } from 'vitest';
import type { GitEvent } from './git-event.ts';
import { checkShape, normalise } from './normalise.ts';
import { makePullRequestPayload, makePushPayload } from './testing.ts';

type Example = Record<string, unknown> & {
  action?: string;
  number?: number;
  ref?: string;
  before?: string;
  after?: string;
  sender?: { id: number };
  issue?: { number: number; pull_request?: object };
  check_run?: { head_sha: string };
  check_suite?: { head_sha: string };
  merge_group?: { head_sha: string };
  pull_request?: { head: { sha: string; repo: { id: number } | null }; merged: boolean };
};

// The package's types describe an object, its JSON is a list.
const all = (examples as unknown as { name: string; examples: Example[] }[]).flatMap(({ name, examples: payloads }) =>
  payloads.map((payload, index) => ({ name, index, payload })),
);

function value(event: string, payload: unknown): GitEvent {
  const result = normalise({ forge: 'github', event, delivery: 'd', payload });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.value;
}

test('there are 329 public examples', () => {
  expect(all).toHaveLength(329);
});

const known: Record<string, string> = {
  opened: 'opened',
  synchronize: 'synchronize',
  reopened: 'reopened',
  ready_for_review: 'ready',
  closed: 'closed',
};

function wanted(name: string, payload: Example): Record<string, unknown> {
  const actor = { id: String(payload.sender?.id) };
  const action = known[payload.action ?? ''];
  if (name === 'push') return { kind: 'push', ref: payload.ref, before: payload.before, after: payload.after, actor };
  if (name === 'ping') return { kind: 'ping' };
  const conversation = wantedConversation(name, payload);
  if (conversation) return { ...conversation, actor };
  if (name !== 'pull_request' || !action) return { kind: 'ignored' };
  const merged = action === 'closed' && payload.pull_request?.merged === true;
  return { kind: name, action, number: payload.number, sha: payload.pull_request?.head.sha, actor, merged };
}

/** What people ask for: commands, buttons, merge queues. */
function wantedConversation(name: string, payload: Example): Record<string, unknown> | undefined {
  const { action, issue, check_run: run, check_suite: suite, merge_group: group } = payload;
  const again = action === 'rerequested';
  if (name === 'issue_comment' && action === 'created' && issue?.pull_request) {
    return { kind: 'comment', number: issue.number };
  }
  if (name === 'check_run' && again) return { kind: 'button', button: 'rerun', sha: run?.head_sha };
  if (name === 'check_run' && action === 'requested_action') return { kind: 'button', sha: run?.head_sha };
  if (name === 'check_suite' && again) return { kind: 'button', button: 'rerun-all', sha: suite?.head_sha };
  if (name === 'merge_group' && action === 'checks_requested') return { kind: 'merge_group', sha: group?.head_sha };
  return undefined;
}

test('every public example becomes the right kind of event with its ref, commit and actor', () => {
  const kinds: Record<string, number> = {};
  for (const { name, payload } of all) {
    const event = value(name, payload);
    kinds[event.kind] = (kinds[event.kind] ?? 0) + 1;
    expect(event).toMatchObject(wanted(name, payload));
  }
  expect(kinds).toEqual({ push: 7, pull_request: 12, ping: 4, button: 5, merge_group: 2, ignored: 299 });
});

test('an example fits its own event and neither push nor pull_request under a false name', () => {
  for (const { name, payload } of all) {
    const fits = [name, 'push', 'pull_request'].map((event) => checkShape({ forge: 'github', event, payload }).ok);
    expect(fits).toEqual([true, name === 'push', name === 'pull_request']);
  }
});

test('a new branch, a moved tag and a deleted branch are told apart', () => {
  expect(value('push', makePushPayload())).toMatchObject({
    refKind: 'branch',
    name: 'main',
    created: true,
    deleted: false,
  });
  const tag = makePushPayload({ ref: 'refs/tags/v1/x', before: 'c'.repeat(40), forced: true });
  expect(value('push', tag)).toMatchObject({ refKind: 'tag', name: 'v1/x', created: false, forced: true });
  const gone = makePushPayload({ before: 'c'.repeat(40), after: '0'.repeat(40), head_commit: null });
  expect(value('push', gone)).toMatchObject({ deleted: true, after: '0'.repeat(40) });
  expect(value('push', gone)).not.toHaveProperty('message');
});

test('a pull request that lacks what a run needs names every field', () => {
  const payload = { ...makePullRequestPayload('opened', { head: null, base: { sha: 'x' } }), number: 'seven' };
  const result = normalise({ forge: 'github', event: 'pull_request', delivery: 'd', payload });
  const paths = result.ok ? [] : result.problems.map(({ path }) => path);
  expect(paths).toEqual(['number', 'pull_request.head.sha', 'pull_request.base.sha', 'pull_request.base.ref']);
});

test('an annotated tag stands for its commit', () => {
  const payload = makePushPayload({ ref: 'refs/tags/v2', after: 'd'.repeat(40) });
  expect(value('push', payload)).toMatchObject({ refKind: 'tag', after: 'a'.repeat(40) });
});

test('a push to another kind of ref is ignored', () => {
  expect(value('push', makePushPayload({ ref: 'refs/notes/commits' }))).toMatchObject({ kind: 'ignored' });
});

test('a pull request whose head repository was deleted counts as a fork', () => {
  const head = { ref: 'topic', sha: 'b'.repeat(40), repo: null };
  expect(value('pull_request', makePullRequestPayload('opened', { head }))).toMatchObject({ fork: true });
  expect(value('pull_request', makePullRequestPayload())).toMatchObject({
    fork: false,
    author: { id: '5', login: 'grace' },
  });
});

test('a payload without a sender has no actor', () => {
  expect(value('push', makePushPayload({ sender: null }))).not.toHaveProperty('actor');
});

test.for([
  { name: 'a short commit id', payload: makePushPayload({ after: 'abc' }), path: 'after' },
  { name: 'a ref that is no ref', payload: makePushPayload({ ref: 'main' }), path: 'ref' },
  { name: 'a missing repository', payload: makePushPayload({ repository: 5 }), path: 'repository' },
  { name: 'a body that is a list', payload: [], path: 'ref' },
  { name: 'nothing', payload: null, path: 'ref' },
  {
    name: 'fields from the prototype',
    payload: JSON.parse('{"__proto__":{"ref":"refs/heads/x"}}') as unknown,
    path: 'ref',
  },
])('$name is a problem that names the field', ({ payload, path }) => {
  const result = normalise({ forge: 'local', event: 'push', delivery: 'd', payload });
  expect(result).toMatchObject({ ok: false, problems: [{ code: 'BadPayload', path }] });
});

const comment = (changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  action: 'created',
  issue: { number: 4, pull_request: {} },
  comment: { id: 11, body: '/test', user: { id: 3, login: 'ada' } },
  repository: { id: 7, full_name: 'sluice/hello' },
  sender: { id: 3, login: 'ada', type: 'User' },
  ...changes,
});

test('a new comment under a pull request is one of the person who sent it', () => {
  expect(value('issue_comment', comment())).toMatchObject({
    kind: 'comment',
    number: 4,
    comment: '11',
    body: '/test',
    actor: { id: '3', login: 'ada' },
  });
});

test.for([
  { name: 'an edited comment', payload: comment({ action: 'edited' }) },
  { name: 'a comment of a bot', payload: comment({ sender: { id: 3, login: 'ada[bot]', type: 'Bot' } }) },
  { name: 'a comment without a sender', payload: comment({ sender: null }) },
  { name: 'a comment sent in the name of another', payload: comment({ sender: { id: 9, login: 'ada' } }) },
  { name: 'a comment under an issue', payload: comment({ issue: { number: 4 } }) },
])('$name commands nothing', ({ payload }) => {
  expect(value('issue_comment', payload)).toMatchObject({ kind: 'ignored' });
});
