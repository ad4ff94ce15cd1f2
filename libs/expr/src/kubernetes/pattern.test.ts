import { expect, test } from 'vitest';
import { compilePattern, compileRegex } from './pattern.ts';

test.for([
  { name: 'nested repetitions', pattern: '(a+)+$', text: `${'a'.repeat(100_000)}b` },
  { name: 'alternatives that overlap', pattern: '(a|aa)*b', text: 'a'.repeat(100_000) },
  { name: 'three greedy parts', pattern: '^(x+x+)+y$', text: 'x'.repeat(100_000) },
  { name: 'counted repetitions', pattern: '[a-z]{1,500}[b-z]{1,500}q', text: 'b'.repeat(100_000) },
])('a pattern with $name takes linear time', ({ pattern, text }) => {
  compilePattern(pattern)?.('warm');
  const started = performance.now();
  expect(compilePattern(pattern)?.(text)).toBe(false);
  expect(performance.now() - started).toBeLessThan(10_000);
});

test.for([
  ['x++', 'error parsing regexp: invalid nested repetition operator: `++`'],
  ['(?=a)', 'error parsing regexp: invalid or unsupported Perl syntax: `(?=`'],
  ['(a{1000}){1000}', 'error parsing regexp: invalid repeat count: `{1000}`'],
  ['a{1000}'.repeat(20), 'error parsing regexp: expression too large'],
])('%s is no pattern, as in Go', ([pattern = '', want]) => {
  expect(compileRegex(pattern)).toBe(want);
  expect(compilePattern(pattern)).toBeUndefined();
});

test.for([
  ['(?i)^AB$', 'ab', true],
  ['^[[:alpha:]]+$', 'abc', true],
  ['^\\d{3}$', '123', true],
  ['^\\p{Greek}+$', 'αβγ', true],
  ['(?P<year>\\d+)', 'year 2026', true],
  ['\\A\\z', 'x', false],
] as const)('%s on %s', ([pattern, text, want]) => {
  expect(compilePattern(pattern)?.(text)).toBe(want);
});
