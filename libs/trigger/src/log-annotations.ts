import type { CheckAnnotation } from '@sluice/model';
import { plainLines, reportLimits } from './report-text.ts';

const longestLine = 4_096;
const maxLines = 20_000;
const longestPath = 1_024;
const longestMessage = 2_000;

/**
 * Remarks about places of the commit that a step printed: `::error file=a.js,line=3::message`, `a.js:3:14: message` and
 * `a.ts(3,14): message`. Paths are those of the repository; each place and message once, errors first, at most fifty. Pure.
 */
export function annotationsOf(log: string): readonly CheckAnnotation[] {
  const found = new Map<string, CheckAnnotation>();
  for (const line of plainLines(log, maxLines)) {
    const annotation = line.length > longestLine ? undefined : (readCommand(line) ?? readPlace(line));
    if (!annotation) continue;
    const { path, startLine, message } = annotation;
    const key = `${path}:${startLine}:${message}`;
    if (!found.has(key)) found.set(key, annotation);
  }
  return firstOf([...found.values()]);
}

/** As many as a check holds: errors before warnings before notices. */
export function firstOf(annotations: readonly CheckAnnotation[]): readonly CheckAnnotation[] {
  const rank = { failure: 0, warning: 1, notice: 2 };
  return annotations.toSorted((a, b) => rank[a.level] - rank[b.level]).slice(0, reportLimits.annotations);
}

const levels: Readonly<Record<string, CheckAnnotation['level']>> = {
  error: 'failure',
  warning: 'warning',
  notice: 'notice',
};

/** A workflow command of GitHub Actions, which many tools print. */
function readCommand(line: string): CheckAnnotation | undefined {
  const [, word = '', parameters = '', text = ''] =
    /^::(error|warning|notice) ([^:]*(?::[^:]+)*?)::(.*)$/.exec(line) ?? [];
  const level = levels[word];
  if (!level) return undefined;
  const values = new Map(
    parameters.split(',', 20).map((pair): [string, string] => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at).trim(), unescapeCommand(pair.slice(at + 1))];
    }),
  );
  const path = repositoryPath(values.get('file') ?? '');
  if (path === undefined) return undefined;
  const number = (name: string): number | undefined => positive(values.get(name));
  const startLine = number('line') ?? 1;
  const endLine = Math.max(startLine, number('endLine') ?? startLine);
  const column = number('col');
  const title = values.get('title');
  return {
    path,
    startLine,
    endLine,
    ...(column !== undefined && startLine === endLine
      ? { startColumn: column, endColumn: number('endColumn') ?? column }
      : {}),
    level,
    ...(title ? { title: title.slice(0, 255) } : {}),
    message: unescapeCommand(text).slice(0, longestMessage) || word,
  };
}

function unescapeCommand(text: string): string {
  return text.replaceAll(/%(0A|0D|25|3A|2C)/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

/** `path:line[:column]: message` as compilers print it, or `path(line,column): message`. */
const colons = /^\s*([^\s:()"'`<>|]+):([1-9]\d{0,6})(?::([1-9]\d{0,5}))?:?\s+(\S.*)$/;
const brackets = /^\s*([^\s:()"'`<>|]+)\(([1-9]\d{0,6}),([1-9]\d{0,5})\):?\s+(\S.*)$/;

function readPlace(line: string): CheckAnnotation | undefined {
  const [, given = '', row, column, message = ''] = colons.exec(line) ?? brackets.exec(line) ?? [];
  const path = looksLikeFile(given) ? repositoryPath(given) : undefined;
  const startLine = positive(row);
  if (path === undefined || startLine === undefined) return undefined;
  const startColumn = positive(column);
  return {
    path,
    startLine,
    endLine: startLine,
    ...(startColumn === undefined ? {} : { startColumn, endColumn: startColumn }),
    level: levelOf(message),
    message: message.slice(0, longestMessage),
  };
}

function levelOf(message: string): CheckAnnotation['level'] {
  if (/^(?:\[?warn(?:ing)?\b)/i.test(message)) return 'warning';
  return /^(?:note|info)\b/i.test(message) ? 'notice' : 'failure';
}

/** Names of hosts end like files do. */
const hostEndings = /\.(?:com|org|net|io|dev|local|internal|svc|test)$/i;

/** A name with an extension; `12:30:45: text` and `localhost:80: text` are none. */
function looksLikeFile(text: string): boolean {
  if (!/\.[A-Za-z][A-Za-z0-9]{0,9}$/.test(text)) return false;
  return text.includes('/') ? !/^[a-z]+:?\/\//i.test(text) : !hostEndings.test(text);
}

const checkout = '/workspace/src/';

/** The path in the repository; undefined for one that leads elsewhere. */
export function repositoryPath(given: string): string | undefined {
  const inside = given.startsWith(checkout)
    ? given.slice(checkout.length)
    : given.replace(/^file:\/\/\/workspace\/src\//, '');
  const path = inside.replace(/^(?:\.\/)+/, '');
  if (path === '' || path.length > longestPath || path.startsWith('/') || path.includes('\\')) return undefined;
  return path.split('/').includes('..') || /^[a-z]+:/i.test(path) ? undefined : path;
}

function positive(text: string | undefined): number | undefined {
  const value = Number(text);
  return Number.isSafeInteger(value) && value > 0 ? value : undefined;
}
