import { keys, resources, TerminalError, type KubeObject } from '@sluice/model';
import type { CompiledWorkflow } from '@sluice/pipeline';
import { isKubeError } from '@sluice/reconcile';
import type { Log } from '@sluice/runtime';
import type { OrchestratorPorts } from './ports.ts';
import type { OpenRepository } from './repository-access.ts';

export type WorkflowRequest = {
  readonly open: OpenRepository;
  /** The ref came back to this commit from another one: what the run deploys is newest once more. */
  readonly returned?: boolean;
  readonly log: Log;
};

/** Create the Workflow. One of the same name that is the same run counts as created. */
export async function ensureWorkflow(
  { kube }: OrchestratorPorts,
  { open, returned, log }: WorkflowRequest,
  workflow: CompiledWorkflow,
  signal: AbortSignal,
): Promise<void> {
  const { name, namespace = '', labels = {} } = workflow.metadata;
  const facts = { workflow: name, pipeline: labels[keys.pipeline], sha: labels[keys.sha] };
  try {
    await kube.create(resources.workflows, workflow as KubeObject, { signal });
    return log.info('workflow created', facts);
  } catch (error) {
    if (!isKubeError(error, 'AlreadyExists')) throw error;
  }
  const found = await kube.get(resources.workflows, { namespace, name }, signal);
  if (!found) throw new Error(`workflow ${name} was removed while it was being created`);
  if (!isSameRun(found, workflow)) {
    throw new TerminalError(
      'NameTaken',
      `Workflow ${namespace}/${name} exists and is not a run of repository ${open.key.name}; delete it`,
    );
  }
  if (returned) await renew(kube, found, workflow, signal);
  log.info('workflow existed', facts);
}

function isSameRun(found: KubeObject, wanted: KubeObject): boolean {
  const of = ({ metadata: { labels = {}, annotations = {} } }: KubeObject): unknown[] => [
    labels[keys.repository],
    labels[keys.pipeline],
    labels[keys.sha],
    annotations[keys.triggerKey],
  ];
  return JSON.stringify(of(found)) === JSON.stringify(of(wanted));
}

/** A commit that is pushed again after another one is not tested again, but what it deploys is newest now. */
async function renew(
  kube: OrchestratorPorts['kube'],
  found: KubeObject,
  wanted: KubeObject,
  signal: AbortSignal,
): Promise<void> {
  const { [keys.deploy]: deploy, [keys.order]: order } = wanted.metadata.annotations ?? {};
  if (deploy === undefined) return;
  const annotations = { [keys.deploy]: deploy, [keys.order]: order, [keys.released]: null, [keys.approvals]: null };
  const { name, namespace = '', uid } = found.metadata;
  await kube.patch(
    resources.workflows,
    { namespace, name },
    { type: 'merge', body: { metadata: { uid, annotations } } },
    { signal },
  );
}
