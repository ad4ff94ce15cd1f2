import { createAnnouncement } from './announce.ts';
import { ensureUser, type Forge, Refusal, repoLock, timestamp } from './forge-context.ts';
import { buildCommentPayload } from './payloads.ts';
import type { CommentRecord, RepoRecord } from './records.ts';

const maxComments = 1_000;

export type NewComment = { readonly number: number; readonly body: string; readonly login: string };

/** Keep a comment under a pull request and announce it, as one commit. */
export async function addComment(
  forge: Forge,
  repo: RepoRecord,
  { number, body, login }: NewComment,
): Promise<CommentRecord> {
  const author = await ensureUser(forge, login);
  return forge.lock.run(repoLock(repo), async () => {
    const pull = forge.state.pull(repo.id, number);
    if (!pull) throw new Refusal(404, 'PullNotFound', `repository ${repo.name} has no pull request #${number}`);
    if (forge.state.comments(repo.id, number).length >= maxComments) {
      throw new Refusal(422, 'TooManyComments', `pull request #${number} has ${maxComments} comments already`);
    }
    const counter = `comment/${repo.id}`;
    const comment: CommentRecord = { id: forge.state.counter(counter) + 1, body, author, createdAt: timestamp(forge) };
    const announcement = createAnnouncement(forge, repo);
    announcement.changes.push(
      forge.state.putCounter(counter, comment.id),
      forge.state.putComment(repo.id, number, comment),
    );
    announcement.add('issue_comment', (context) => buildCommentPayload(context, pull, comment));
    await announcement.commit();
    return comment;
  });
}
