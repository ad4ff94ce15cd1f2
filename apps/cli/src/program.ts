import { readFileSync } from 'node:fs';
import { Argument, Command } from 'commander';
import { outputOption, withCluster } from './command-options.ts';
import { type ExitCode, exitCodeMeanings, exitCodes } from './exit-code.ts';
import { addDeliveryCommands, addForgeCommands } from './forge-commands.ts';
import type { Io } from './io.ts';
import { addReleaseCommands } from './release-program.ts';
import { addWorkflowCommands } from './workflow-program.ts';

/** The whole command line. The commands' modules are loaded when they are called, so that starting costs little. */
export function buildProgram(io: Io, finish: (code: ExitCode) => void): Command {
  const program = new Command('sluice')
    .description('From git push to a tested, packaged, deployed and reported change.')
    .version(version(), '-V, --version', 'print the version')
    .showSuggestionAfterError()
    .showHelpAfterError('add --help to see how it is used')
    .exitOverride()
    .addHelpText('after', '\nStart with: sluice up, then sluice repo add NAME, then git push.');
  addServerCommands(program, io, finish);
  addReadCommands(program, io, finish);
  addWorkflowCommands(program, { io, finish });
  addReleaseCommands(program, io, finish);
  addForgeCommands(program, { io, finish });
  addDeliveryCommands(program, { io, finish });
  addPackageCommands(program, io, finish);
  addOperatorCommands(program, io, finish);
  program
    .command('exit-codes')
    .description('what the exit codes of the commands mean')
    .action(() => {
      for (const line of exitCodeTable()) io.out(line);
      finish(exitCodes.ok);
    })
    .addHelpText('after', `\n${exitCodeTable().join('\n')}`);
  return program;
}

function exitCodeTable(): string[] {
  return exitCodeMeanings.map(([code, meaning]) => `${String(code).padStart(3)}   ${meaning}`);
}

function version(): string {
  const { version: text } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return text;
}

function addServerCommands(program: Command, io: Io, finish: (code: ExitCode) => void): void {
  program
    .command('up')
    .description('start the embedded cluster: API server, forge, registry and every Sluice app in one process')
    .option('--data <directory>', 'data directory (default: SLUICE_HOME, else ~/.local/share/sluice)')
    .option(
      '--runtime <name>',
      'how pods run: auto, sandbox, process or containerd (default: SLUICE_RUNTIME, else auto)',
    )
    .option(
      '--cluster-only',
      'only the cluster, forge and registry: run the Sluice apps yourself against its kubeconfig',
    )
    .option('--api-port <port>', 'port of the Kubernetes API (default 7443; 0 = any)')
    .option('--forge-port <port>', 'port of git and the forge (default 7080)')
    .option('--registry-port <port>', 'port of the registry (default 7050)')
    .option('--receiver-port <port>', 'port of the webhook receiver (default 7070)')
    .option('--log-level <level>', 'debug, info, warn, error or silent (default warn)')
    .action(async (options) => finish(await (await import('./commands/up.ts')).upCommand(options, io)));
  program
    .command('down')
    .description('stop the embedded cluster')
    .option('--data <directory>', 'its data directory')
    .action(async (options) => finish(await (await import('./commands/down.ts')).downCommand(options, io)));
  program
    .command('demo')
    .description('play the story of a push, a broken pull request, a merge and a bad release on a cluster of its own')
    .option('--exit', 'stop when the story is over')
    .option('--keep', 'keep the data directory')
    .option('--runtime <name>', 'how pods run: auto, sandbox, process or containerd')
    .addOption(outputOption())
    .action(async (options) => finish(await (await import('./commands/demo.ts')).demoCommand(options, io)));
  const repo = program.command('repo').description('repositories of the local forge');
  withCluster(repo.command('add <name>'))
    .description('make a repository that starts pipelines')
    .option('--branch <name>', 'its default branch', 'main')
    .addOption(outputOption())
    .action(async (name, options) =>
      finish(await (await import('./commands/repo.ts')).repoAddCommand(name, options, io)),
    );
  withCluster(repo.command('url <name>'))
    .description('print the URL to push to, for: git remote add sluice "$(sluice repo url NAME)"')
    .action(async (name, options) =>
      finish(await (await import('./commands/repo.ts')).repoUrlCommand(name, options, io)),
    );
}

function addReadCommands(program: Command, io: Io, finish: (code: ExitCode) => void): void {
  withCluster(
    program
      .command('get')
      .addArgument(
        new Argument('<kind>', 'runs, releases, checks, repos or environments; or one run: its name or @latest'),
      )
      .addArgument(new Argument('[name]', 'one run, after the word run')),
  )
    .description('list runs, releases, checks, repos or environments, or show one run with its steps')
    .option('-A, --all-namespaces', 'in every namespace')
    .option('--repository <name>', 'only of this repository')
    .option('--sha <commit>', 'only of this commit')
    .addOption(outputOption())
    .action(async (kind, name, options) =>
      finish(await (await import('./commands/get.ts')).getCommand(kind, name, options, io)),
    );
  withCluster(
    program
      .command('logs')
      .addArgument(new Argument('<run>', 'its name, the beginning of it, its commit, or @latest'))
      .addArgument(new Argument('[step]', 'one step only')),
  )
    .description('logs of a run, or of one of its steps')
    .option('-f, --follow', 'wait for the run to begin and go on until it has ended')
    .option('--tail <lines>', 'only the last lines of each step')
    .option('--unmasked', 'show values of secrets as they were printed')
    .action(async (run, step, options) =>
      finish(await (await import('./commands/logs.ts')).logsCommand(run, step, options, io)),
    );
}

function addPackageCommands(program: Command, io: Io, finish: (code: ExitCode) => void): void {
  const collect = (value: string, all: string[]): string[] => [...all, value];
  const pack = program
    .command('package')
    .description('package an image or a chart and push it; what the package steps of a pipeline run');
  const common = (command: Command): Command =>
    command
      .option('--revision <commit>', 'commit that is packaged: names the tag, and its time is the time of the files')
      .option('--digest-file <path>', 'write the digest of what was pushed here');
  common(pack.command('image <include...>'))
    .description('an OCI image from files of the working directory, without a container engine')
    .requiredOption('--to <reference>', 'where to push it: host[:port]/name[:tag]')
    .option('--base <reference>', 'an image in a registry to lay the files over (default: none)')
    .option('--workdir <path>', 'where the files go, and where the command starts', '/app')
    .option('--command <word>', 'word of the command that the image runs (repeatable)', collect, [])
    .option('--env <name=value>', 'environment of the image (repeatable)', collect, [])
    .action(async (include, options) =>
      finish(await (await import('./commands/package.ts')).packageImageCommand({ ...options, include }, io)),
    );
  common(pack.command('chart <path>'))
    .description('a Helm chart')
    .requiredOption('--to <repository>', 'where to push it: oci://host[:port]/charts/name')
    .action(async (path, options) =>
      finish(await (await import('./commands/package.ts')).packageChartCommand({ ...options, path }, io)),
    );
}

function addOperatorCommands(program: Command, io: Io, finish: (code: ExitCode) => void): void {
  const operator = program.command('operator').description('operators of your own');
  operator
    .command('new <name>')
    .description('write a working operator to start from: kind, reconciler, rights, tests, image and chart')
    .option('--directory <path>', 'where to write it (default: a directory of that name)')
    .option('--group <domain>', 'API group of the kind (default: apps.example.com)')
    .option('--kind <name>', 'the kind (default: the name, as in Website)')
    .option('--no-install', 'leave npm install to me')
    .action(async (name, options) =>
      finish(await (await import('./commands/operator.ts')).operatorNewCommand(name, options, io)),
    );
  operator
    .command('vendor')
    .description('put the packages of Sluice into an operator, so that it stands on its own')
    .option('--directory <path>', 'of the operator (default: this one)')
    .action(async (options) =>
      finish(await (await import('./commands/operator.ts')).operatorVendorCommand(options, io)),
    );
}
