import type { ForkApproval } from '@sluice/model';

/** What pull requests of forks may do before somebody with write access has approved their head. */
export type ForkPolicy = 'approve' | 'run' | 'never';

/** What somebody may do in a repository, by the forge's own account of a numeric id. */
export type Permission = 'admin' | 'write' | 'read' | 'none';

/** Somebody let one commit of one pull request be tested. It says nothing about any other commit. */
type Approval = ForkApproval;

export type ForkQuestion = {
  readonly policy: ForkPolicy;
  readonly sha: string;
  readonly number: number;
  readonly approvals: readonly Approval[];
  /** What the author of the pull request may do. */
  readonly author: Permission;
};

export type ForkAnswer = { readonly allowed: true } | { readonly allowed: false; readonly reason: string };

/** Approvals that are kept for a repository; the oldest go first. */
export const maxApprovals = 100;

/** Whether code of a fork may run (never with secrets). An approval counts for exactly its commit and pull request. */
export function mayForkRun({ policy, sha, number, approvals, author }: ForkQuestion): ForkAnswer {
  if (policy === 'never')
    return { allowed: false, reason: 'this repository runs nothing of forks (spec.trust.forks: never)' };
  if (policy === 'run' || mayCommand(author)) return { allowed: true };
  if (approvals.some((approval) => approval.sha === sha && approval.pullRequest === number)) return { allowed: true };
  return {
    allowed: false,
    reason: `somebody with write access has to read this commit and comment /ok-to-test ${sha}`,
  };
}

/** Whether somebody's commands are obeyed. */
export function mayCommand(permission: Permission): boolean {
  return permission === 'admin' || permission === 'write';
}

/** The approvals with one more; an approval of the same commit and pull request is kept once. */
export function addApproval(approvals: readonly Approval[], added: Approval): readonly Approval[] {
  const others = approvals.filter(({ sha, pullRequest }) => sha !== added.sha || pullRequest !== added.pullRequest);
  return [...others, added].slice(-maxApprovals);
}

/** The approvals without those of a pull request. */
export function revokeApprovals(approvals: readonly Approval[], pullRequest: number): readonly Approval[] {
  return approvals.filter((approval) => approval.pullRequest !== pullRequest);
}
