import { RE2JS } from 're2js';

const maxPattern = 10_000;
const maxText = 1_000_000;
const maxRepeats = 10_000;
const maxCached = 1_000;
const cache = new Map<string, RE2JS | string>();

/**
 * A regular expression of a schema or a rule in Go's syntax, matched in linear time; the reason as text where it cannot be compiled.
 * Compiled expressions are kept.
 */
export function compileRegex(pattern: string): RE2JS | string {
  const known = cache.get(pattern);
  if (known !== undefined) return known;
  if (cache.size >= maxCached) cache.clear();
  const made = compile(pattern);
  cache.set(pattern, made);
  return made;
}

/**
 * A matcher for a pattern of an OpenAPI schema. undefined for a pattern that cannot be compiled; such a pattern
 * refuses nothing, the definition that holds it is refused instead. Very long texts never match.
 */
export function compilePattern(pattern: string): ((text: string) => boolean) | undefined {
  const expression = compileRegex(pattern);
  if (typeof expression === 'string') return undefined;
  return (text) => text.length <= maxText && expression.matcher(text).find();
}

function compile(pattern: string): RE2JS | string {
  if (pattern.length > maxPattern) return `error parsing regexp: expression longer than ${maxPattern} characters`;
  if (countRepeats(pattern) > maxRepeats) return 'error parsing regexp: expression too large';
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** How often counted repetitions write out what they repeat, at least: it bounds the size of the compiled program. */
export function countRepeats(pattern: string): number {
  let sum = 0;
  for (const [, low = '0', high = ''] of pattern.matchAll(/\{(\d{1,4})(?:,(\d{0,4}))?\}/gu))
    sum += Math.max(Number(low), Number(high));
  return sum;
}
