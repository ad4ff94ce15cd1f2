import type { Problem, Result } from '@sluice/model';
import { fieldProblem, type Fields, fieldsOf } from './fields.ts';
import {
  type Actor,
  type EventRepository,
  type GitEvent,
  noCommit,
  type PullAction,
  type PushEvent,
} from './git-event.ts';
import { ignored, isCommitId } from './github-fields.ts';

/** What `object_kind` says; the header `X-Gitlab-Event` is not signed and has to agree. */
const kinds: Readonly<Record<string, string>> = {
  'Push Hook': 'push',
  'Tag Push Hook': 'tag_push',
  'Merge Request Hook': 'merge_request',
  'Note Hook': 'note',
};

const maxComment = 65_536;

/** Deliveries of GitLab's project webhooks. */
export function normaliseGitlab(event: string, delivery: string, payload: unknown): Result<GitEvent> {
  const body = fieldsOf(payload);
  const mismatch = gitlabShapeProblem(event, body);
  if (mismatch) return { ok: false, problems: [mismatch] };
  switch (kinds[event] ?? '') {
    case 'push':
    case 'tag_push':
      return readPush(delivery, body);
    case 'merge_request':
      return readMergeRequest(delivery, body);
    case 'note':
      return readNote(delivery, body);
    default:
      return ignored(delivery, `event ${event.slice(0, 60)} starts nothing here`);
  }
}

/** A body that belongs to another event than its header says. */
export function gitlabShapeProblem(event: string, body: Fields): Problem | undefined {
  const kind = kinds[event];
  if (kind === undefined || body.text('object_kind') === kind) return undefined;
  return fieldProblem('object_kind', `is ${kind} in a ${event}`);
}

function repositoryOf(body: Fields): EventRepository | undefined {
  const project = body.object('project');
  const id = project?.id('id');
  const fullName = project?.text('path_with_namespace');
  if (id === undefined || fullName === undefined) return undefined;
  const defaultBranch = project?.text('default_branch');
  return { id, fullName, ...(defaultBranch === undefined ? {} : { defaultBranch }) };
}

const noRepository = fieldProblem('project', 'must be an object with id and path_with_namespace');

function readPush(delivery: string, body: Fields): Result<GitEvent> {
  const repository = repositoryOf(body);
  const [ref, before, after] = [body.text('ref') ?? '', body.text('before') ?? '', body.text('after') ?? ''];
  const [, group, name = ''] = /^refs\/(heads|tags)\/(.+)$/s.exec(ref) ?? [];
  const problems: Problem[] = [
    ...(repository ? [] : [noRepository]),
    ...(group === undefined ? [fieldProblem('ref', 'must be the full ref of a branch or tag')] : []),
    ...Object.entries({ before, after }).flatMap(([field, id]) =>
      isCommitId(id) ? [] : [fieldProblem(field, 'must be a full commit id')],
    ),
  ];
  if (problems.length > 0 || !repository) return { ok: false, problems };
  const [user, checkout] = [body.id('user_id'), body.text('checkout_sha') ?? ''];
  const deleted = after === noCommit;
  const push: PushEvent = {
    kind: 'push',
    delivery,
    repository,
    ...(user === undefined ? {} : { actor: { id: user, login: body.text('user_username') ?? '' } }),
    ref,
    refKind: group === 'heads' ? 'branch' : 'tag',
    name,
    before,
    // An annotated tag is an object of its own; checkout_sha is the commit behind it.
    after: !deleted && isCommitId(checkout) ? checkout : after,
    created: before === noCommit,
    deleted,
    forced: false,
  };
  return { ok: true, value: push };
}

const actions: Readonly<Record<string, PullAction>> = {
  open: 'opened',
  reopen: 'reopened',
  update: 'synchronize',
  close: 'closed',
  merge: 'closed',
};

function readMergeRequest(delivery: string, body: Fields): Result<GitEvent> {
  const repository = repositoryOf(body);
  const request = body.object('object_attributes') ?? fieldsOf(undefined);
  const given = request.text('action') ?? '';
  const action = actions[given];
  if (!action) return ignored(delivery, `merge request action ${given.slice(0, 60)} changes no commit`);
  const [number, sha] = [Number(request.id('iid')), request.object('last_commit')?.text('id') ?? ''];
  const [baseBranch, headBranch] = [request.text('target_branch') ?? '', request.text('source_branch') ?? ''];
  const problems: Problem[] = [
    ...(repository ? [] : [noRepository]),
    ...(Number.isSafeInteger(number) && number > 0 ? [] : [fieldProblem('object_attributes.iid', 'must be a number')]),
    ...(isCommitId(sha) ? [] : [fieldProblem('object_attributes.last_commit.id', 'must be a full commit id')]),
    ...(baseBranch ? [] : [fieldProblem('object_attributes.target_branch', 'must be a branch name')]),
  ];
  if (problems.length > 0 || !repository) return { ok: false, problems };
  const [source, author] = [request.id('source_project_id'), request.id('author_id')];
  const actor = userOf(body.object('user'));
  return {
    ok: true,
    value: {
      kind: 'pull_request',
      delivery,
      repository,
      action,
      number,
      title: request.text('title') ?? '',
      draft: request.flag('draft') || request.flag('work_in_progress'),
      merged: given === 'merge',
      sha,
      headBranch,
      fork: source !== repository.id,
      baseBranch,
      baseSha: noCommit,
      ...(source === undefined ? {} : { headRepositoryId: source }),
      ...(actor ? { actor } : {}),
      ...(author === undefined ? {} : { author: { id: author, login: '' } }),
    },
  };
}

function readNote(delivery: string, body: Fields): Result<GitEvent> {
  const note = body.object('object_attributes') ?? fieldsOf(undefined);
  if (note.text('noteable_type') !== 'MergeRequest')
    return ignored(delivery, 'the comment is not about a merge request');
  if ((note.text('action') ?? 'create') !== 'create' || note.flag('system')) {
    return ignored(delivery, 'only new comments are read for commands');
  }
  const repository = repositoryOf(body);
  const [actor, number, comment] = [
    userOf(body.object('user')),
    Number(body.object('merge_request')?.id('iid')),
    note.id('id'),
  ];
  const problems: Problem[] = [
    ...(repository ? [] : [noRepository]),
    ...(Number.isSafeInteger(number) && number > 0 ? [] : [fieldProblem('merge_request.iid', 'must be a number')]),
    ...(comment === undefined ? [fieldProblem('object_attributes.id', 'must be an id')] : []),
  ];
  if (problems.length > 0 || !repository || comment === undefined) return { ok: false, problems };
  if (!actor || actor.id !== note.id('author_id'))
    return ignored(delivery, 'the comment was not written by who sent it');
  const text = (note.text('note') ?? '').slice(0, maxComment);
  return { ok: true, value: { kind: 'comment', delivery, repository, actor, number, comment, body: text } };
}

function userOf(user: Fields | undefined): Actor | undefined {
  const id = user?.id('id');
  return id === undefined ? undefined : { id, login: user?.text('username') ?? '' };
}
