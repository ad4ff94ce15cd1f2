import type { Problem, Result } from '@sluice/model';
import { fieldProblem, type Fields, fieldsOf } from './fields.ts';
import type { Actor, EventRepository, GitEvent } from './git-event.ts';
import { ignored } from './github-fields.ts';

const maxComment = 65_536;

/**
 * Deliveries of Bitbucket Cloud. A push may move many refs and pull requests come with shortened commit ids, so both only
 * say that the heads have to be looked at.
 */
export function normaliseBitbucket(event: string, delivery: string, payload: unknown): Result<GitEvent> {
  const body = fieldsOf(payload);
  const mismatch = bitbucketShapeProblem(event, body);
  if (mismatch) return { ok: false, problems: [mismatch] };
  if (event === 'diagnostics:ping') return { ok: true, value: { kind: 'ping', delivery } };
  const repository = repositoryOf(body.object('repository'));
  if (!repository)
    return { ok: false, problems: [fieldProblem('repository', 'must be an object with uuid and full_name')] };
  const actor = actorOf(body.object('actor'));
  if (event === 'pullrequest:comment_created') return readComment({ delivery, body, repository, actor });
  if (event !== 'repo:push' && !/^pullrequest:(?:created|updated|fulfilled|rejected)$/.test(event)) {
    return ignored(delivery, `event ${event.slice(0, 60)} starts nothing here`);
  }
  return { ok: true, value: { kind: 'look', delivery, repository, ...(actor ? { actor } : {}) } };
}

/** A body that belongs to another event than its header says. */
export function bitbucketShapeProblem(event: string, body: Fields): Problem | undefined {
  const needed = event === 'repo:push' ? 'push' : event.startsWith('pullrequest:') ? 'pullrequest' : undefined;
  if (needed === undefined || body.has(needed)) return undefined;
  return fieldProblem(needed, `a ${event} event has the field ${needed}`);
}

type Spoken = {
  readonly delivery: string;
  readonly body: Fields;
  readonly repository: EventRepository;
  readonly actor: Actor | undefined;
};

function readComment({ delivery, body, repository, actor }: Spoken): Result<GitEvent> {
  const comment = body.object('comment') ?? fieldsOf(undefined);
  const [number, id] = [Number(body.object('pullrequest')?.id('id')), comment.id('id')];
  if (!Number.isSafeInteger(number) || number < 1 || id === undefined) {
    return { ok: false, problems: [fieldProblem('comment', 'must have an id and a pull request')] };
  }
  const writer = actorOf(comment.object('user'));
  if (!actor || writer?.id !== actor.id) return ignored(delivery, 'the comment was not written by who sent it');
  const text = (comment.object('content')?.text('raw') ?? '').slice(0, maxComment);
  return { ok: true, value: { kind: 'comment', delivery, repository, actor, number, comment: id, body: text } };
}

function repositoryOf(repository: Fields | undefined): EventRepository | undefined {
  const [uuid, fullName] = [uuidOf(repository), repository?.text('full_name')];
  return uuid === undefined || fullName === undefined ? undefined : { id: uuid, fullName };
}

function actorOf(user: Fields | undefined): Actor | undefined {
  const id = uuidOf(user);
  return id === undefined ? undefined : { id, login: user?.text('nickname') ?? '' };
}

/** `{…}` around a UUID. */
function uuidOf(owner: Fields | undefined): string | undefined {
  return /^\{?([0-9a-f-]{36})\}?$/i.exec(owner?.text('uuid') ?? '')?.[1]?.toLowerCase();
}
