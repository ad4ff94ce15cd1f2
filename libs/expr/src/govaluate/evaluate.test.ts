import { expect, test } from 'vitest';
import { evaluateWhen } from './evaluate.ts';

test.for([
  ['foo == foo', true],
  ['heads == tails', false],
  ["'a b' == 'a b' && 3 >= 2", true],
  ['Succeeded in (Succeeded, Skipped)', true],
  ['abc =~ "^a"', true],
  ['!(true && false)', true],
  ['', true],
] as const)('%s is %s', ([source, want]) => {
  expect(evaluateWhen(source)).toEqual({ ok: true, value: want });
});

test.for(['foo', '1 +', 'my-value != x', "b' == 'a'", 'max(1, 2) == 2'])('%s is an error', (source) => {
  expect(evaluateWhen(source).ok).toBe(false);
});
