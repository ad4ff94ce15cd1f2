import { Argument, type Command } from 'commander';
import { outputOption, withCluster } from './command-options.ts';
import type { ExitCode } from './exit-code.ts';
import type { Io } from './io.ts';

type Shell = {
  readonly io: Io;
  readonly finish: (code: ExitCode) => void;
};

const collect = (value: string, all: string[]): string[] => [...all, value];
const runArgument = (): Argument => new Argument('<run...>', 'its name, the beginning of it, its commit, or @latest');

/** The commands for workflows, as users of Argo know them. */
export function addWorkflowCommands(program: Command, shell: Shell): void {
  addSubmit(program, shell);
  addReading(program, shell);
  addOperations(program, shell);
  addReruns(program, shell);
  addCron(program, shell);
  addTemplates(program, shell);
}

function addSubmit(program: Command, { io, finish }: Shell): void {
  program
    .command('lint <files...>')
    .description('check pipelines and Argo manifests without a cluster')
    .addOption(outputOption())
    .action(async (files, options) =>
      finish(await (await import('./commands/lint.ts')).lintCommand(files, options, io)),
    );
  program
    .command('convert <files...>')
    .description('print manifests of Argo Workflows 3 as version 4 has them')
    .action(async (files) => finish(await (await import('./commands/convert.ts')).convertCommand(files, io)));
  withCluster(program.command('submit [files...]'))
    .description('run the Workflows of files (- is standard input), or a stored template')
    .option('--from <kind/name>', 'a workflowtemplate, clusterworkflowtemplate or cronworkflow instead of a file')
    .option('--watch', 'show the steps until the run has ended')
    .option('--wait', 'wait until the run has ended')
    .option('--log', 'follow the logs until the run has ended')
    .option('-p, --parameter <name=value>', 'set an argument (repeatable)', collect, [])
    .option('--parameter-file <file>', 'set arguments from a YAML or JSON file')
    .option('--name <name>', 'name of the run')
    .option('--generate-name <prefix>', 'beginning of its name; the rest is made up')
    .option('--entrypoint <template>', 'begin with this template')
    .option('--serviceaccount <name>', 'service account of its pods')
    .option('--priority <number>', 'before runs of a lower priority')
    .option('--labels <a=b,...>', 'labels for the run')
    .option('--annotations <a=b,...>', 'annotations for the run')
    .option('--dry-run', 'have the server check it, and store nothing')
    .addOption(outputOption())
    .action(async (files, options) =>
      finish(await (await import('./commands/submit.ts')).submitCommand(files, options, io)),
    );
}

function addReading(program: Command, { io, finish }: Shell): void {
  withCluster(program.command('list'))
    .description('list workflows, newest first')
    .option('-A, --all-namespaces', 'in every namespace')
    .option('--status <phases>', 'only of these phases, with commas between them')
    .option('--running', 'only those that have not ended')
    .option('--completed', 'only those that have ended')
    .option('--prefix <text>', 'only those whose name begins so')
    .option('--since <span>', 'only those made within this time, e.g. 24h')
    .option('-l, --selector <labels>', 'only those with these labels')
    .addOption(outputOption())
    .action(async (options) => finish(await (await import('./commands/list.ts')).listCommand(options, io)));
  for (const [name, isShown, text] of [
    ['watch', true, 'show the steps of runs until they have ended'],
    ['wait', false, 'wait until runs have ended'],
  ] as const)
    withCluster(program.command(name).addArgument(runArgument()))
      .description(text)
      .action(async (names, options) =>
        finish(await (await import('./commands/operate.ts')).watchCommand(names, options, isShown, io)),
      );
}

function addOperations(program: Command, { io, finish }: Shell): void {
  const selected = (command: Command): Command =>
    command
      .option('--node-field-selector <fields>', 'only suspended steps that fit, e.g. displayName=approve')
      .option('--message <text>', 'message of those steps');
  selected(withCluster(program.command('stop').addArgument(runArgument())))
    .description('end runs; their exit handlers still run')
    .action(async (names, options) =>
      finish(await (await import('./commands/operate.ts')).stopCommand(names, options, io)),
    );
  withCluster(program.command('terminate').addArgument(runArgument()))
    .description('end runs now, without exit handlers')
    .action(async (names, options) =>
      finish(await (await import('./commands/operate.ts')).terminateCommand(names, options, io)),
    );
  withCluster(program.command('suspend').addArgument(runArgument()))
    .description('start nothing more until a run is resumed')
    .action(async (names, options) =>
      finish(await (await import('./commands/operate.ts')).suspendCommand(names, options, io)),
    );
  selected(withCluster(program.command('resume').addArgument(runArgument())))
    .description('go on after a suspension')
    .action(async (names, options) =>
      finish(await (await import('./commands/operate.ts')).resumeCommand(names, options, io)),
    );
  const node = program.command('node').description('single steps of a run');
  withCluster(node.command('set <run>'))
    .description('supply outputs of suspended steps')
    .requiredOption('--node-field-selector <fields>', 'which steps, e.g. displayName=approve')
    .option('-p, --output-parameter <name=value>', 'value of an output (repeatable)', collect, [])
    .action(async (name, options) =>
      finish(await (await import('./commands/operate.ts')).nodeSetCommand(name, options, io)),
    );
}

function addReruns(program: Command, { io, finish }: Shell): void {
  const followed = (command: Command): Command =>
    command
      .option('-p, --parameter <name=value>', 'set an argument (repeatable)', collect, [])
      .option('--watch', 'show the steps until the run has ended')
      .option('--wait', 'wait until the run has ended');
  followed(withCluster(program.command('retry').addArgument(runArgument())))
    .description('let failed runs go on from where they failed')
    .option('--restart-successful', 'also run again what succeeded and fits the node field selector')
    .option('--node-field-selector <fields>', 'which steps, e.g. templateName=build')
    .action(async (names, options) =>
      finish(await (await import('./commands/operate.ts')).retryCommand(names, options, io)),
    );
  followed(withCluster(program.command('resubmit').addArgument(runArgument())))
    .description('run again under a new name')
    .option('--memoized', 'keep what had succeeded')
    .action(async (names, options) =>
      finish(await (await import('./commands/operate.ts')).resubmitCommand(names, options, io)),
    );
  withCluster(program.command('delete').addArgument(new Argument('[run...]', 'names, or beginnings of names')))
    .description('delete runs with their pods')
    .option('--all', 'all of the namespace')
    .option('--completed', 'those that have ended')
    .option('--status <phases>', 'those of these phases')
    .option('--older <span>', 'those that ended longer ago than this, e.g. 7d')
    .option('--prefix <text>', 'those whose name begins so')
    .option('-l, --selector <labels>', 'those with these labels')
    .option('--dry-run', 'only say which')
    .action(async (names, options) =>
      finish(await (await import('./commands/delete.ts')).deleteCommand(names, options, io)),
    );
}

function addCron(program: Command, { io, finish }: Shell): void {
  const cron = program.command('cron').description('workflows that are run by the clock');
  const load = () => import('./commands/cron.ts');
  withCluster(cron.command('list'))
    .description('list them with their last and next run')
    .option('-A, --all-namespaces', 'in every namespace')
    .addOption(outputOption())
    .action(async (options) => finish(await (await load()).cronListCommand(options, io)));
  withCluster(cron.command('get <name>'))
    .description('show one')
    .addOption(outputOption())
    .action(async (name, options) => finish(await (await load()).cronGetCommand(name, options, io)));
  for (const [name, isUpdate] of [
    ['create', false],
    ['update', true],
  ] as const)
    withCluster(cron.command(`${name} <files...>`))
      .description(`${name} the CronWorkflows of files`)
      .action(async (files, options) => finish(await (await load()).cronCreateCommand(files, options, isUpdate, io)));
  for (const [name, suspend] of [
    ['suspend', true],
    ['resume', false],
  ] as const)
    withCluster(cron.command(`${name} <names...>`))
      .description(suspend ? 'start no more runs' : 'start runs again')
      .action(async (names, options) => finish(await (await load()).cronSuspendCommand(names, options, suspend, io)));
  withCluster(cron.command('delete <names...>'))
    .description('delete them with their runs')
    .action(async (names, options) => finish(await (await load()).cronDeleteCommand(names, options, io)));
  withCluster(cron.command('backfill <name>'))
    .description('run it for each time that it was due in a span of the past')
    .requiredOption('--start <time>', 'from when on, e.g. 2026-01-31T08:00:00Z')
    .option('--end <time>', 'up to when (default: now)')
    .action(async (name, options) => finish(await (await load()).cronBackfillCommand(name, options, io)));
}

function addTemplates(program: Command, { io, finish }: Shell): void {
  const template = program.command('template').description('stored workflow templates');
  const load = () => import('./commands/template.ts');
  const scoped = (command: Command): Command =>
    withCluster(command).option('--cluster', 'cluster workflow templates, which belong to no namespace');
  scoped(template.command('list'))
    .description('list them')
    .option('-A, --all-namespaces', 'in every namespace')
    .addOption(outputOption())
    .action(async (options) => finish(await (await load()).templateListCommand(options, io)));
  scoped(template.command('get <name>'))
    .description('show one as YAML')
    .addOption(outputOption())
    .action(async (name, options) => finish(await (await load()).templateGetCommand(name, options, io)));
  for (const [name, isUpdate] of [
    ['create', false],
    ['update', true],
  ] as const)
    withCluster(template.command(`${name} <files...>`))
      .description(`${name} the templates of files`)
      .action(async (files, options) =>
        finish(await (await load()).templateCreateCommand(files, options, isUpdate, io)),
      );
  scoped(template.command('delete <names...>'))
    .description('delete them')
    .action(async (names, options) => finish(await (await load()).templateDeleteCommand(names, options, io)));
}
