import { type Command, Option } from 'commander';

/** `--output` of every command that shows something. */
export const outputOption = (): Option => new Option('-o, --output <format>', 'table, json, yaml or name');

/** Options that say which cluster a command talks to. */
export function withCluster(command: Command): Command {
  return command
    .option('--kubeconfig <path>', 'kubeconfig of the cluster (default: KUBECONFIG, else the embedded cluster)')
    .option(
      '--data <directory>',
      'data directory of the embedded cluster (default: SLUICE_HOME, else ~/.local/share/sluice)',
    )
    .option('-n, --namespace <name>', 'namespace (default: default)');
}
