import type { Problem, Result } from '@sluice/model';
import { actorOf, fieldProblem, type Fields, fieldsOf } from './fields.ts';
import { readCheckRun, readCheckSuite, readComment, readMergeGroup } from './github-conversation.ts';
import { ignored, isCommitId, repositoryOf } from './github-fields.ts';
import {
  type Actor,
  type EventRepository,
  type GitEvent,
  noCommit,
  type PullAction,
  type PullRequestEvent,
  type PushEvent,
} from './git-event.ts';

/** Deliveries in GitHub's shapes, which the local forge speaks too. */
export function normaliseGithub(event: string, delivery: string, payload: unknown): Result<GitEvent> {
  const body = fieldsOf(payload);
  const mismatch = shapeProblem(event, body);
  if (mismatch) return { ok: false, problems: [mismatch] };
  switch (event) {
    case 'push':
      return readPush(delivery, body);
    case 'pull_request':
      return readPullRequest(delivery, body);
    case 'issue_comment':
      return readComment(delivery, body);
    case 'check_run':
      return readCheckRun(delivery, body);
    case 'check_suite':
      return readCheckSuite(delivery, body);
    case 'merge_group':
      return readMergeGroup(delivery, body);
    case 'ping': {
      const repository = repositoryOf(body.object('repository'));
      return { ok: true, value: { kind: 'ping', delivery, ...(repository ? { repository } : {}) } };
    }
    default:
      return ignored(delivery, reasonsToIgnore[event] ?? `event ${event} starts nothing here`);
  }
}

const reasonsToIgnore: Readonly<Record<string, string>> = {
  create: 'the push event of the new ref says it',
  delete: 'the push event of the deleted ref says it',
};

/**
 * The event name is not signed, the body is: a body that belongs to another event is refused. The answer names what is
 * missing. Events that we ignore are taken with any body.
 */
export function shapeProblem(event: string, body: Fields): Problem | undefined {
  const missing = (required[event] ?? []).filter((field) => !body.has(field));
  const [foreign] = (forbidden[event] ?? []).filter((field) => body.has(field));
  if (missing.length > 0) return fieldProblem(missing[0] ?? '', `a ${event} event has the field ${missing.join(', ')}`);
  return foreign === undefined ? undefined : fieldProblem(foreign, `a ${event} event has no field ${foreign}`);
}

const required: Readonly<Record<string, readonly string[]>> = {
  push: ['ref', 'before', 'after', 'repository'],
  pull_request: ['action', 'number', 'pull_request', 'repository'],
  issue_comment: ['action', 'issue', 'comment', 'repository'],
  check_run: ['action', 'check_run', 'repository'],
  check_suite: ['action', 'check_suite', 'repository'],
  merge_group: ['action', 'merge_group', 'repository'],
  ping: ['zen'],
};

const forbidden: Readonly<Record<string, readonly string[]>> = {
  push: ['action', 'issue', 'pull_request', 'comment', 'check_run'],
  pull_request: ['comment', 'review', 'issue', 'ref'],
  issue_comment: ['pull_request', 'check_run', 'ref'],
  check_run: ['comment', 'issue', 'ref'],
  check_suite: ['comment', 'issue', 'check_run', 'ref'],
  merge_group: ['comment', 'issue', 'check_run', 'ref'],
  ping: ['ref', 'action', 'pull_request'],
};

function readPush(delivery: string, body: Fields): Result<GitEvent> {
  const ref = body.text('ref') ?? '';
  const before = body.text('before') ?? '';
  const after = body.text('after') ?? '';
  const repository = repositoryOf(body.object('repository'));
  const problems = pushProblems({ ref, before, after }, repository);
  if (problems.length > 0 || !repository) return { ok: false, problems };
  const [, group, name = ''] = /^refs\/(heads|tags)\/(.+)$/s.exec(ref) ?? [];
  if (group === undefined) return ignored(delivery, `${ref.slice(0, 200)} is neither a branch nor a tag`);
  const refKind = group === 'heads' ? 'branch' : 'tag';
  const actor = actorOf(body.object('sender'));
  const head = body.object('head_commit');
  const message = head?.text('message');
  const push: PushEvent = {
    kind: 'push',
    delivery,
    repository,
    ...(actor ? { actor } : {}),
    ref,
    refKind,
    name,
    before,
    after: refKind === 'tag' ? peeled(after, head) : after,
    created: isNone(before),
    deleted: isNone(after),
    forced: body.flag('forced'),
    ...(message === undefined ? {} : { message }),
  };
  return { ok: true, value: push };
}

function pushProblems(
  { ref, before, after }: Pick<PushEvent, 'ref' | 'before' | 'after'>,
  repository: EventRepository | undefined,
): Problem[] {
  const problems: Problem[] = [];
  if (!repository) problems.push(fieldProblem('repository', 'must be an object with id and full_name'));
  if (!isCommitId(before)) problems.push(fieldProblem('before', 'must be a full commit id'));
  if (!isCommitId(after)) problems.push(fieldProblem('after', 'must be a full commit id'));
  if (!ref.startsWith('refs/')) problems.push(fieldProblem('ref', 'must be a full ref such as refs/heads/main'));
  return problems;
}

/** An annotated tag is an object of its own; what matters is the commit behind it. */
function peeled(after: string, head: Fields | undefined): string {
  const commit = head?.text('id') ?? '';
  return isCommitId(commit) ? commit : after;
}

const actions: Readonly<Record<string, PullAction>> = {
  opened: 'opened',
  synchronize: 'synchronize',
  reopened: 'reopened',
  ready_for_review: 'ready',
  closed: 'closed',
};

function readPullRequest(delivery: string, body: Fields): Result<GitEvent> {
  const given = body.text('action') ?? '';
  const action = actions[given];
  if (!action) return ignored(delivery, `pull request action ${given.slice(0, 60)} changes no commit`);
  const core = readPullCore(body);
  if (!core.ok) return core;
  const { repository, pull, number, sha, baseBranch, baseSha } = core.value;
  const head = pull.object('head');
  const headRepositoryId = head?.object('repo')?.id('id');
  const event: PullRequestEvent = {
    kind: 'pull_request',
    delivery,
    repository,
    action,
    number,
    title: pull.text('title') ?? '',
    draft: pull.flag('draft'),
    merged: action === 'closed' && pull.flag('merged'),
    sha,
    headBranch: head?.text('ref') ?? '',
    fork: headRepositoryId !== repository.id,
    baseBranch,
    baseSha,
    ...(headRepositoryId === undefined ? {} : { headRepositoryId }),
    ...people(actorOf(body.object('sender')), actorOf(pull.object('user'))),
  };
  return { ok: true, value: event };
}

type PullCore = {
  readonly repository: EventRepository;
  readonly pull: Fields;
  readonly number: number;
  readonly sha: string;
  readonly baseBranch: string;
  readonly baseSha: string;
};

/** The fields without which a pull request event cannot be acted on. */
function readPullCore(body: Fields): Result<PullCore> {
  const repository = repositoryOf(body.object('repository'));
  const pull = body.object('pull_request') ?? fieldsOf(undefined);
  const number = Number(body.id('number'));
  const sha = pull.object('head')?.text('sha') ?? '';
  const base = pull.object('base');
  const baseSha = base?.text('sha') ?? '';
  const baseBranch = base?.text('ref') ?? '';
  const problems: Problem[] = [];
  if (!repository) problems.push(fieldProblem('repository', 'must be an object with id and full_name'));
  if (!Number.isSafeInteger(number) || number < 1) problems.push(fieldProblem('number', 'must be a positive integer'));
  if (!isCommitId(sha)) problems.push(fieldProblem('pull_request.head.sha', 'must be a full commit id'));
  if (!isCommitId(baseSha)) problems.push(fieldProblem('pull_request.base.sha', 'must be a full commit id'));
  if (baseBranch === '') problems.push(fieldProblem('pull_request.base.ref', 'must be a branch name'));
  if (problems.length > 0 || !repository) return { ok: false, problems };
  return { ok: true, value: { repository, pull, number, sha, baseBranch, baseSha } };
}

function people(actor: Actor | undefined, author: Actor | undefined): { actor?: Actor; author?: Actor } {
  return { ...(actor ? { actor } : {}), ...(author ? { author } : {}) };
}

function isNone(id: string): boolean {
  return id === noCommit || /^0{64}$/.test(id);
}
