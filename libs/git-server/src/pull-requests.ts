import { nearest } from '@sluice/model';
import { announcePull, applyUpdates, createAnnouncement } from './announce.ts';
import { ensureUser, type Forge, Refusal, repoLock, timestamp } from './forge-context.ts';
import { GitFailure } from './git-process.ts';
import { choosePull, splitTarget } from './pull-choice.ts';
import type { PullRecord, RepoRecord, UserRecord } from './records.ts';
import type { CommitFacts, RepositoryGit } from './repository-git.ts';
import { type RefUpdate, zeroId } from './spool.ts';

/** A push to `refs/for/<target>`. */
export type PullPush = {
  readonly target: string;
  readonly sha: string;
  readonly pusher: string;
  readonly topic?: string;
  readonly title?: string;
  readonly description?: string;
};

/** What became of it. `previousSha` is the head before, zeros for a new pull request. */
export type PullPushOutcome = {
  readonly pull: PullRecord;
  readonly kind: 'opened' | 'updated' | 'unchanged';
  readonly previousSha: string;
  readonly forced: boolean;
};

const commitsLookedAt = 250;
const longestTitle = 256;
const longestBody = 65_535;
const mergeAttempts = 5;

/** Open a pull request, or update the open one that this push continues (see {@link choosePull}). */
export function pushPull(forge: Forge, repo: RepoRecord, push: PullPush): Promise<PullPushOutcome> {
  return forge.lock.run(repoLock(repo), async () => {
    const git = forge.open(repo);
    const refs = await git.refs(['refs/heads']);
    const branches = new Set([...refs.keys()].map((ref) => ref.slice('refs/heads/'.length)));
    const target = splitTarget(push.target, branches);
    if (!target) throw noBranch(push.target, branches);
    const topic = push.topic ?? target.topic;
    const baseSha = refs.get(`refs/heads/${target.branch}`) ?? zeroId;
    const sha = await git.commitOf(push.sha);
    if (!sha) throw new Refusal(422, 'NotACommit', `${push.sha} is not a commit`);
    const commits = await git.commits([baseSha], sha, commitsLookedAt);
    if (commits.length === 0) {
      throw new Refusal(
        422,
        'NothingToMerge',
        `nothing to review: ${target.branch} already contains ${sha.slice(0, 12)}`,
      );
    }
    const author = await ensureUser(forge, push.pusher);
    const candidates = forge.state
      .pulls(repo.id)
      .filter((pull) => pull.state === 'open' && pull.branch === target.branch && pull.author.id === author.id);
    const chosen = await choosePull(
      candidates,
      { commits, ...(topic === undefined ? {} : { topic }) },
      {
        descendsFrom: (pull) => git.isAncestor(pull.headSha, sha),
        commitsOf: (pull) => git.commits([baseSha], pull.headSha, commitsLookedAt),
      },
    );
    const placed = { branch: target.branch, baseSha, headSha: sha, ...(topic === undefined ? {} : { topic }) };
    return chosen
      ? updatePull(forge, repo, chosen, { ...placed, push, author })
      : openPull(forge, repo, { ...placed, push, author, commits });
  });
}

type Placed = {
  readonly branch: string;
  readonly baseSha: string;
  readonly headSha: string;
  readonly topic?: string;
  readonly push: PullPush;
  readonly author: UserRecord;
};

async function openPull(
  forge: Forge,
  repo: RepoRecord,
  { push, author, commits, ...placed }: Placed & { readonly commits: readonly CommitFacts[] },
): Promise<PullPushOutcome> {
  const counter = `pull/${repo.id}`;
  const number = forge.state.counter(counter) + 1;
  const at = timestamp(forge);
  const [first = '', ...rest] = (commits.at(-1)?.message ?? '').split('\n');
  const pull: PullRecord = {
    ...placed,
    number,
    title: (push.title ?? (first.trim() || `pull request ${number}`)).slice(0, longestTitle),
    body: (push.description ?? rest.join('\n').trim()).slice(0, longestBody),
    state: 'open',
    author,
    createdAt: at,
    updatedAt: at,
  };
  const announcement = createAnnouncement(forge, repo);
  announcement.changes.push(forge.state.putCounter(counter, number), forge.state.putPull(repo.id, pull));
  announcePull(announcement, { action: 'opened' }, pull, author);
  await announcement.commit();
  await forge.open(repo).moveRef(pullRef(pull), pull.headSha, zeroId, 'open');
  return { pull, kind: 'opened', previousSha: zeroId, forced: false };
}

async function updatePull(
  forge: Forge,
  repo: RepoRecord,
  before: PullRecord,
  { push, author, baseSha, headSha }: Placed,
): Promise<PullPushOutcome> {
  const git = forge.open(repo);
  const previousSha = before.headSha;
  const pull: PullRecord = {
    ...before,
    baseSha,
    headSha,
    updatedAt: timestamp(forge),
    ...(push.title === undefined ? {} : { title: push.title.slice(0, longestTitle) }),
    ...(push.description === undefined ? {} : { body: push.description.slice(0, longestBody) }),
  };
  const moved = previousSha !== headSha;
  const announcement = createAnnouncement(forge, repo);
  announcement.changes.push(forge.state.putPull(repo.id, pull));
  if (moved) announcePull(announcement, { action: 'synchronize', before: previousSha }, pull, author);
  await announcement.commit();
  if (!moved) return { pull, kind: 'unchanged', previousSha, forced: false };
  const forced = !(await git.isAncestor(previousSha, headSha));
  await git.moveRef(pullRef(pull), headSha, previousSha, 'update');
  return { pull, kind: 'updated', previousSha, forced };
}

/** What the merge of a pull request asks for. */
export type MergeRequest = {
  readonly number: number;
  readonly login: string;
  /** Refuse when the head is another commit by now. */
  readonly expectedSha?: string;
  /** `fast-forward` refuses when a merge commit would be needed. Default: `merge`, always a merge commit. */
  readonly method?: 'merge' | 'fast-forward';
};

/** Merge into the target branch; gives the commit that the branch is at afterwards. */
export function mergePull(forge: Forge, repo: RepoRecord, request: MergeRequest): Promise<string> {
  return forge.lock.run(repoLock(repo), async () => {
    const pull = openPullOf(forge, repo, request.number);
    if (request.expectedSha !== undefined && request.expectedSha !== pull.headSha) {
      const text = `the head of pull request #${pull.number} is ${pull.headSha}, not ${request.expectedSha}`;
      throw new Refusal(409, 'HeadMoved', `${text}; look at the new commits and merge again`);
    }
    const user = await ensureUser(forge, request.login);
    const moved = await moveBranch(forge, repo, pull, { user, method: request.method ?? 'merge' });
    await applyUpdates(forge, repo, [{ ...moved, pusher: user.login }]);
    return moved.after;
  });
}

type MergeStyle = { readonly user: UserRecord; readonly method: 'merge' | 'fast-forward' };

/** Pushes do not hold the lock, so the branch may move while the merge is made: then it is made anew. */
async function moveBranch(forge: Forge, repo: RepoRecord, pull: PullRecord, style: MergeStyle): Promise<RefUpdate> {
  const git = forge.open(repo);
  const ref = `refs/heads/${pull.branch}`;
  for (let attempt = 1; attempt <= mergeAttempts; attempt++) {
    const before = await git.commitOf(ref);
    if (!before) throw new Refusal(409, 'BranchGone', `branch ${pull.branch} does not exist any more`);
    const after = await mergedCommit(forge, git, pull, before, style);
    try {
      await git.moveRef(ref, after, before, `merge pull request #${pull.number}`);
      return { ref, before, after };
    } catch (error) {
      if (!(error instanceof GitFailure) || (await git.commitOf(ref)) === before) throw error;
    }
  }
  throw new Refusal(409, 'BranchBusy', `branch ${pull.branch} moves faster than it can be merged into; try again`);
}

async function mergedCommit(
  forge: Forge,
  git: RepositoryGit,
  pull: PullRecord,
  base: string,
  { user, method }: MergeStyle,
): Promise<string> {
  if (method === 'fast-forward') {
    if (await git.isAncestor(base, pull.headSha)) return pull.headSha;
    const text = `pull request #${pull.number} is not ahead of ${pull.branch} only`;
    throw new Refusal(409, 'NotFastForward', `${text}; rebase it, or merge with a merge commit`);
  }
  if (!(await git.mergeBase(base, pull.headSha))) {
    throw new Refusal(409, 'NoCommonHistory', `pull request #${pull.number} and ${pull.branch} have no common commit`);
  }
  const attempt = await git.tryMerge(base, pull.headSha, forge.modernMerge);
  if (attempt.kind === 'conflict') {
    const files = attempt.files.slice(0, 10).join(', ');
    const text = `pull request #${pull.number} conflicts with ${pull.branch}${files ? ` in ${files}` : ''}`;
    throw new Refusal(
      409,
      'MergeConflict',
      `${text}; rebase it on ${pull.branch}, resolve the conflict and push it again`,
    );
  }
  const date = timestamp(forge);
  return git.writeCommit(
    {
      tree: attempt.tree,
      parents: [base, pull.headSha],
      message: `Merge pull request #${pull.number}: ${pull.title}\n`,
    },
    { name: user.login, email: `${user.login}@sluice.invalid`, date },
  );
}

/** Close without merging. */
export function closePull(forge: Forge, repo: RepoRecord, number: number, login: string): Promise<PullRecord> {
  return forge.lock.run(repoLock(repo), async () => {
    const pull = openPullOf(forge, repo, number);
    const user = await ensureUser(forge, login);
    const at = timestamp(forge);
    const closed: PullRecord = { ...pull, state: 'closed', updatedAt: at, closedAt: at };
    const announcement = createAnnouncement(forge, repo);
    announcement.changes.push(forge.state.putPull(repo.id, closed));
    announcePull(announcement, { action: 'closed' }, closed, user);
    await announcement.commit();
    return closed;
  });
}

function openPullOf(forge: Forge, repo: RepoRecord, number: number): PullRecord {
  const pull = forge.state.pull(repo.id, number);
  if (!pull) throw new Refusal(404, 'PullNotFound', `repository ${repo.name} has no pull request #${number}`);
  if (pull.state === 'open') return pull;
  throw new Refusal(409, 'PullNotOpen', `pull request #${number} is ${pull.state}`);
}

function pullRef(pull: PullRecord): string {
  return `refs/pull/${pull.number}/head`;
}

function noBranch(target: string, branches: ReadonlySet<string>): Refusal {
  const near = nearest(target, branches);
  const hint = near ? `; did you mean refs/for/${near}?` : branches.size === 0 ? '; push the branch first' : '';
  return new Refusal(422, 'BranchNotFound', `there is no branch ${target} to open a pull request for${hint}`);
}
