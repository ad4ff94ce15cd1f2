import { describe, expect, test } from 'vitest';
import {
  formatLabelSelector,
  matchesLabelSelector,
  matchesRequirements,
  parseLabelSelector,
  SelectorError,
} from './label-selector.ts';

describe('a selector', () => {
  const labels = { app: 'web', tier: 'front', 'example.com/x': '', constructor: 'yes' };
  test.for([
    ['', true],
    ['app=web', true],
    ['app==web,tier!=back', true],
    ['app!=web', false],
    ['missing!=web', true],
    ['app in (api, web)', true],
    ['app notin (api,db)', true],
    ['missing notin (a)', true],
    ['app', true],
    ['!app', false],
    ['!missing', true],
    ['example.com/x=', true],
    ['toString', false],
    ['constructor=yes', true],
  ] as const)('%j decides %j', ([text, want]) => {
    expect(matchesRequirements(parseLabelSelector(text), labels)).toBe(want);
  });

  test.for(['app in (a', 'a=b=c', '=b', 'a b', 'app in a'])('%j is refused', (text) => {
    expect(() => parseLabelSelector(text)).toThrow(SelectorError);
  });
});

test('a selector object means the same as its text', () => {
  const selector = {
    matchLabels: { app: 'web' },
    matchExpressions: [
      { key: 'tier', operator: 'NotIn', values: ['back', 'db'] },
      { key: 'gone', operator: 'DoesNotExist' },
    ],
  };
  const text = formatLabelSelector(selector);
  for (const labels of [{ app: 'web' }, { app: 'web', tier: 'db' }, { app: 'web', gone: '' }, {}]) {
    expect(matchesRequirements(parseLabelSelector(text), labels)).toBe(matchesLabelSelector(selector, labels));
  }
});

test('no selector selects nothing, an empty one everything', () => {
  expect(matchesLabelSelector(undefined, { a: 'b' })).toBe(false);
  expect(matchesLabelSelector({}, undefined)).toBe(true);
  expect(() => matchesLabelSelector({ matchExpressions: [{ key: 'a', operator: 'Like' }] }, {})).toThrow(SelectorError);
});
