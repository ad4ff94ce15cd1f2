import { expect, test } from 'vitest';
import { duplicateFields } from './duplicate-fields.ts';

test.for([
  { text: '{"a":1,"b":{"a":2}}', want: [] },
  { text: '{"a":1,"a":2,"a":3}', want: ['a'] },
  { text: '{"spec":{"x":[{"n":1},{"n":1,"m":{},"n":2}],"y":1,"y":"{"}}', want: ['spec.x[1].n', 'spec.y'] },
  { text: '{"a":"\\"a\\":1,","\\u0061":[1,[2,{"b":1,"b":2}]]}', want: ['a', 'a[1][1].b'] },
  { text: '[{"a":1},{"a":1}]', want: [] },
  { text: '7', want: [] },
])('$text sets $want twice', ({ text, want }) => {
  expect(duplicateFields(text)).toEqual(want);
});

test('a long list of duplicates is cut off, deep nesting overflows nothing', () => {
  const many = `{${Array.from({ length: 5_000 }, (_, index) => `"k${index}":1,"k${index}":2`).join(',')}}`;
  expect(duplicateFields(many)).toHaveLength(50);
  expect(duplicateFields(`${'['.repeat(900)}${']'.repeat(900)}`)).toEqual([]);
});
