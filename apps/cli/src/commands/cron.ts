import { formatProblem, resources } from '@sluice/model';
import type { KubeApi } from '@sluice/reconcile';
import { buildCronChild, type CronWorkflow, formatTime, upcomingTimes, type Workflow } from '@sluice/workflow';
import { parseAllDocuments } from 'yaml';
import { type ClusterOptions, connect } from '../connect.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { formatAge, formatObject, parseFormat, showListing } from '../output.ts';
import { readText } from '../submitted.ts';
import { lintText } from './lint.ts';

export type CronOptions = ClusterOptions & {
  readonly allNamespaces?: boolean;
  readonly output?: string;
  readonly start?: string;
  readonly end?: string;
};

const backfillLabel = 'workflows.argoproj.io/cron-workflow-backfill';
const maxBackfill = 1_000;

/** `sluice cron list`. */
export async function cronListCommand(options: CronOptions, io: Io): Promise<ExitCode> {
  const format = parseFormat(options.output);
  const { kube, namespace } = await connect(io, options);
  const { items } = await kube.list<CronWorkflow>(resources.cronWorkflows, options.allNamespaces ? {} : { namespace });
  showListing(io, format, {
    columns: [
      ...(options.allNamespaces ? ['NAMESPACE'] : []),
      'NAME',
      'AGE',
      'LAST RUN',
      'NEXT RUN',
      'SCHEDULES',
      'TIMEZONE',
      'SUSPENDED',
    ],
    rows: items.map((cron) => [
      ...(options.allNamespaces ? [cron.metadata.namespace ?? ''] : []),
      cron.metadata.name,
      formatAge(cron.metadata.creationTimestamp, io.now()),
      formatAge(cron.status?.lastScheduledTime ?? undefined, io.now()) || 'N/A',
      nextRun(cron, io.now()),
      schedulesText(cron),
      cron.spec?.timezone ?? '',
      String(cron.spec?.suspend === true),
    ]),
    objects: items,
    names: items.map(({ metadata }) => metadata.name),
    empty: 'no cron workflows',
  });
  return exitCodes.ok;
}

function schedulesText({ spec }: CronWorkflow): string {
  return (spec?.schedules ?? (spec?.schedule ? [spec.schedule] : [])).join(', ');
}

function nextRun(cron: CronWorkflow, now: number): string {
  if (cron.spec?.suspend === true || cron.status?.phase === 'Stopped') return 'N/A';
  const [next] = upcomingTimes(cron.spec ?? {}, now, 1);
  return next === undefined ? 'N/A' : formatTime(next);
}

async function find(kube: KubeApi, namespace: string, name: string): Promise<CronWorkflow> {
  const found = await kube.get<CronWorkflow>(resources.cronWorkflows, { namespace, name });
  if (!found)
    throw new CommandError(
      exitCodes.notFound,
      `there is no cron workflow ${JSON.stringify(name)} in namespace ${namespace}`,
    );
  return found;
}

/** `sluice cron get NAME`. */
export async function cronGetCommand(name: string, options: CronOptions, io: Io): Promise<ExitCode> {
  const format = parseFormat(options.output);
  const { kube, namespace } = await connect(io, options);
  const cron = await find(kube, namespace, name);
  if (format !== 'table') {
    io.out(format === 'name' ? name : formatObject(format, cron));
    return exitCodes.ok;
  }
  const { spec = {}, status = {}, metadata } = cron;
  const lines: readonly (readonly [string, string | undefined])[] = [
    ['Name', metadata.name],
    ['Namespace', metadata.namespace],
    ['Created', metadata.creationTimestamp],
    ['Schedules', schedulesText(cron)],
    ['Timezone', spec.timezone],
    ['When', spec.when],
    ['Suspended', String(spec.suspend === true)],
    ['ConcurrencyPolicy', spec.concurrencyPolicy ?? 'Allow'],
    ['Phase', status.phase],
    ['LastScheduledTime', status.lastScheduledTime ?? undefined],
    ['NextScheduledTime', nextRun(cron, io.now())],
    ['Active', (status.active ?? []).map((run) => run.name).join(', ') || undefined],
    ['Succeeded', String(status.succeeded ?? 0)],
    ['Failed', String(status.failed ?? 0)],
    ...(status.conditions ?? []).map(({ type, message }) => [type, message] as const),
  ];
  for (const [label, value] of lines) if (value !== undefined) io.out(`${`${label}:`.padEnd(21)}${value}`);
  return exitCodes.ok;
}

/** `sluice cron create FILE…` and `update FILE…`. */
export async function cronCreateCommand(
  files: readonly string[],
  options: CronOptions,
  isUpdate: boolean,
  io: Io,
): Promise<ExitCode> {
  const found: CronWorkflow[] = [];
  for (const file of files) {
    const text = await readText(file, io);
    const errors = lintText(file, text).filter(({ severity }) => severity === 'error');
    for (const problem of errors) io.err(formatProblem(problem));
    if (errors.length > 0) return exitCodes.lint;
    const objects = parseAllDocuments(text).map(
      (document) => document.toJS({ maxAliasCount: 100 }) as CronWorkflow | null,
    );
    const crons = objects.flatMap((object) => (object?.kind === 'CronWorkflow' ? [object] : []));
    if (crons.length === 0) throw new CommandError(exitCodes.usage, `${file}: holds no CronWorkflow`);
    found.push(...crons);
  }
  const { kube, namespace } = await connect(io, options);
  for (const cron of found) {
    const metadata = { ...cron.metadata, namespace: cron.metadata.namespace ?? namespace };
    const object = { ...cron, metadata };
    if (isUpdate) {
      const present = await find(kube, metadata.namespace, metadata.name);
      const { resourceVersion } = present.metadata;
      const merged = { ...metadata, ...(resourceVersion ? { resourceVersion } : {}) };
      await kube.replace(resources.cronWorkflows, { ...present, ...object, metadata: merged });
    } else await kube.create(resources.cronWorkflows, object);
    io.out(`cron workflow ${metadata.name} ${isUpdate ? 'updated' : 'created'}`);
  }
  return exitCodes.ok;
}

/** `sluice cron suspend NAME…` and `resume NAME…`. */
export async function cronSuspendCommand(
  names: readonly string[],
  options: CronOptions,
  suspend: boolean,
  io: Io,
): Promise<ExitCode> {
  const { kube, namespace } = await connect(io, options);
  for (const name of names) {
    await find(kube, namespace, name);
    await kube.patch(resources.cronWorkflows, { namespace, name }, { type: 'merge', body: { spec: { suspend } } });
    io.out(`cron workflow ${name} ${suspend ? 'suspended' : 'resumed'}`);
  }
  return exitCodes.ok;
}

/** `sluice cron delete NAME…`. */
export async function cronDeleteCommand(names: readonly string[], options: CronOptions, io: Io): Promise<ExitCode> {
  const { kube, namespace } = await connect(io, options);
  for (const name of names) {
    await find(kube, namespace, name);
    await kube.delete(resources.cronWorkflows, { namespace, name }, { propagationPolicy: 'Background' });
    io.out(`cron workflow ${name} deleted`);
  }
  return exitCodes.ok;
}

/** `sluice cron backfill NAME --start --end`: run it once for each time that it was due in between, each with that time. */
export async function cronBackfillCommand(name: string, options: CronOptions, io: Io): Promise<ExitCode> {
  const start = timeOf('start', options.start);
  const end = options.end === undefined ? io.now() : timeOf('end', options.end);
  if (end < start) throw new CommandError(exitCodes.usage, '--end lies before --start');
  const { kube, namespace } = await connect(io, options);
  const cron = await find(kube, namespace, name);
  const times = upcomingTimes(cron.spec ?? {}, start - 1, maxBackfill + 1).filter((time) => time <= end);
  if (times.length > maxBackfill)
    throw new CommandError(
      exitCodes.usage,
      `more than ${maxBackfill} runs were due between --start and --end; take a shorter span`,
    );
  for (const time of times) {
    const run = await kube.create(resources.workflows, backfillRun(cron, time));
    io.out(`workflow ${run.metadata.name} submitted`);
  }
  if (times.length === 0) io.err('no run was due in that time');
  return exitCodes.ok;
}

/** Not one of the CronWorkflow's own runs: it counts for neither its policy nor its history. */
function backfillRun(cron: CronWorkflow, scheduledAt: number): Workflow {
  const { metadata, ...run } = buildCronChild(cron, scheduledAt);
  const { ownerReferences: _owner, labels = {}, name, ...rest } = metadata;
  const { 'workflows.argoproj.io/cron-workflow': _cron, ...others } = labels;
  return {
    ...run,
    metadata: { ...rest, name: `${name}-backfill`, labels: { ...others, [backfillLabel]: cron.metadata.name } },
  };
}

function timeOf(option: string, text: string | undefined): number {
  const time = Date.parse(text ?? '');
  if (Number.isNaN(time))
    throw new CommandError(exitCodes.usage, `--${option} ${text ?? ''}: must be a time such as 2026-01-31T08:00:00Z`);
  return time;
}
