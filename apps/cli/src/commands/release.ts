import type { HelmRelease } from '@sluice/model';
import { historyRows, standingOf } from '@sluice/release';
import { type ClusterOptions, connect } from '../connect.ts';
import { type ExitCode, exitCodes } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { formatAge, formatObject, formatTable, parseFormat, showListing } from '../output.ts';
import { findRelease, recordsOf } from '../release.ts';

export type ReleaseOptions = ClusterOptions & { readonly output?: string };

/** `sluice release status NAME`: exit code 0 when it is ready, 1 when it is not. */
export async function releaseStatusCommand(name: string, options: ReleaseOptions, io: Io): Promise<ExitCode> {
  const format = parseFormat(options.output);
  const release = await findRelease(await connect(io, options), name);
  const standing = standingOf(release);
  if (format === 'name') io.out(release.metadata.name);
  else if (format === 'table') for (const line of describe(release, io.now())) io.out(line);
  else io.out(formatObject(format, { name, ...standing, release: release.status ?? {} }));
  return standing.phase === 'Ready' ? exitCodes.ok : exitCodes.failed;
}

function describe(release: HelmRelease, now: number): string[] {
  const { phase, reason, message } = standingOf(release);
  const { status, spec } = release;
  const [newest] = status?.history ?? [];
  const facts: readonly (readonly [string, string])[] = [
    ['Release', newest ? `${newest.namespace}/${newest.name}` : 'not installed yet'],
    ['State', reason ? `${phase} (${reason})` : phase],
    [
      'Serves',
      newest ? `revision ${newest.version}: ${newest.chartName}@${newest.chartVersion}, ${newest.status}` : '-',
    ],
    ['Wanted', status?.lastAttemptedRevision ?? '-'],
    ['Failures', String(status?.failures ?? 0)],
    ['Suspended', spec?.suspend ? 'yes' : 'no'],
  ];
  const width = Math.max(...facts.map(([label]) => label.length)) + 2;
  const conditions = (status?.conditions ?? []).map(({ type, status: held, reason: why, lastTransitionTime }) => [
    type,
    held,
    why,
    formatAge(lastTransitionTime, now),
  ]);
  return [
    ...facts.map(([label, value]) => `${`${label}:`.padEnd(width)}${value}`),
    ...(message ? ['', ...message.split('\n')] : []),
    ...(conditions.length > 0 ? ['', ...formatTable(['CONDITION', 'STATUS', 'REASON', 'AGE'], conditions)] : []),
  ];
}

/** `sluice release history NAME`. */
export async function releaseHistoryCommand(name: string, options: ReleaseOptions, io: Io): Promise<ExitCode> {
  const format = parseFormat(options.output);
  const connection = await connect(io, options);
  const release = await findRelease(connection, name);
  const rows = historyRows(release, release.spec?.['kubeConfig'] ? [] : await recordsOf(connection, release));
  showListing(io, format, {
    columns: ['REVISION', 'ACTION', 'STATUS', 'CHART', 'APP VERSION', 'TESTS', 'AGE'],
    rows: rows.map(({ revision, action, status, chart, appVersion, tests, deployed }) => [
      String(revision),
      action || '-',
      status,
      chart,
      appVersion || '-',
      tests || '-',
      formatAge(deployed, io.now()),
    ]),
    objects: rows,
    names: rows.map(({ revision }) => String(revision)),
    empty: `release ${name} has no revisions yet`,
  });
  return exitCodes.ok;
}
