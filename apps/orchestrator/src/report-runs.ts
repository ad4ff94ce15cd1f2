import { keys, keyText, resources, type KubeObject } from '@sluice/model';
import type { Informer, Reconcile, ReconcileResult } from '@sluice/reconcile';
import { desiredCheck, failingStep, isFinished, type ReportedWorkflow } from '@sluice/trigger';
import type { OrchestratorConfig } from './config.ts';
import { readLogTail } from './log-tail.ts';
import type { OrchestratorPorts } from './ports.ts';
import { ReportMemory } from './report-memory.ts';
import type { RepositoryAccess } from './repository-access.ts';
import { createRunMasks } from './run-mask.ts';

type WorkflowObject = KubeObject & ReportedWorkflow;

type Parts = {
  readonly config: OrchestratorConfig;
  readonly ports: OrchestratorPorts;
  readonly access: RepositoryAccess;
  readonly workflows: Informer;
};

/**
 * Reconciles a Workflow with the check at the forge. A finished one is marked once the forge has its final state, so that a
 * restart repeats nothing; unfinished ones are reported once more after a restart.
 */
export function createRunReporter({ config, ports, access, workflows }: Parts): Reconcile {
  const memory = new ReportMemory(config.reportIntervalMs);
  const maskOf = createRunMasks(ports);

  return async (key, signal) => {
    // A Workflow is read leniently: the parts that a check shows may all be missing.
    const workflow = workflows.get(key) as WorkflowObject | undefined;
    const uid = workflow?.metadata.uid;
    const repository = workflow?.metadata.labels?.[keys.repository];
    const id = keyText(key);
    if (!workflow || !uid || repository === undefined || !workflow.metadata.labels?.[keys.sha]) return settled(id);
    const mark = finalMark(workflow);
    if (mark !== undefined && workflow.metadata.annotations?.[keys.reported] === mark) return settled(id);
    const log = await logOf(workflow, signal);
    const mask = await maskOf(workflow, signal);
    const check = desiredCheck(workflow, {
      mask,
      tailLines: config.logTailLines,
      ...(log === undefined ? {} : { log }),
    });
    const text = JSON.stringify(check);
    const decision = memory.decide(id, text, mark !== undefined, ports.now());
    if (typeof decision === 'object') return { requeueAfterMs: decision.waitMs };
    if (decision === 'send') {
      const open = await access.open({ namespace: key.namespace ?? '', name: repository }, signal);
      if (!open) return settled(id);
      await open.forge.upsertCheck(check, signal);
      memory.sent(id, text, ports.now());
    }
    if (mark === undefined) return {};
    const body = { metadata: { uid, annotations: { [keys.reported]: mark } } };
    await ports.kube.patch(resources.workflows, key, { type: 'merge', body }, { signal });
    return settled(id);
  };

  async function logOf(workflow: WorkflowObject, signal: AbortSignal): Promise<string | undefined> {
    if (!isFinished(workflow) || workflow.status?.phase === 'Succeeded') return undefined;
    const step = failingStep(workflow);
    return step && (await readLogTail(ports.kube, workflow, step, signal));
  }

  function settled(id: string): ReconcileResult {
    memory.forget(id);
    return {};
  }
}

/** What `sluice.dev/reported` says once the final state is at the forge; differs when a run is tried again. */
function finalMark(workflow: WorkflowObject): string | undefined {
  return isFinished(workflow) ? `${workflow.status?.phase}@${workflow.status?.finishedAt ?? ''}` : undefined;
}
