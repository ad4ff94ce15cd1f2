import type { Command, Option } from 'commander';
import type { ExitCode } from './exit-code.ts';
import type { Io } from './io.ts';

/** What the groups of commands share. */
export type CommandParts = {
  readonly io: Io;
  readonly finish: (code: ExitCode) => void;
  readonly withCluster: (command: Command) => Command;
  readonly outputOption: () => Option;
};

/** Pull requests of the local forge, and what the buttons of checks do. */
export function addForgeCommands(program: Command, { io, finish, withCluster, outputOption }: CommandParts): void {
  const pull = program.command('pr').description('pull requests of the local forge');
  withCluster(pull.command('list <repository>'))
    .description('list pull requests')
    .option('--all', 'closed and merged ones too')
    .addOption(outputOption())
    .action(async (repository, options) =>
      finish(await (await import('./commands/pull-request.ts')).listPullsCommand(repository, options, io)),
    );
  withCluster(pull.command('comment <repository> <number> <text...>'))
    .description('write under a pull request; /test, /retest and /cancel on lines of their own are obeyed')
    .action(async (repository, number, text, options) =>
      finish(
        await (
          await import('./commands/pull-request.ts')
        ).commentCommand(repository, { ...options, number, text: text.join(' ') }, io),
      ),
    );
  for (const verb of ['merge', 'close'] as const) {
    withCluster(pull.command(`${verb} <repository> <number>`))
      .description(`${verb} a pull request`)
      .action(async (repository, number, options) =>
        finish(
          await (
            await import('./commands/pull-request.ts')
          ).endPullCommand(repository, { ...options, number, verb }, io),
        ),
      );
  }
  withCluster(program.command('cancel <run>'))
    .description('stop a run; steps that have begun are ended')
    .action(async (run, options) =>
      finish(await (await import('./commands/rerun.ts')).cancelCommand(run, options, io)),
    );
  withCluster(program.command('rerun <run>'))
    .description('run again what a run of a commit ran, as a run of its own')
    .addOption(outputOption())
    .action(async (run, options) => finish(await (await import('./commands/rerun.ts')).rerunCommand(run, options, io)));
}
