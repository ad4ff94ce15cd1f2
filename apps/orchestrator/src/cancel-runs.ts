import { keys, resources, type ObjectKey } from '@sluice/model';
import { isFinished, type ReportedWorkflow } from '@sluice/trigger';
import type { KubeObject } from '@sluice/model';
import type { OrchestratorPorts } from './ports.ts';
import type { OpenRepository } from './repository-access.ts';

/** A Workflow as it is read leniently: parts of it may be missing. */
export type RunObject = KubeObject & ReportedWorkflow;

/** The runs of a repository that carry these labels besides. */
export async function listRuns(
  { kube }: OrchestratorPorts,
  { key }: OpenRepository,
  labels: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<readonly RunObject[]> {
  const selector = Object.entries({ [keys.repository]: key.name, ...labels }).map(([name, text]) => `${name}=${text}`);
  const options = { namespace: key.namespace, labelSelector: selector.join(','), signal };
  return (await kube.list<RunObject>(resources.workflows, options)).items;
}

/** Stop a run; what it has to tidy up is still done. */
export async function cancelRun({ kube }: OrchestratorPorts, key: ObjectKey, signal: AbortSignal): Promise<void> {
  await kube.patch(resources.workflows, key, { type: 'merge', body: { spec: { shutdown: 'Stop' } } }, { signal });
}

/** Stop what runs for a pull request that is closed: nobody waits for it any more. */
export async function cancelPull(
  ports: OrchestratorPorts,
  open: OpenRepository,
  number: number,
  signal: AbortSignal,
): Promise<void> {
  const runs = await listRuns(ports, open, { [keys.pullRequest]: String(number) }, signal);
  for (const run of runs.filter((each) => !isFinished(each) && !each.spec?.shutdown)) {
    await cancelRun(ports, { namespace: open.key.namespace, name: run.metadata.name }, signal);
  }
}
