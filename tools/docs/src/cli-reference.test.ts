import { Command } from 'commander';
import { expect, test } from 'vitest';
import { cliReference } from './cli-reference.ts';

test('every command is shown with its arguments and options, and one with commands of its own only by these', () => {
  const program = new Command('tool');
  const group = program.command('group').description('not shown');
  group
    .command('do <thing>')
    .description('do it')
    .option('--fast <n>', 'sooner', '1')
    .requiredOption('--to <x>', 'where');
  const text = cliReference(program, [[0, 'done']]);
  expect(text).toContain('## `tool group do <thing>`\n\nDo it.');
  expect(text).toContain('| `--fast <n>` | sooner (default: `1`) |\n| `--to <x>` | where (required) |');
  expect(text).toContain('| 0 | done |');
  expect(text).not.toContain('not shown');
});
