import { expect, test } from 'vitest';
import { makeTemplate } from './builders.ts';
import { resolveIntOrPercent } from './int-or-percent.ts';
import { parseQuantity } from './quantity.ts';
import { sameTemplate, templateHash } from './template-hash.ts';

test('the hash depends on the template alone, not on the order of its fields or the hash label', () => {
  const template = makeTemplate();
  const labelled = { spec: template.spec ?? {}, metadata: { labels: { 'pod-template-hash': 'x', app: 'a' } } };
  expect(templateHash(labelled)).toBe(templateHash(template));
  expect(sameTemplate(labelled, template)).toBe(true);
  expect(templateHash(makeTemplate('app:2'))).not.toBe(templateHash(template));
  expect(templateHash(template, 1)).not.toBe(templateHash(template));
  expect(templateHash(template)).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{1,10}$/);
});

test.for([
  ['25%', 10, 'up', 3],
  ['25%', 10, 'down', 2],
  ['0%', 10, 'up', 0],
  [4, 10, 'up', 4],
  ['7', 10, 'up', 7],
  ['much', 10, 'up', 0],
] as const)('%j of %i rounded %s is %i', ([value, total, round, want]) => {
  expect(resolveIntOrPercent(value, total, round)).toBe(want);
});

test.for([
  ['100m', 0.1],
  ['2', 2],
  ['1.5Gi', 1.5 * 1_024 ** 3],
  ['12e6', 12_000_000],
  ['5k', 5_000],
  ['1E', 1e18],
  ['lots', 0],
] as const)('%s is %d', ([text, want]) => {
  expect(parseQuantity(text)).toBeCloseTo(want, 6);
});
