import type { JsonObject, KubeObject, ObjectKey } from '@sluice/model';
import { keyText } from '@sluice/model';
import type { ReconcileResult } from '@sluice/reconcile';
import {
  type CronDecision,
  type CronStatus,
  type CronWatch,
  type CronWorkflow,
  decideCron,
  failSubmission,
  recordRun,
  type Workflow,
  type WorkflowSpec,
} from '@sluice/workflow';
import { RefusedError } from './ports.ts';
import { differenceOf } from './status-patch.ts';

/** What the reconciler of CronWorkflows needs of the world. */
export type CronPorts = {
  getCron(key: ObjectKey): Promise<CronWorkflow | undefined>;
  /** Workflows with the label of the CronWorkflow, in its namespace. */
  runsOf(cron: CronWorkflow): Promise<readonly Workflow[]>;
  /** The spec of a stored template, for validation. */
  storedTemplate(namespace: string, name: string, clusterScope: boolean): WorkflowSpec | undefined;
  /** One of that name that belongs to the same CronWorkflow counts as created. Throws {@link RefusedError} when the API will not have it. */
  createRun(workflow: Workflow, signal: AbortSignal): Promise<Workflow>;
  /** Nothing happens when it is gone. */
  terminateRun(key: ObjectKey, signal: AbortSignal): Promise<void>;
  deleteRun(key: ObjectKey, signal: AbortSignal): Promise<void>;
  patchCron(key: ObjectKey, body: JsonObject, signal: AbortSignal): Promise<CronWorkflow>;
  recordEvent(cron: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): void;
  now(): number;
};

/** What this process knows of a CronWorkflow beyond what is stored. Losing it only means that nothing missed before is due. */
type CronMemory = {
  watch: CronWatch | undefined;
  stored: CronWorkflow | undefined;
  /** Runs that were created and that the cache does not show yet. */
  readonly created: Map<string, { readonly run: Workflow; readonly at: number }>;
};

const unseenMs = 300_000;
const longestSleepMs = 3_600_000;

/** The reconciler of CronWorkflows: read, decide, act, write. */
export function cronReconciler(ports: CronPorts) {
  const memories = new Map<string, CronMemory>();
  return async function reconcile(key: ObjectKey, signal: AbortSignal): Promise<ReconcileResult> {
    const cached = await ports.getCron(key);
    if (!cached || cached.metadata.deletionTimestamp) {
      memories.delete(keyText(key));
      return {};
    }
    const memory = memoryOf(memories, keyText(key), cached);
    const cron = freshest(memory, cached);
    const { namespace = '' } = cron.metadata;
    const now = ports.now();
    const decision = decideCron({
      cron,
      workflows: withUnseen(memory, await ports.runsOf(cron), now),
      now,
      watch: memory.watch,
      stored: (name, clusterScope) => ports.storedTemplate(namespace, name, clusterScope),
    });
    const status = await act(ports, memory, { cron, decision, now, signal });
    memory.watch = decision.watch;
    const patch = patchOf(cron, decision, status);
    if (patch) memory.stored = await ports.patchCron(key, patch, signal);
    if (decision.nextLookAt === undefined) return {};
    return { requeueAfterMs: Math.min(longestSleepMs, Math.max(0, decision.nextLookAt - ports.now())) };
  };
}

function memoryOf(memories: Map<string, CronMemory>, key: string, { metadata }: CronWorkflow): CronMemory {
  const known = memories.get(key);
  if (known && (known.stored?.metadata.uid ?? metadata.uid) === metadata.uid) return known;
  const made: CronMemory = { watch: undefined, stored: undefined, created: new Map() };
  memories.set(key, made);
  return made;
}

/** The newer of what the cache shows and what was written last. */
function freshest(memory: CronMemory, cached: CronWorkflow): CronWorkflow {
  const { stored } = memory;
  if (stored && Number(stored.metadata.resourceVersion) > Number(cached.metadata.resourceVersion)) return stored;
  memory.stored = cached;
  return cached;
}

function withUnseen({ created }: CronMemory, seen: readonly Workflow[], now: number): readonly Workflow[] {
  for (const { metadata } of seen) created.delete(metadata.uid ?? '');
  for (const [uid, { at }] of created) if (now - at > unseenMs) created.delete(uid);
  return [...seen, ...[...created.values()].map(({ run }) => run)];
}

type CronTurn = {
  readonly cron: CronWorkflow;
  readonly decision: CronDecision;
  readonly now: number;
  readonly signal: AbortSignal;
};

async function act(
  ports: CronPorts,
  memory: CronMemory,
  { cron, decision, now, signal }: CronTurn,
): Promise<CronStatus> {
  const { namespace = '' } = cron.metadata;
  for (const name of decision.terminate) await ports.terminateRun({ namespace, name }, signal);
  for (const name of decision.remove) await ports.deleteRun({ namespace, name }, signal);
  if (!decision.create) return decision.status;
  const { workflow, scheduledAt } = decision.create;
  try {
    const run = await ports.createRun(workflow, signal);
    memory.created.set(run.metadata.uid ?? '', { run, at: now });
    return recordRun(decision.status, run, scheduledAt);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    const message = `Failed to submit Workflow: ${error.message}`;
    ports.recordEvent(cron, 'Warning', 'SubmissionError', message);
    return failSubmission(decision.status, message);
  }
}

/** The merge patch to what was decided; undefined when nothing differs. */
function patchOf(
  cron: CronWorkflow,
  { labels, annotations }: CronDecision,
  status: CronStatus,
): JsonObject | undefined {
  const { metadata } = cron;
  const changed = (wanted: Readonly<Record<string, string>>, present: Readonly<Record<string, string>> = {}) =>
    Object.fromEntries(Object.entries(wanted).filter(([key, value]) => present[key] !== value));
  const [newLabels, newAnnotations] = [changed(labels, metadata.labels), changed(annotations, metadata.annotations)];
  const meta: JsonObject = {
    ...(Object.keys(newLabels).length > 0 ? { labels: newLabels } : {}),
    ...(Object.keys(newAnnotations).length > 0 ? { annotations: newAnnotations } : {}),
  };
  const changes = differenceOf(cron.status ?? {}, status) as JsonObject;
  const body: JsonObject = {
    ...(Object.keys(meta).length > 0 ? { metadata: meta } : {}),
    ...(Object.keys(changes).length > 0 ? { status: changes } : {}),
  };
  return Object.keys(body).length > 0 ? body : undefined;
}
