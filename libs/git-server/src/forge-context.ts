import type { Log } from '@sluice/runtime';
import type { ForgeState } from './forge-state.ts';
import type { KeyedLock } from './lock.ts';
import type { Outbox } from './outbox.ts';
import type { RepoRecord, UserRecord } from './records.ts';
import type { RepositoryGit } from './repository-git.ts';

/** What the operations of the forge work with. Operations on one repository hold `lock` under {@link repoLock}. */
export type Forge = {
  readonly state: ForgeState;
  readonly lock: KeyedLock;
  readonly outbox: Outbox;
  readonly log: Log;
  readonly now: () => number;
  readonly newId: () => string;
  /** Base URL of this server, without a trailing slash. */
  readonly publicUrl: () => string;
  /** git can merge without an index (2.38). */
  readonly modernMerge: boolean;
  readonly open: (repo: RepoRecord) => RepositoryGit;
};

/** Something the caller asked for cannot be done; becomes an answer with this status. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Key of the lock of a repository. */
export function repoLock(repo: RepoRecord): string {
  return `repo/${repo.id}`;
}

/** RFC 3339 in UTC, whole seconds. */
export function timestamp(forge: Pick<Forge, 'now'>): string {
  return new Date(forge.now()).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** The user of this name, made on first sight. */
export function ensureUser(forge: Pick<Forge, 'state' | 'lock'>, login: string): Promise<UserRecord> {
  return forge.lock.run('users', async () => {
    const known = forge.state.user(login);
    if (known) return known;
    // 1 is the owner of all repositories in webhook payloads.
    const id = Math.max(forge.state.counter('user'), 1) + 1;
    const user: UserRecord = { id, login };
    await forge.state.commit([forge.state.putCounter('user', id), forge.state.putUser(user)]);
    return user;
  });
}
