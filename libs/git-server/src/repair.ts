import { applyUpdates } from './announce.ts';
import { type Forge, repoLock } from './forge-context.ts';
import type { RepoRecord } from './records.ts';
import type { RepositoryGit } from './repository-git.ts';
import { chainUpdates, readSpool, removeSpool, type SpooledUpdate, zeroId } from './spool.ts';

/** Announce what the post-receive hook left. False when it left nothing. */
export function drainSpool(forge: Forge, repo: RepoRecord): Promise<boolean> {
  return forge.lock.run(repoLock(repo), () => drainLocked(forge, repo));
}

/**
 * Bring records and refs together after a crash: drain the spool, announce refs that moved without a trace, put the refs
 * of pull requests where their records say. Costs one git process for a repository where nothing is amiss.
 */
export function repairRepository(forge: Forge, repo: RepoRecord): Promise<void> {
  return forge.lock.run(repoLock(repo), async () => {
    await drainLocked(forge, repo);
    const git = forge.open(repo);
    const refs = await git.refs(['refs/heads', 'refs/tags', 'refs/pull']);
    await applyUpdates(forge, repo, unannounced(forge.state.handledRefs(repo.id), refs));
    await repairPullRefs(forge, repo, git, refs);
    forge.outbox.wake(repo);
  });
}

async function drainLocked(forge: Forge, repo: RepoRecord): Promise<boolean> {
  const files = await readSpool(forge.open(repo).spool);
  if (files.length === 0) return false;
  const updates = files.flatMap((file) => file.updates).filter(({ ref }) => isAnnounced(ref));
  await applyUpdates(forge, repo, chainUpdates(forge.state.handledRefs(repo.id), updates));
  await removeSpool(files);
  return true;
}

function isAnnounced(ref: string): boolean {
  return ref.startsWith('refs/heads/') || ref.startsWith('refs/tags/');
}

/** Differences between where refs were announced and where they are. */
function unannounced(handled: ReadonlyMap<string, string>, refs: ReadonlyMap<string, string>): SpooledUpdate[] {
  const updates: SpooledUpdate[] = [];
  for (const [ref, sha] of refs) {
    const before = handled.get(ref) ?? zeroId;
    if (isAnnounced(ref) && before !== sha) updates.push({ ref, before, after: sha, pusher: 'unknown' });
  }
  for (const [ref, sha] of handled) {
    if (!refs.has(ref)) updates.push({ ref, before: sha, after: zeroId, pusher: 'unknown' });
  }
  return updates;
}

async function repairPullRefs(
  forge: Forge,
  repo: RepoRecord,
  git: RepositoryGit,
  refs: ReadonlyMap<string, string>,
): Promise<void> {
  for (const pull of forge.state.pulls(repo.id)) {
    if (pull.state !== 'open') continue;
    const ref = `refs/pull/${pull.number}/head`;
    const at = refs.get(ref) ?? zeroId;
    if (at !== pull.headSha) await git.moveRef(ref, pull.headSha, at, 'repair');
  }
}

/** Looks after repositories: all at the start, later only those that were pushed to. */
export type Caretaker = {
  /** Announce a push that has ended. Without a trace in the spool, or after an unclean end, refs are compared. */
  afterPush(repo: RepoRecord, clean: boolean): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
};

/** Build the caretaker. Every `intervalMs` (0: never) it repairs and tidies what was pushed to since. */
export function createCaretaker(forge: Forge, intervalMs: number): Caretaker {
  const pushedTo = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  const lookAfter = async (): Promise<void> => {
    const names = [...pushedTo];
    pushedTo.clear();
    for (const name of names) {
      const repo = forge.state.repo(name);
      if (!repo) continue;
      await repairOne(forge, repo);
      await forge
        .open(repo)
        .tidy()
        .catch((error: unknown) => forge.log.warn('repository could not be packed', { repository: name, error }));
    }
  };
  return {
    async afterPush(repo, clean) {
      pushedTo.add(repo.name);
      const current = forge.state.repo(repo.name) ?? repo;
      if (!(await drainSpool(forge, current)) || !clean) await repairRepository(forge, current);
    },
    async start() {
      for (const repo of forge.state.repos()) {
        await forge.open(repo).ensure(repo.defaultBranch);
        await repairOne(forge, repo);
      }
      if (intervalMs === 0) return;
      timer = setInterval(() => {
        running = running.then(lookAfter);
      }, intervalMs);
      timer.unref();
    },
    async close() {
      clearInterval(timer);
      await running;
    },
  };
}

/** One repository that cannot be repaired does not keep the others. */
async function repairOne(forge: Forge, repo: RepoRecord): Promise<void> {
  try {
    await repairRepository(forge, repo);
  } catch (error) {
    forge.log.error('repository could not be repaired', { repository: repo.name, error });
  }
}
