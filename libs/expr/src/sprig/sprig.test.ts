import { expect, test } from 'vitest';
import { argoEnvironment } from '../argo-functions.ts';
import { evaluateExpression } from '../program.ts';
import type { Value } from '../value.ts';
import type { SprigHost } from './sprig.ts';

const host = { now: Date.UTC(2024, 4, 6, 7, 8, 9), random: () => 0.5 };
const value = (source: string, given?: SprigHost): Value | string => {
  const result = evaluateExpression(source, argoEnvironment([], given));
  return result.ok ? result.value : result.message;
};

test.for<readonly [string, Value]>([
  ['sprig.sha1sum("abc")', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
  ['sprig.sha256sum("abc")', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  [
    'sprig.sha512sum("abc")',
    'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
  ],
  ['sprig.adler32sum("Wikipedia")', '300286872'],
  ['sprig.b32dec(sprig.b32enc("hello!"))', 'hello!'],
  ['sprig.date("2006-01-02 15:04", sprig.now())', '2024-05-06 07:08'],
  ['sprig.semverCompare("~1.2 || >=3.0.0-rc.1", "3.0.0-rc.2")', true],
  ['sprig.semverCompare("^0.2.3", "0.3.0")', false],
  ['sprig.regexSplit("[,;]", "a,b;c", -1)', ['a', 'b', 'c']],
  ['sprig.addf(0.1, 0.2)', 0.3],
  ['sprig.divf(1, 3)', 0.3333333333333333],
  ['sprig.dir("/a/b/../c.txt")', '/a'],
  ['sprig.durationRound("50h")', '2d'],
  ['len(sprig.randAlphaNum(12))', 12n],
  ['sprig.mustToRawJson({a: "<"})', '{"a":"<"}'],
])('%s', ([source, want]) => {
  expect(value(source, host)).toEqual(want);
});

test('a function that is called with too few or too many arguments is refused', () => {
  expect(value('sprig.upper("a", "b")')).toMatch(/expected 1, got 2/);
});

test('functions that need the host are refused where there is none', () => {
  expect(value('sprig.now()')).toMatch(/the time cannot be had here/);
  expect(value('sprig.uuidv4()')).toMatch(/random numbers cannot be had here/);
});
