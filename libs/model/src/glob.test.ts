import { expect, test } from 'vitest';
import { matchesAnyGlob, matchesGlob, parseGlob } from './glob.ts';

function matches(pattern: string, text: string): boolean {
  const glob = parseGlob(pattern);
  if (!glob.ok) throw new Error(glob.message);
  return matchesGlob(glob.value, text);
}

const cases: { pattern: string; yes: string[]; no: string[] }[] = [
  { pattern: 'main', yes: ['main'], no: ['main2', 'amain', 'Main', 'x/main', ''] },
  { pattern: 'release-*', yes: ['release-1', 'release-'], no: ['release-1/x', 'release'] },
  { pattern: 'release/**', yes: ['release/1', 'release/1/2', 'release/'], no: ['release', 'xrelease/1'] },
  { pattern: '**', yes: ['a', 'a/b', ''], no: [] },
  { pattern: '**/*.ts', yes: ['a.ts', 'src/a.ts', 'src/b/c.ts'], no: ['a.js', 'a.ts/x'] },
  { pattern: 'src/**/test/*.ts', yes: ['src/test/a.ts', 'src/x/y/test/a.ts'], no: ['src/xtest/a.ts', 'srctest/a.ts'] },
  { pattern: '**/a/**/b', yes: ['a/b', 'x/a/b', 'a/y/b', 'x/a/y/z/b'], no: ['ab', 'xa/b', 'a/xb'] },
  { pattern: 'v?.[0-9]*', yes: ['v1.0', 'v2.45'], no: ['v12.0', 'v1.x', 'v/.1'] },
  { pattern: '[!a-c]x', yes: ['dx', '-x'], no: ['ax', 'cx', '/x'] },
  {
    pattern: '{main,release/{1,2}.x}',
    yes: ['main', 'release/1.x', 'release/2.x'],
    no: ['release/3.x', 'main,release'],
  },
  { pattern: 'a\\*b', yes: ['a*b'], no: ['axb', 'a\\*b'] },
  { pattern: '[]]', yes: [']'], no: ['[', 'a'] },
  { pattern: '$(id).+^', yes: ['$(id).+^'], no: ['id'] },
];
test.for(cases)('$pattern takes in what it should and nothing else', ({ pattern, yes, no }) => {
  expect(yes.filter((text) => !matches(pattern, text))).toEqual([]);
  expect(no.filter((text) => matches(pattern, text))).toEqual([]);
});

test.for([
  { pattern: '', want: 'the pattern is empty' },
  { pattern: '[ab', want: '"[" is not closed by "]"' },
  { pattern: '{a,b', want: '"{" is not closed by "}"' },
  { pattern: 'a}', want: '"}" closes no "{"' },
  { pattern: '[z-a]', want: 'the range "z-a" runs backwards' },
  { pattern: 'a\\', want: 'the pattern ends in "\\", which takes the next character as it is' },
  { pattern: '{a,b}'.repeat(7), want: 'the braces stand for more than 64 patterns' },
  { pattern: 'a'.repeat(513), want: 'the pattern is longer than 512 characters' },
])('refuses $pattern and says why', ({ pattern, want }) => {
  expect(parseGlob(pattern)).toEqual({ ok: false, message: want });
});

test('the last pattern of a list that matches decides', () => {
  expect(matchesAnyGlob(['**', '!docs/**', 'docs/api/**'], 'docs/api/x.md')).toBe(true);
  expect(matchesAnyGlob(['**', '!docs/**', 'docs/api/**'], 'docs/x.md')).toBe(false);
  expect(matchesAnyGlob(['!docs/**'], 'src/a.ts')).toBe(true);
  expect(matchesAnyGlob([], 'main')).toBe(false);
});

test('a hostile pattern costs at most pattern times text', () => {
  const hostile = [
    '*a'.repeat(200) + 'b',
    '**/'.repeat(100) + 'x',
    '*'.repeat(400) + 'b',
    '**a**a**a**a**a**a**a**a**b',
  ];
  const started = performance.now();
  for (const pattern of hostile) expect(matches(pattern, 'a'.repeat(4_000))).toBe(false);
  for (const pattern of hostile) expect(matches(pattern, 'a/'.repeat(2_000))).toBe(false);
  expect(performance.now() - started).toBeLessThan(10_000);
});

test('many nested braces are refused before they are expanded', () => {
  const started = performance.now();
  expect(parseGlob('{a,b}'.repeat(100)).ok).toBe(false);
  expect(parseGlob('{'.repeat(250) + '}'.repeat(250)).ok).toBe(false);
  expect(performance.now() - started).toBeLessThan(10_000);
});
