import { type DeployApproval, type DeployRequest, keys, resources } from '@sluice/model';
import { readApprovals } from '@sluice/release';
import { type ClusterOptions, connect } from '../connect.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { resolveRun } from '../watch-run.ts';

export type ApproveOptions = ClusterOptions & { readonly despiteFreeze?: boolean };

/** `sluice approve RUN ENVIRONMENT`: let a run be deployed to an environment that asks for approval, or that is frozen. */
export async function approveCommand(
  name: string,
  environment: string,
  options: ApproveOptions,
  io: Io,
): Promise<ExitCode> {
  const { kube, namespace } = await connect(io, options);
  const run = await resolveRun(kube, namespace, name);
  const { annotations = {}, resourceVersion, uid } = run.metadata;
  const asked = (JSON.parse(annotations[keys.deploy] ?? '[]') as readonly DeployRequest[]).map(
    (request) => request.environment,
  );
  if (!asked.includes(environment))
    throw new CommandError(
      exitCodes.notFound,
      `run ${run.metadata.name} does not deploy to ${environment}; it deploys to ${asked.join(', ') || 'nothing'}`,
    );
  if (annotations[keys.released] !== undefined)
    throw new CommandError(
      exitCodes.failed,
      `the deployments of run ${run.metadata.name} are done: ${annotations[keys.released]}`,
    );
  const approval: DeployApproval = {
    environment,
    by: io.env['USER'] ?? 'somebody',
    at: new Date(io.now()).toISOString(),
    ...(options.despiteFreeze ? { despiteFreeze: true } : {}),
  };
  const given = [
    ...readApprovals(annotations[keys.approvals]).filter((known) => known.environment !== environment),
    approval,
  ];
  const metadata = { uid, resourceVersion, annotations: { [keys.approvals]: JSON.stringify(given) } };
  await kube.patch(resources.workflows, { namespace, name: run.metadata.name }, { type: 'merge', body: { metadata } });
  io.out(`run ${run.metadata.name} may be deployed to ${environment}`);
  return exitCodes.ok;
}
