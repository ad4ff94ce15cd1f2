import type { Command } from 'commander';

/** The reference of the command line as Markdown: every command with its arguments and options, in the order of the help. */
export function cliReference(program: Command, exitCodes: readonly (readonly [number, string])[]): string {
  const codes = exitCodes.map(([value, meaning]) => `| ${value} | ${cell(meaning)} |`);
  return [
    ...leaves(program).map(section),
    '## Exit codes',
    ['| Code | Meaning |', '| --- | --- |', ...codes].join('\n'),
  ].join('\n\n');
}

type Leaf = { readonly words: string; readonly command: Command };

function leaves(command: Command, before = ''): Leaf[] {
  const words = `${before}${command.name()}`;
  if (command.commands.length === 0) return [{ words, command }];
  return command.commands.flatMap((inner) => leaves(inner, `${words} `));
}

function section({ words, command }: Leaf): string {
  const names = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  const parts = [`## \`${[words, ...names].join(' ')}\``, sentence(command.description())];
  const described = command.registeredArguments.filter(({ description }) => description !== '');
  const given = described.map((argument) => `| \`${argument.name()}\` | ${cell(argument.description)} |`);
  if (given.length > 0) parts.push(['| Argument | Meaning |', '| --- | --- |', ...given].join('\n'));
  const options = command.options.map(({ flags, description, mandatory, defaultValue }) => {
    const shown = typeof defaultValue === 'string' ? ` (default: \`${defaultValue}\`)` : mandatory ? ' (required)' : '';
    return `| \`${flags}\` | ${cell(description)}${shown} |`;
  });
  if (options.length > 0) parts.push(['| Option | Meaning |', '| --- | --- |', ...options].join('\n'));
  return parts.join('\n\n');
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
