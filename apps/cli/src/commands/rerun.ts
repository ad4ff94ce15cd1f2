import { type JsonObject, type KubeObject, keys, type Repository, resources } from '@sluice/model';
import { buildRerun } from '@sluice/pipeline';
import { isFinished } from '@sluice/trigger';
import { type ClusterOptions, connect } from '../connect.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { formatObject, parseFormat } from '../output.ts';
import { resolveRun } from '../watch-run.ts';

/** `sluice cancel RUN`: what the button of a check does. A run that has ended is left as it is. */
export async function cancelCommand(name: string, options: ClusterOptions, io: Io): Promise<ExitCode> {
  const { kube, namespace } = await connect(io, options);
  const run = await resolveRun(kube, namespace, name);
  const { name: found } = run.metadata;
  if (isFinished(run)) {
    io.err(`${found} has ended already (${run.status?.phase ?? ''})`);
    return exitCodes.failed;
  }
  const key = { namespace, name: found };
  await kube.patch(resources.workflows, key, { type: 'merge', body: { spec: { shutdown: 'Stop' } } });
  io.out(`${found} is being stopped`);
  return exitCodes.ok;
}

/** `sluice rerun RUN`: a new run of the same commit and pipeline. It deploys only what its ref still points to. */
export async function rerunCommand(
  name: string,
  options: ClusterOptions & { readonly output?: string },
  io: Io,
): Promise<ExitCode> {
  const format = parseFormat(options.output);
  const { kube, namespace } = await connect(io, options);
  const run = await resolveRun(kube, namespace, name);
  const { labels = {}, annotations = {} } = run.metadata;
  const key = { namespace, name: labels[keys.repository] ?? '' };
  const repository = key.name ? await kube.get<Repository>(resources.repositories, key) : undefined;
  if (!repository?.metadata.uid) {
    const message = `${run.metadata.name} is not the run of a commit of a repository here; submit its file again`;
    throw new CommandError(exitCodes.notFound, message);
  }
  const order = io.now();
  const again = buildRerun(run as KubeObject<JsonObject>, {
    repositoryUid: repository.metadata.uid,
    triggerKey: `manual:${order}`,
    order,
    current: repository.status?.heads?.[annotations[keys.ref] ?? ''] === labels[keys.sha],
  });
  const created = await kube.create<KubeObject>(resources.workflows, again);
  if (format === 'json' || format === 'yaml') io.out(formatObject(format, created));
  else
    io.out(
      format === 'name'
        ? created.metadata.name
        : `${created.metadata.name} runs; follow it with: sluice logs ${created.metadata.name} -f`,
    );
  return exitCodes.ok;
}
