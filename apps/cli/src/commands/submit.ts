import { formatProblem, type KubeObject, resources } from '@sluice/model';
import type { KubeApi } from '@sluice/reconcile';
import { buildCronChild, type CronWorkflow, type Workflow } from '@sluice/workflow';
import { parseAllDocuments } from 'yaml';
import { type ClusterOptions, connect } from '../connect.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { formatObject, parseFormat } from '../output.ts';
import type { Run } from '../run.ts';
import { seeThrough } from '../see-through.ts';
import {
  fromTemplate,
  givenParameters,
  parseSource,
  readText,
  type SubmissionOptions,
  withOptions,
} from '../submitted.ts';
import { lintText } from './lint.ts';
import { logsCommand } from './logs.ts';

export type SubmitOptions = ClusterOptions &
  SubmissionOptions & {
    readonly watch?: boolean;
    readonly wait?: boolean;
    readonly log?: boolean;
    readonly from?: string;
    readonly dryRun?: boolean;
    readonly output?: string;
  };

/** `sluice submit FILE…` or `--from KIND/NAME`: create Workflows, and with `--watch`, `--wait` or `--log` see them to their end. */
export async function submitCommand(files: readonly string[], options: SubmitOptions, io: Io): Promise<ExitCode> {
  const format = parseFormat(options.output);
  const parameters = await givenParameters(options, io);
  if ((files.length === 0) === (options.from === undefined))
    throw new CommandError(exitCodes.usage, 'name files, or a stored template with --from KIND/NAME');
  const read = await readWorkflows(files, io);
  if (!read) return exitCodes.lint;
  const { kube, namespace } = await connect(io, options);
  const found = options.from ? [await readSource(kube, options.from, namespace, io)] : read;
  if (options.name && found.length > 1)
    throw new CommandError(exitCodes.usage, `--name ${options.name}: there are ${found.length} Workflows`);
  const created: Run[] = [];
  for (const workflow of found) {
    const changed = withOptions(workflow, options, parameters);
    const metadata = { ...changed.metadata, namespace: workflow.metadata.namespace ?? namespace };
    const dryRun = options.dryRun ? ({ dryRun: true } as const) : {};
    created.push((await kube.create(resources.workflows, { ...changed, metadata }, dryRun)) as unknown as Run);
  }
  if (format === 'json' || format === 'yaml') io.out(formatObject(format, created.length === 1 ? created[0] : created));
  else
    for (const run of created)
      io.out(format === 'name' ? run.metadata.name : `workflow ${run.metadata.name} submitted`);
  if (options.dryRun) return exitCodes.ok;
  if (options.log) return followLogs(created, options, io);
  if (!options.watch && !options.wait) return exitCodes.ok;
  const results = await Promise.all(created.map((run) => seeThrough(run, kube, options.watch === true, io)));
  return results.every(Boolean) ? exitCodes.ok : exitCodes.failed;
}

async function followLogs(created: readonly Run[], options: ClusterOptions, io: Io): Promise<ExitCode> {
  const codes = await Promise.all(
    created.map(({ metadata }) => {
      const namespace = metadata.namespace ?? options.namespace;
      return logsCommand(
        metadata.name,
        undefined,
        { ...options, ...(namespace ? { namespace } : {}), follow: true },
        io,
      );
    }),
  );
  return codes.find((code) => code !== exitCodes.ok) ?? exitCodes.ok;
}

/** The Workflows of the files; undefined when one of them has errors, which are then told. */
async function readWorkflows(files: readonly string[], io: Io): Promise<readonly Workflow[] | undefined> {
  const all: Workflow[] = [];
  for (const file of files) {
    const text = await readText(file, io);
    const errors = lintText(file, text).filter((problem) => problem.severity === 'error');
    for (const problem of errors) io.err(formatProblem(problem));
    if (errors.length > 0) return undefined;
    const objects = parseAllDocuments(text).map(
      (document) => document.toJS({ maxAliasCount: 100 }) as KubeObject | null,
    );
    const found = objects.filter((object) => object?.kind === 'Workflow') as Workflow[];
    if (found.length === 0) throw new CommandError(exitCodes.usage, `${file}: holds no Workflow`);
    all.push(...found);
  }
  return all;
}

async function readSource(kube: KubeApi, from: string, namespace: string, io: Io): Promise<Workflow> {
  const { kind, name } = parseSource(from);
  if (kind === 'cron') {
    const cron = await kube.get<CronWorkflow>(resources.cronWorkflows, { namespace, name });
    if (cron) return fromCron(cron, io.now());
  } else {
    const resource = kind === 'cluster' ? resources.clusterWorkflowTemplates : resources.workflowTemplates;
    const template = await kube.get(resource, kind === 'cluster' ? { name } : { namespace, name });
    if (template) return fromTemplate({ ...template, kind: resource.kind }, namespace);
  }
  throw new CommandError(exitCodes.notFound, `--from ${from}: there is no such object in namespace ${namespace}`);
}

/** A run of a CronWorkflow out of turn: under a name of its own, so that no scheduled run is taken for it. */
function fromCron(cron: CronWorkflow, now: number): Workflow {
  const { metadata, ...run } = buildCronChild(cron, now);
  const { name: _name, ...rest } = metadata;
  return { ...run, metadata: { ...rest, generateName: `${cron.metadata.name}-` } as unknown as Workflow['metadata'] };
}
