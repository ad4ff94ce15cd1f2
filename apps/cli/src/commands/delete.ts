import { resources } from '@sluice/model';
import { type ClusterOptions, connect } from '../connect.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-code.ts';
import type { Io } from '../io.ts';
import type { Run } from '../run.ts';
import { parseSpan } from '../span.ts';
import { resolveRun } from '../watch-run.ts';
import { isRunListed, type RunFilter } from './list.ts';

export type DeleteOptions = ClusterOptions &
  RunFilter & {
    readonly all?: boolean;
    readonly older?: string;
    readonly dryRun?: boolean;
  };

/** `sluice delete RUN…`, or `--all`, `--completed`, `--older 7d`, `-l SELECTOR`: delete runs with their pods. */
export async function deleteCommand(names: readonly string[], options: DeleteOptions, io: Io): Promise<ExitCode> {
  const olderMs = options.older === undefined ? undefined : parseSpan('older', options.older);
  const selects =
    options.all || options.older || options.completed || options.selector || options.prefix || options.status;
  if ((names.length === 0) === !selects)
    throw new CommandError(exitCodes.usage, 'name runs, or say which: --all, --completed, --older 7d, -l, --prefix');
  const { kube, namespace } = await connect(io, options);
  const runs = selects
    ? (
        await kube.list<Run>(resources.workflows, {
          namespace,
          ...(options.selector ? { labelSelector: options.selector } : {}),
        })
      ).items
        .filter((run) => isRunListed(run, options, io.now()))
        .filter(({ status }) => olderMs === undefined || isOlder(status?.finishedAt, io.now() - olderMs))
    : await Promise.all(names.map((name) => resolveRun(kube, namespace, name)));
  for (const { metadata } of runs) {
    const key = { namespace: metadata.namespace ?? namespace, name: metadata.name };
    if (!options.dryRun) await kube.delete(resources.workflows, key, { propagationPolicy: 'Background' });
    io.out(`workflow ${metadata.name} deleted${options.dryRun ? ' (dry run)' : ''}`);
  }
  if (runs.length === 0) io.err('no runs to delete');
  return exitCodes.ok;
}

function isOlder(time: string | undefined | null, limit: number): boolean {
  return time !== undefined && time !== null && Date.parse(time) < limit;
}
