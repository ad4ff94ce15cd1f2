/** What a person asks for in a comment under a pull request. */
export type Command =
  | { readonly kind: 'approve'; readonly sha: string }
  | { readonly kind: 'test'; readonly pipeline?: string }
  | { readonly kind: 'retest' }
  | { readonly kind: 'cancel'; readonly pipeline?: string };

/** Commands of a comment, and for each line that looks like one and cannot be obeyed, why. */
export type ParsedComment = { readonly commands: readonly Command[]; readonly refusals: readonly string[] };

const maxCommands = 10;
const maxLines = 2_000;
const commandLine = /^\/(ok-to-test|test|retest|cancel)(?:[ \t]+(.*))?$/;
const pipelineName = /^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/;

/**
 * The commands of a comment: lines of their own that begin with the slash. Lines in quotes and in code blocks command
 * nothing, so that answering with a quotation or showing an example repeats nothing. Pure; linear in the text.
 */
export function parseComment(body: string): ParsedComment {
  const commands: Command[] = [];
  const refusals: string[] = [];
  let fence: string | undefined;
  for (const line of body.slice(0, 65_536).split(/\r?\n/, maxLines)) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (mark !== undefined) {
      if (fence === undefined) fence = mark;
      else if (mark.startsWith(fence)) fence = undefined;
      continue;
    }
    const found = fence === undefined ? commandLine.exec(line.trimEnd()) : null;
    if (!found) continue;
    const parsed = parseCommand(found[1] ?? '', (found[2] ?? '').trim());
    if (typeof parsed === 'string') refusals.push(parsed);
    else commands.push(parsed);
    if (commands.length + refusals.length >= maxCommands) break;
  }
  return { commands, refusals };
}

/** The command, or what is wrong with it. */
function parseCommand(word: string, argument: string): Command | string {
  const shown = JSON.stringify(argument.slice(0, 60));
  if (word === 'ok-to-test') {
    if (/^[0-9a-f]{40}$/.test(argument)) return { kind: 'approve', sha: argument };
    return argument === ''
      ? '/ok-to-test needs the full id of the commit that you have read: /ok-to-test <40 hex digits>'
      : `/ok-to-test takes one full commit id of 40 hex digits, not ${shown}`;
  }
  if (word === 'retest') {
    return argument === '' ? { kind: 'retest' } : `/retest runs all that failed again and takes no ${shown}`;
  }
  const kind = word === 'cancel' ? 'cancel' : 'test';
  if (argument === '') return { kind };
  return pipelineName.test(argument)
    ? { kind, pipeline: argument }
    : `/${word} takes the name of one pipeline, not ${shown}`;
}
