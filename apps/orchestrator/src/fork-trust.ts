import { resources, type ForkApproval, type Repository } from '@sluice/model';
import { addApproval, mayForkRun, revokeApprovals, type ForkAnswer, type ForkPolicy } from '@sluice/trigger';
import type { TriggerEvent } from '@sluice/trigger';
import type { OrchestratorPorts } from './ports.ts';
import type { OpenRepository } from './repository-access.ts';

/** What pull requests of forks may do here. */
export function forkPolicyOf({ spec }: Repository): ForkPolicy {
  return spec?.trust?.forks ?? 'approve';
}

/**
 * Whether the code of a fork may run; undefined for events that are not about one. The forge is asked about the author
 * only where nothing else lets it run.
 */
export async function forkAnswerOf(
  { repository, forge }: OpenRepository,
  event: TriggerEvent,
  signal: AbortSignal,
): Promise<ForkAnswer | undefined> {
  if (event.kind !== 'pull_request' || !event.fork) return undefined;
  const { sha, number, author } = event;
  const approvals = repository.status?.approvals ?? [];
  const question = { policy: forkPolicyOf(repository), sha, number, approvals };
  const answer = mayForkRun({ ...question, author: 'none' });
  if (answer.allowed || question.policy === 'never' || !author) return answer;
  return mayForkRun({ ...question, author: await forge.permissionOf(author, signal) });
}

/** Record that a commit of a pull request may be tested. Gives the repository as it is then. */
export function recordApproval(
  ports: OrchestratorPorts,
  open: OpenRepository,
  approval: ForkApproval,
  signal: AbortSignal,
): Promise<OpenRepository> {
  return writeApprovals(ports, open, addApproval(open.repository.status?.approvals ?? [], approval), signal);
}

/** Take back the approvals of a pull request. Gives the repository as it is then. */
export function withdrawApprovals(
  ports: OrchestratorPorts,
  open: OpenRepository,
  pullRequest: number,
  signal: AbortSignal,
): Promise<OpenRepository> {
  return writeApprovals(ports, open, revokeApprovals(open.repository.status?.approvals ?? [], pullRequest), signal);
}

async function writeApprovals(
  { kube }: OrchestratorPorts,
  open: OpenRepository,
  approvals: readonly ForkApproval[],
  signal: AbortSignal,
): Promise<OpenRepository> {
  // A list is replaced whole: the version keeps two writers from losing each other's approvals.
  const { resourceVersion } = open.repository.metadata;
  const body = { metadata: { resourceVersion }, status: { approvals } };
  const patch = { type: 'merge', body } as const;
  const options = { subresource: 'status', signal } as const;
  return { ...open, repository: await kube.patch<Repository>(resources.repositories, open.key, patch, options) };
}
