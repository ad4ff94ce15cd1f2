import type { Result } from '@sluice/model';
import type { Fields } from './fields.ts';
import type { EventRepository, GitEvent } from './git-event.ts';

/** The repository object of a payload; undefined when it lacks id or name. */
export function repositoryOf(repository: Fields | undefined): EventRepository | undefined {
  const id = repository?.id('id');
  const fullName = repository?.text('full_name');
  if (!repository || id === undefined || fullName === undefined) return undefined;
  const defaultBranch = repository.text('default_branch');
  return { id, fullName, ...(defaultBranch === undefined ? {} : { defaultBranch }) };
}

/** A full object id, of either format. */
export function isCommitId(text: string): boolean {
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}

/** Well formed, but nothing for us. */
export function ignored(delivery: string, reason: string): Result<GitEvent> {
  return { ok: true, value: { kind: 'ignored', delivery, reason } };
}
