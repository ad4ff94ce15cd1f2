/** Limits of GitHub's API, the narrowest of the forges that we report to. */
export const reportLimits = Object.freeze({ text: 65_535, title: 255, description: 140, annotations: 50, rows: 100 });

/** Replaces what must not be shown. Applied to every text that comes from a run. */
export type Mask = (text: string) => string;

/** The text, cut at `max` UTF-16 units with a mark that it was cut. Never cuts a character in two. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  const head = text.slice(0, max - 1);
  return `${/[\uD800-\uDBFF]$/.test(head) ? head.slice(0, -1) : head}…`;
}

/** Text from elsewhere as plain Markdown: nothing in it formats, links, mentions or breaks out of a table cell. */
export function escapeMarkdown(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line
    .replaceAll(/[&<>]/g, (char) => ({ '&': '&amp;', '<': '&lt;' })[char] ?? '&gt;')
    .replaceAll(/[\\`*_~|[\]#!@]/g, '\\$&');
}

/** A table; rows past the limit are counted instead of shown. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const shown = rows.slice(0, reportLimits.rows).map(line);
  const rest = rows.length - shown.length;
  const table = [line(head), line(head.map(() => '---')), ...shown].join('\n');
  return rest > 0 ? `${table}\n\n${rest} more are not shown.` : table;
}

/** The end of a log as a Markdown code block of at most `max` characters; escape sequences and control characters removed. */
export function logBlock(log: string, max: number): string {
  const clean = stripControls(log).trimEnd();
  const fence = '`'.repeat(Math.max(3, longestRun(clean, '`') + 1));
  const room = max - 2 * fence.length - 10;
  const tail = clean.length > room ? `…\n${clean.slice(clean.length - room)}` : clean;
  return `${fence}text\n${tail}\n${fence}`;
}

/** The first lines of a log without escape sequences and control characters. */
export function plainLines(log: string, max: number): readonly string[] {
  return stripControls(log).split('\n', max);
}

const escapeChar = '\u001B';
const escapeSequence = new RegExp(
  `${escapeChar}(?:\\[[0-?]*[ -/]*[@-~]|\\][^\u0007${escapeChar}]{0,500}(?:\u0007|${escapeChar}\\\\)|[@-Z\\\\-_])`,
  'g',
);

function stripControls(text: string): string {
  const plain = text.replaceAll(escapeSequence, '').replaceAll(/\r\n?/g, '\n');
  return Array.from(plain)
    .filter((char) => (char >= ' ' ? char !== '\u007F' : char === '\n' || char === '\t'))
    .join('');
}

function longestRun(text: string, char: string): number {
  let longest = 0;
  let run = 0;
  for (const each of text) {
    run = each === char ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return longest;
}

/** The time between two RFC 3339 times for people: `under 1 s`, `850 ms`, `12.3 s`, `4 min 5 s`, `2 h 3 min`. Empty when unknown. */
export function formatElapsed(from: string | undefined, to: string | undefined): string {
  const ms = Date.parse(to ?? '') - Date.parse(from ?? '');
  if (!Number.isFinite(ms) || ms < 0) return '';
  if (ms === 0) return 'under 1 s'; // the API's times are whole seconds
  if (ms < 1_000) return `${ms} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1).replace(/\.0$/, '')} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
}
