import type { Command } from 'commander';
import { outputOption, withCluster } from './command-options.ts';
import type { ExitCode } from './exit-code.ts';
import type { Io } from './io.ts';

/** `sluice release …` and `sluice approve`: each verb loads its module when it is called. */
export function addReleaseCommands(program: Command, io: Io, finish: (code: ExitCode) => void): void {
  const release = program.command('release').description('look at releases and act on them');
  const verb = (words: string, description: string): Command =>
    withCluster(release.command(words)).description(description);
  const waiting = (command: Command): Command =>
    command
      .option('--no-wait', 'do not wait until it is done')
      .option('--timeout <duration>', 'how long to wait', '10m');
  verb('status <name>', 'how a release stands, and why; exit code 1 unless it is ready')
    .addOption(outputOption())
    .action(async (name, options) => finish(await (await read()).releaseStatusCommand(name, options, io)));
  verb('history <name>', 'the revisions of a release, newest first')
    .addOption(outputOption())
    .action(async (name, options) => finish(await (await read()).releaseHistoryCommand(name, options, io)));
  verb('diff <name>', 'what the next upgrade would change; exit code 1 when there is something')
    .option('--from <revision>', 'compare this revision instead of the present one')
    .option('--to <revision>', 'with this one instead of what the spec wants now')
    .option('--chart <path>', 'with this chart, for example that of a pull request')
    .option('--values <file>', 'with the values of this file over those of the spec')
    .addOption(outputOption())
    .action(async (name, options) => finish(await (await diff()).releaseDiffCommand(name, options, io)));
  verb('trace <name>', 'commit, run, images, chart, release and pods, with the reason of every wait')
    .addOption(outputOption())
    .action(async (name, options) => finish(await (await trace()).releaseTraceCommand(name, options, io)));
  waiting(verb('reconcile <name>', 'have a release looked at now'))
    .option('--force', 'upgrade it even when nothing has changed')
    .option('--reset', 'forget failed attempts, so that retries begin anew')
    .option('--with-source', 'have its source fetched first')
    .action(async (name, options) => finish(await (await act()).releaseReconcileCommand(name, options, io)));
  verb('suspend <name>', 'leave a release as it is until it is resumed').action(async (name, options) =>
    finish(await (await act()).releaseSuspendCommand(name, options, io)),
  );
  waiting(verb('resume <name>', 'go on with a suspended release')).action(async (name, options) =>
    finish(await (await act()).releaseResumeCommand(name, options, io)),
  );
  waiting(verb('rollback <name> [revision]', 'want the chart and the values of an earlier revision again')).action(
    async (name, revision, options) =>
      finish(await (await rollback()).releaseRollbackCommand(name, revision, options, io)),
  );
  withCluster(program.command('approve <run> <environment>'))
    .description('let a run be deployed to an environment that asks for approval')
    .option('--despite-freeze', 'also while the environment is frozen')
    .action(async (run, environment, options) =>
      finish(await (await import('./commands/approve.ts')).approveCommand(run, environment, options, io)),
    );
}

const read = () => import('./commands/release.ts');
const act = () => import('./commands/release-act.ts');
const diff = () => import('./commands/release-diff.ts');
const trace = () => import('./commands/release-trace.ts');
const rollback = () => import('./commands/release-rollback.ts');
