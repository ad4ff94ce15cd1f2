import { resources } from '@sluice/model';
import { isFinished } from '@sluice/trigger';
import { type ClusterOptions, connect } from '../connect.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { formatAge, formatDuration, parseFormat, showListing } from '../output.ts';
import { elapsed, phaseOf, type Run } from '../run.ts';
import { parseSpan } from '../span.ts';

/** Which runs. */
export type RunFilter = {
  readonly status?: string;
  readonly running?: boolean;
  readonly completed?: boolean;
  readonly prefix?: string;
  readonly since?: string;
  readonly selector?: string;
};

export type ListOptions = ClusterOptions & RunFilter & { readonly allNamespaces?: boolean; readonly output?: string };

const phases = ['Pending', 'Running', 'Succeeded', 'Failed', 'Error'];

/** `sluice list`: the Workflows of a namespace, newest first. */
export async function listCommand(options: ListOptions, io: Io): Promise<ExitCode> {
  const format = parseFormat(options.output);
  const { kube, namespace } = await connect(io, options);
  const { items } = await kube.list<Run>(resources.workflows, {
    ...(options.allNamespaces ? {} : { namespace }),
    ...(options.selector ? { labelSelector: options.selector } : {}),
  });
  const runs = items
    .filter((run) => isRunListed(run, options, io.now()))
    .toSorted((a, b) => ((a.metadata.creationTimestamp ?? '') < (b.metadata.creationTimestamp ?? '') ? 1 : -1));
  showListing(io, format, {
    columns: [
      ...(options.allNamespaces ? ['NAMESPACE'] : []),
      'NAME',
      'STATUS',
      'AGE',
      'DURATION',
      'PRIORITY',
      'MESSAGE',
    ],
    rows: runs.map((run) => {
      const duration = elapsed(run.status ?? {}, io.now());
      return [
        ...(options.allNamespaces ? [run.metadata.namespace ?? ''] : []),
        run.metadata.name,
        phaseOf(run),
        formatAge(run.metadata.creationTimestamp, io.now()),
        duration === undefined ? '-' : formatDuration(duration),
        String((run.spec as { readonly priority?: number } | undefined)?.priority ?? 0),
        (run.status?.message ?? '').split('\n', 1)[0]?.slice(0, 100) ?? '',
      ];
    }),
    objects: runs,
    names: runs.map(({ metadata }) => metadata.name),
    empty: 'no workflows',
  });
  return exitCodes.ok;
}

/** Whether a filter lets a run through. Throws a usage error for a filter that makes no sense. */
export function isRunListed(run: Run, filter: RunFilter, now: number): boolean {
  const wanted = filter.status?.split(',').map((word) => phaseNamed(word));
  if (wanted && !wanted.includes(phaseOf(run))) return false;
  if (filter.running && isFinished(run)) return false;
  if (filter.completed && !isFinished(run)) return false;
  if (filter.prefix && !run.metadata.name.startsWith(filter.prefix)) return false;
  if (filter.since === undefined) return true;
  return Date.parse(run.metadata.creationTimestamp ?? '') >= now - parseSpan('since', filter.since);
}

function phaseNamed(word: string): string {
  const found = phases.find((phase) => phase.toLowerCase() === word.trim().toLowerCase());
  if (!found) throw new CommandError(exitCodes.usage, `--status ${word}: is none of ${phases.join(', ')}`);
  return found;
}
