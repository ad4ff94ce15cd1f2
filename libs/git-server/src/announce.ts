import { ensureUser, type Forge, timestamp } from './forge-context.ts';
import type { Change } from './forge-state.ts';
import { buildPullPayload, buildPushPayload, type PayloadContext, type PullAction } from './payloads.ts';
import type { PullRecord, RepoRecord, UserRecord } from './records.ts';
import type { CommitFacts } from './repository-git.ts';
import { type SpooledUpdate, zeroId } from './spool.ts';

/** Collects the webhooks and records of one step, to be committed at once. Used while the repository's lock is held. */
export type Announcement = {
  readonly changes: Change[];
  add(event: string, build: (context: PayloadContext) => Record<string, unknown>): void;
  /** Commit everything and wake the sender. */
  commit(): Promise<void>;
};

const commitsInPayload = 20;
const headsExcluded = 200;
const pullsLookedAt = 200;
/** Beyond this many refs in one push the events are told briefly: commits are not listed and `forced` is false. */
const updatesInDetail = 50;

/** Start an announcement of a repository. */
export function createAnnouncement(forge: Forge, repo: RepoRecord): Announcement {
  const changes: Change[] = [];
  const counter = `sequence/${repo.id}`;
  let sequence = forge.state.counter(counter);
  return {
    changes,
    add(event, build) {
      if (!repo.webhook) return;
      sequence++;
      changes.push(
        forge.state.putDelivery({
          sequence,
          repoId: repo.id,
          event,
          delivery: forge.newId(),
          body: JSON.stringify(build({ publicUrl: forge.publicUrl(), repo, sequence })),
          createdAt: new Date(forge.now()).toISOString(),
          attempts: 0,
        }),
      );
    },
    async commit() {
      if (changes.length === 0) return;
      await forge.state.commit([...changes, forge.state.putCounter(counter, sequence)]);
      forge.outbox.wake(repo);
    },
  };
}

/** Announce a change of a pull request. */
export function announcePull(to: Announcement, action: PullAction, pull: PullRecord, sender: UserRecord): void {
  to.add('pull_request', (context) => buildPullPayload(context, action, pull, sender));
}

/**
 * Announce ref updates that have happened, in this order, and count them as handled; pull requests whose head a branch
 * now contains become merged. All of it is one commit. The caller holds the repository's lock.
 */
export async function applyUpdates(forge: Forge, repo: RepoRecord, updates: readonly SpooledUpdate[]): Promise<void> {
  const heads = forge.state.handledRefs(repo.id);
  const announcement = createAnnouncement(forge, repo);
  const merged = new Set<number>();
  const details = updates.length > updatesInDetail ? await readTips(forge, repo, updates) : undefined;
  for (const update of updates) {
    const pusher = await ensureUser(forge, update.pusher);
    if (repo.webhook) {
      const { commits, head, forced } = details?.get(update) ?? (await readDetails(forge, repo, update, heads));
      const listed = update.ref.startsWith('refs/tags/') ? [] : commits;
      announcement.add('push', (context) => buildPushPayload(context, { ...update, forced }, pusher, listed, head));
    }
    if (update.after === zeroId) {
      heads.delete(update.ref);
      announcement.changes.push(forge.state.removeHandledRef(repo.id, update.ref));
    } else {
      heads.set(update.ref, update.after);
      announcement.changes.push(forge.state.putHandledRef(repo.id, update.ref, update.after));
      await closeMerged(forge, repo, announcement, { update, pusher, merged });
    }
  }
  await announcement.commit();
}

/** What a push event says besides the update itself. `commits` are newest first. */
type Details = {
  readonly commits: readonly CommitFacts[];
  readonly head: CommitFacts | undefined;
  readonly forced: boolean;
};

async function readDetails(
  forge: Forge,
  repo: RepoRecord,
  { ref, before, after }: SpooledUpdate,
  heads: ReadonlyMap<string, string>,
): Promise<Details> {
  if (after === zeroId) return { commits: [], head: undefined, forced: false };
  const git = forge.open(repo);
  const others = [...heads].filter(([name]) => name.startsWith('refs/heads/') && name !== ref).map(([, sha]) => sha);
  const excluded = before === zeroId ? others.slice(0, headsExcluded) : [before];
  const [commits, forced] = await Promise.all([
    git.commits(excluded, after, commitsInPayload),
    before === zeroId ? false : git.isAncestor(before, after).then((is) => !is),
  ]);
  return { commits, forced, head: commits[0] ?? (await git.commits([], after, 1))[0] };
}

/** For a push of very many refs: only the commit at each tip, all read at once. */
async function readTips(
  forge: Forge,
  repo: RepoRecord,
  updates: readonly SpooledUpdate[],
): Promise<Map<SpooledUpdate, Details>> {
  const git = forge.open(repo);
  const peeled = await git.refs(['refs/heads', 'refs/tags'], true);
  const tipOf = ({ ref, after }: SpooledUpdate): string => (ref.startsWith('refs/tags/') && peeled.get(ref)) || after;
  const tips = new Set(updates.map(tipOf).filter((sha) => sha !== zeroId));
  const commits = await git.commitsById([...tips]);
  return new Map(updates.map((update) => [update, { commits: [], head: commits.get(tipOf(update)), forced: false }]));
}

async function closeMerged(
  forge: Forge,
  repo: RepoRecord,
  announcement: Announcement,
  { update, pusher, merged }: { update: SpooledUpdate; pusher: UserRecord; merged: Set<number> },
): Promise<void> {
  if (!update.ref.startsWith('refs/heads/')) return;
  const branch = update.ref.slice('refs/heads/'.length);
  const open = forge.state.pulls(repo.id).filter((pull) => pull.state === 'open' && pull.branch === branch);
  for (const pull of open.slice(0, pullsLookedAt)) {
    if (merged.has(pull.number) || !(await forge.open(repo).isAncestor(pull.headSha, update.after))) continue;
    merged.add(pull.number);
    const at = timestamp(forge);
    const closed: PullRecord = {
      ...pull,
      state: 'merged',
      mergeSha: update.after,
      mergedBy: pusher,
      updatedAt: at,
      closedAt: at,
    };
    announcement.changes.push(forge.state.putPull(repo.id, closed));
    announcePull(announcement, { action: 'closed' }, closed, pusher);
  }
}
