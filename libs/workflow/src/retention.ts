import { parseDurationMs } from '@sluice/expr';
import { parseTime } from './pass.ts';
import { isFinished, isFulfilled, type NodeStatus, type Workflow, type WorkflowSpec } from './workflow-types.ts';
import type { PodObservation } from './action.ts';

type TtlStrategy = {
  readonly secondsAfterCompletion?: number;
  readonly secondsAfterSuccess?: number;
  readonly secondsAfterFailure?: number;
};

function ttlOf(spec: WorkflowSpec): TtlStrategy | undefined {
  const legacy = spec['ttlSecondsAfterFinished'];
  const own = spec['ttlStrategy'] as TtlStrategy | undefined;
  return own ?? (typeof legacy === 'number' ? { secondsAfterCompletion: legacy } : undefined);
}

/** When a finished workflow is to be deleted, in milliseconds; undefined: never. */
export function expiresAt(workflow: Workflow): number | undefined {
  const { status = {}, spec = {} } = workflow;
  const finishedAt = parseTime(status.finishedAt);
  const ttl = ttlOf(spec) ?? ttlOf(status.storedWorkflowTemplateSpec ?? {});
  if (!ttl || !isFinished(status.phase) || finishedAt === undefined) return undefined;
  const special = status.phase === 'Succeeded' ? ttl.secondsAfterSuccess : ttl.secondsAfterFailure;
  const seconds = special ?? ttl.secondsAfterCompletion;
  return seconds === undefined ? undefined : finishedAt + seconds * 1_000;
}

/** Pods stay this long after their end, so that whoever follows their logs gets them whole. */
const defaultDeleteDelayMs = 5_000;

/** When the pod of a node may go by `podGC`, in milliseconds. */
export function podExpiresAt(node: NodeStatus, spec: WorkflowSpec): number {
  const { deleteDelayDuration } = (spec['podGC'] ?? {}) as { readonly deleteDelayDuration?: string };
  const delayMs = deleteDelayDuration ? parseDurationMs(deleteDelayDuration) : undefined;
  return (parseTime(node.finishedAt) ?? 0) + (delayMs ?? defaultDeleteDelayMs);
}

/**
 * Ids of nodes whose pods `podGC` lets go. Only nodes whose end is stored already count: a pod is the only witness of its outcome until then.
 */
export function collectablePods(
  stored: Workflow,
  spec: WorkflowSpec,
  pods: ReadonlyMap<string, PodObservation>,
): readonly NodeStatus[] {
  const strategy = (spec['podGC'] as { readonly strategy?: string } | undefined)?.strategy;
  if (!strategy) return [];
  const { status = {} } = stored;
  if (strategy === 'OnWorkflowCompletion' && !isFinished(status.phase)) return [];
  if (strategy === 'OnWorkflowSuccess' && status.phase !== 'Succeeded') return [];
  const found: NodeStatus[] = [];
  for (const [id, pod] of pods) {
    const node = status.nodes?.[id];
    if (!node || pod.deleting || node.daemoned || !isFulfilled(node)) continue;
    if (strategy === 'OnPodSuccess' && node.phase !== 'Succeeded') continue;
    found.push(node);
  }
  return found;
}
