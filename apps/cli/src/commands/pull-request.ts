import { type ForgeClient, forgeClient } from '@sluice/local';
import { type ClusterOptions, requireContext } from '../connect.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { formatAge, parseFormat, showListing } from '../output.ts';

type Pull = {
  readonly number: number;
  readonly title: string;
  readonly state: string;
  readonly branch: string;
  readonly headSha: string;
  readonly author: { readonly login: string };
  readonly updatedAt: string;
};

export type ListPullsOptions = ClusterOptions & { readonly all?: boolean; readonly output?: string };

/** `sluice pr list REPOSITORY`: pull requests of the local forge. */
export async function listPullsCommand(repository: string, options: ListPullsOptions, io: Io): Promise<ExitCode> {
  const format = parseFormat(options.output);
  const state = options.all ? 'all' : 'open';
  const pulls = (await forgeOf(options, io)('GET', `${path(repository)}/pulls?state=${state}`)) as readonly Pull[];
  showListing(io, format, {
    columns: ['NUMBER', 'STATE', 'INTO', 'HEAD', 'AUTHOR', 'AGE', 'TITLE'],
    rows: pulls.map(({ number, title, state: is, branch, headSha, author, updatedAt }) => {
      return [`#${number}`, is, branch, headSha.slice(0, 12), author.login, formatAge(updatedAt, io.now()), title];
    }),
    objects: pulls,
    names: pulls.map(({ number }) => String(number)),
    empty: `no ${options.all ? '' : 'open '}pull requests; open one with: git push sluice HEAD:refs/for/main`,
  });
  return exitCodes.ok;
}

/** `sluice pr comment REPOSITORY NUMBER TEXT`: commands on lines of their own are obeyed. */
export async function commentCommand(
  repository: string,
  options: ClusterOptions & { readonly number: string; readonly text: string },
  io: Io,
): Promise<ExitCode> {
  const number = parseNumber(options.number);
  await forgeOf(options, io)('POST', `${path(repository)}/pulls/${number}/comments`, { body: options.text });
  io.out(`commented on ${repository} #${number}`);
  return exitCodes.ok;
}

/** `sluice pr merge|close REPOSITORY NUMBER`. */
export async function endPullCommand(
  repository: string,
  options: ClusterOptions & { readonly number: string; readonly verb: 'merge' | 'close' },
  io: Io,
): Promise<ExitCode> {
  const { verb } = options;
  const number = parseNumber(options.number);
  const answer = await forgeOf(options, io)('POST', `${path(repository)}/pulls/${number}/${verb}`, {});
  const { sha } = answer as { readonly sha?: string };
  io.out(verb === 'merge' ? `merged ${repository} #${number} as ${sha ?? ''}` : `closed ${repository} #${number}`);
  return exitCodes.ok;
}

function forgeOf(options: ClusterOptions, io: Io): ForgeClient {
  return forgeClient(requireContext(io, options));
}

function path(repository: string): string {
  return `/repos/${encodeURIComponent(repository)}`;
}

function parseNumber(text: string): number {
  const number = Number(text.replace(/^#/, ''));
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new CommandError(exitCodes.usage, `${JSON.stringify(text)} is not the number of a pull request; write 1 or #1`);
}
