import { compilePattern } from '../lang/operators.ts';
import type { HostFunction } from '../value.ts';
import { countOf, textOf } from './arguments.ts';

/** Sprig's functions over regular expressions, all in linear time. */
export const sprigRegex: Readonly<Record<string, HostFunction>> = {
  regexMatch: (pattern, value) => compilePattern(textOf(pattern)).matcher(textOf(value)).find(),
  regexFind: (pattern, value) => {
    const matcher = compilePattern(textOf(pattern)).matcher(textOf(value));
    return matcher.find() ? (matcher.group() ?? '') : '';
  },
  regexFindAll: (pattern, value, most) => {
    const matcher = compilePattern(textOf(pattern)).matcher(textOf(value));
    const found: string[] = [];
    while ((countOf(most) < 0 || found.length < countOf(most)) && matcher.find()) found.push(matcher.group() ?? '');
    return found;
  },
  regexReplaceAll: (pattern, value, to) =>
    compilePattern(textOf(pattern))
      .matcher(textOf(value))
      .replaceAll(textOf(to).replace(/\$\{(\w+)\}/g, '$$$1')),
  regexReplaceAllLiteral: (pattern, value, to) =>
    compilePattern(textOf(pattern)).matcher(textOf(value)).replaceAll(textOf(to).replace(/[\\$]/g, '\\$&')),
  regexSplit: (pattern, value, most) => split(textOf(pattern), textOf(value), countOf(most)),
  regexQuoteMeta: (value) => textOf(value).replace(/[\\.+*?()|[\]{}^$]/g, '\\$&'),
};

/** Parts between the matches; at most `most` of them where that is not negative. */
function split(pattern: string, value: string, most: number): string[] {
  if (most === 0) return [];
  if (value === '') return [''];
  const matcher = compilePattern(pattern).matcher(value);
  const parts: string[] = [];
  let from = 0;
  while ((most < 0 || parts.length < most - 1) && matcher.find()) {
    const [start, end] = [matcher.start(), matcher.end()];
    if (end === 0) continue;
    if (start === value.length && start === end) break;
    parts.push(value.slice(from, start));
    from = end;
  }
  return [...parts, value.slice(from)];
}
