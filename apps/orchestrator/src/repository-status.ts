import { findCondition, resources, setCondition, type Condition, type Repository } from '@sluice/model';
import { hasRoom, maxFollowedHeads } from './followed-heads.ts';
import type { OrchestratorPorts } from './ports.ts';
import type { OpenRepository } from './repository-access.ts';

/** A merge patch of `status.heads`; null forgets a ref. */
export function headsPatch(heads: Readonly<Record<string, string | null>>): {
  status: { heads: Readonly<Record<string, string | null>> };
} {
  return { status: { heads } };
}

/** Record handled heads, unless they are recorded already. */
export async function patchHeads(
  { kube }: OrchestratorPorts,
  { key, repository }: OpenRepository,
  patch: ReturnType<typeof headsPatch>,
  signal: AbortSignal,
): Promise<void> {
  const recorded = repository.status?.heads;
  const kept = Object.entries(patch.status.heads).filter(([ref, sha]) => sha === null || hasRoom(recorded, ref));
  const changed = kept.some(([ref, sha]) => (recorded?.[ref] ?? null) !== sha);
  if (recorded && !changed) return;
  const body = headsPatch(Object.fromEntries(kept.slice(0, 2 * maxFollowedHeads)));
  await kube.patch(resources.repositories, key, { type: 'merge', body }, { subresource: 'status', signal });
}

type ReadyState = Pick<Condition, 'status' | 'reason' | 'message'>;

/** Write Ready where it differs. */
export async function writeReady(
  ports: OrchestratorPorts,
  repository: Repository,
  ready: ReadyState,
  signal: AbortSignal,
): Promise<void> {
  const { generation = 0, name, namespace = '' } = repository.metadata;
  const before = repository.status?.conditions;
  const now = new Date(ports.now()).toISOString();
  const conditions = setCondition(before, { type: 'Ready', observedGeneration: generation, ...ready }, now);
  if (conditions === before && repository.status?.observedGeneration === generation) return;
  const body = { status: { observedGeneration: generation, conditions } };
  await ports.kube.patch(
    resources.repositories,
    { namespace, name },
    { type: 'merge', body },
    { subresource: 'status', signal },
  );
}

/** Whether the repository is known to be usable. */
export function isReady(repository: Repository): boolean {
  return findCondition(repository.status?.conditions, 'Ready')?.status === 'True';
}
