import type { Problem, Result } from '@sluice/model';
import { actorOf, fieldProblem, type Fields, fieldsOf } from './fields.ts';
import type { Actor, EventRepository, GitEvent } from './git-event.ts';
import { ignored, isCommitId, repositoryOf } from './github-fields.ts';

/** Longest comment that is read; GitHub's own limit is 65,536 characters. */
const maxComment = 65_536;

/** `issue_comment`: only new comments of people under pull requests count; an edited command would run twice. */
export function readComment(delivery: string, body: Fields): Result<GitEvent> {
  if (body.text('action') !== 'created') return ignored(delivery, 'only new comments are read for commands');
  const issue = body.object('issue') ?? fieldsOf(undefined);
  if (!issue.has('pull_request')) return ignored(delivery, 'the comment is not about a pull request');
  const comment = body.object('comment') ?? fieldsOf(undefined);
  const speaker = speakerOf(body);
  if (speaker === undefined) return ignored(delivery, 'the comment is not from a person');
  const writer = actorOf(comment.object('user'));
  if (writer?.id !== speaker.id) return ignored(delivery, 'the comment was not written by who sent it');
  const number = Number(issue.id('number'));
  const id = comment.id('id');
  const repository = repositoryOf(body.object('repository'));
  const problems = [
    ...repositoryProblems(repository),
    ...(Number.isSafeInteger(number) && number > 0 ? [] : [fieldProblem('issue.number', 'must be a positive integer')]),
    ...(id === undefined ? [fieldProblem('comment.id', 'must be an id')] : []),
  ];
  if (problems.length > 0 || !repository || id === undefined) return { ok: false, problems };
  const text = (comment.text('body') ?? '').slice(0, maxComment);
  return {
    ok: true,
    value: { kind: 'comment', delivery, repository, actor: speaker, number, comment: id, body: text },
  };
}

/** `check_run`: the button "Re-run" and our own buttons. GitHub sends these to the App that made the check only. */
export function readCheckRun(delivery: string, body: Fields): Result<GitEvent> {
  const action = body.text('action') ?? '';
  const asked = action === 'rerequested' ? 'rerun' : body.object('requested_action')?.text('identifier');
  if ((action !== 'rerequested' && action !== 'requested_action') || asked === undefined) {
    return ignored(delivery, `check run action ${action.slice(0, 60)} asks for nothing`);
  }
  const run = body.object('check_run') ?? fieldsOf(undefined);
  const check = run.text('external_id') ?? '';
  return buttonOf(delivery, body, {
    sha: run.text('head_sha') ?? '',
    path: 'check_run.head_sha',
    button: asked,
    check,
  });
}

/** `check_suite`: "Re-run all checks". A suite that was only requested is announced by its push already. */
export function readCheckSuite(delivery: string, body: Fields): Result<GitEvent> {
  if (body.text('action') !== 'rerequested') return ignored(delivery, 'the push event of the commit says it');
  const sha = body.object('check_suite')?.text('head_sha') ?? '';
  return buttonOf(delivery, body, { sha, path: 'check_suite.head_sha', button: 'rerun-all', check: '' });
}

type Press = { readonly sha: string; readonly path: string; readonly button: string; readonly check: string };

function buttonOf(delivery: string, body: Fields, { sha, path, button, check }: Press): Result<GitEvent> {
  const repository = repositoryOf(body.object('repository'));
  const actor = actorOf(body.object('sender'));
  if (actor === undefined) return ignored(delivery, 'nobody is known to have pressed the button');
  const problems = [
    ...repositoryProblems(repository),
    ...(isCommitId(sha) ? [] : [fieldProblem(path, 'must be a full commit id')]),
  ];
  if (problems.length > 0 || !repository) return { ok: false, problems };
  const about = check === '' ? {} : { check: check.slice(0, 255) };
  return {
    ok: true,
    value: { kind: 'button', delivery, repository, actor, sha, button: button.slice(0, 64), ...about },
  };
}

/** `merge_group`: checks must land on the commit that the queue made. */
export function readMergeGroup(delivery: string, body: Fields): Result<GitEvent> {
  if (body.text('action') !== 'checks_requested') return ignored(delivery, 'the merge group is gone');
  const group = body.object('merge_group') ?? fieldsOf(undefined);
  const [sha, baseSha] = [group.text('head_sha') ?? '', group.text('base_sha') ?? ''];
  const [headRef, baseRef] = [group.text('head_ref') ?? '', group.text('base_ref') ?? ''];
  const repository = repositoryOf(body.object('repository'));
  const problems: Problem[] = repositoryProblems(repository);
  for (const [name, id] of Object.entries({ head_sha: sha, base_sha: baseSha })) {
    if (!isCommitId(id)) problems.push(fieldProblem(`merge_group.${name}`, 'must be a full commit id'));
  }
  for (const [name, ref] of Object.entries({ head_ref: headRef, base_ref: baseRef })) {
    if (!ref.startsWith('refs/heads/'))
      problems.push(fieldProblem(`merge_group.${name}`, 'must be the full ref of a branch'));
  }
  if (problems.length > 0 || !repository) return { ok: false, problems };
  const actor = actorOf(body.object('sender'));
  const event = { kind: 'merge_group', delivery, repository, headRef, sha, baseRef, baseSha } as const;
  return { ok: true, value: { ...event, ...(actor ? { actor } : {}) } };
}

/** Who sent it, if it is a person: commands of bots and of deleted users are not obeyed. */
function speakerOf(body: Fields): Actor | undefined {
  const sender = body.object('sender');
  return sender?.text('type') === 'Bot' ? undefined : actorOf(sender);
}

function repositoryProblems(repository: EventRepository | undefined): Problem[] {
  return repository ? [] : [fieldProblem('repository', 'must be an object with id and full_name')];
}
