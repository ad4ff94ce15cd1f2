import type { Command } from 'commander';
import { outputOption, withCluster } from './command-options.ts';
import type { ExitCode } from './exit-code.ts';
import type { Io } from './io.ts';

/** What the groups of commands share. */
export type CommandParts = {
  readonly io: Io;
  readonly finish: (code: ExitCode) => void;
};

/** What webhooks brought, and what became of it. */
export function addDeliveryCommands(program: Command, { io, finish }: CommandParts): void {
  const group = program.command('deliveries').description('webhooks that were accepted, and what became of them');
  const at = (command: Command): Command =>
    withCluster(command).option(
      '--receiver <url>',
      'a webhook receiver of a real cluster; its token in SLUICE_LOG_TOKEN',
    );
  at(group.command('list'))
    .description('list deliveries: waiting ones, failed ones, then the newest that are done')
    .option('--limit <number>', 'at most so many of each', '50')
    .addOption(outputOption())
    .action(async (options) =>
      finish(await (await import('./commands/deliveries.ts')).listDeliveriesCommand(options, io)),
    );
  at(group.command('show <id>'))
    .description('show a delivery with what the forge sent')
    .addOption(outputOption())
    .action(async (id, options) =>
      finish(await (await import('./commands/deliveries.ts')).showDeliveryCommand(id, options, io)),
    );
  at(group.command('replay <id>'))
    .description('handle a delivery again; what it started before is not started twice')
    .action(async (id, options) =>
      finish(await (await import('./commands/deliveries.ts')).replayDeliveryCommand(id, options, io)),
    );
}

/** Pull requests of the local forge, and what the buttons of checks do. */
export function addForgeCommands(program: Command, { io, finish }: CommandParts): void {
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
