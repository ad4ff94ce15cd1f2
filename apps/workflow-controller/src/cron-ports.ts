import { type KubeObject, type ObjectKey, resources } from '@sluice/model';
import { type EventRecorder, isKubeError, type KubeApi, KubeApiError } from '@sluice/reconcile';
import type { CronWorkflow, Workflow, WorkflowSpec } from '@sluice/workflow';
import type { CronPorts } from './cron-reconciler.ts';
import { RefusedError } from './ports.ts';

export type CronPortsOptions = {
  readonly kube: KubeApi;
  readonly events: Pick<EventRecorder, 'event'>;
  readonly now: () => number;
  readonly cron: (key: ObjectKey) => CronWorkflow | undefined;
  readonly runsOf: (cron: CronWorkflow) => readonly Workflow[];
  readonly storedTemplate: (namespace: string, name: string, clusterScope: boolean) => WorkflowSpec | undefined;
};

const fieldManager = 'sluice-workflow-controller';
const callTimeoutMs = 30_000;

/** The ports of the reconciler of CronWorkflows over the Kubernetes API. */
export function cronPorts({ kube, events, now, cron, runsOf, storedTemplate }: CronPortsOptions): CronPorts {
  const within = (signal: AbortSignal): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(callTimeoutMs)]);
  return {
    getCron: async (key) => cron(key),
    runsOf: async (object) => runsOf(object),
    storedTemplate,
    createRun: (workflow, signal) => createRun(kube, workflow, within(signal)),
    terminateRun: (key, signal) => terminateRun(kube, key, within(signal)),
    deleteRun: (key, signal) =>
      kube.delete(resources.workflows, key, { propagationPolicy: 'Background', signal: within(signal) }),
    patchCron: (key, body, signal) =>
      kube.patch<CronWorkflow>(
        resources.cronWorkflows,
        key,
        { type: 'merge', body },
        { fieldManager, signal: within(signal) },
      ),
    recordEvent: (object: KubeObject, type, reason, message) => events.event(object, type, reason, message),
    now,
  };
}

async function createRun(kube: KubeApi, workflow: Workflow, signal: AbortSignal): Promise<Workflow> {
  try {
    return await kube.create<Workflow>(resources.workflows, workflow, { fieldManager, signal });
  } catch (error) {
    if (isKubeError(error, 'AlreadyExists')) return ownRun(kube, workflow, signal);
    const refused = error instanceof KubeApiError && [400, 403, 404, 422].includes(error.code);
    throw refused ? new RefusedError(error.message, false, { cause: error }) : error;
  }
}

/** The run of that name, if it is this CronWorkflow's: then an earlier try has made it. */
async function ownRun(kube: KubeApi, workflow: Workflow, signal: AbortSignal): Promise<Workflow> {
  const { namespace = '', name, ownerReferences } = workflow.metadata;
  const present = await kube.get<Workflow>(resources.workflows, { namespace, name }, signal);
  const owner = ownerReferences?.[0]?.uid;
  if (present?.metadata.ownerReferences?.some(({ uid }) => uid === owner)) return present;
  throw new RefusedError(`workflow "${name}" already exists and belongs to somebody else`, false);
}

async function terminateRun(kube: KubeApi, key: ObjectKey, signal: AbortSignal): Promise<void> {
  try {
    const patch = { type: 'merge', body: { spec: { shutdown: 'Terminate' } } } as const;
    await kube.patch(resources.workflows, key, patch, { fieldManager, signal });
  } catch (error) {
    if (!isKubeError(error, 'NotFound')) throw error;
  }
}
