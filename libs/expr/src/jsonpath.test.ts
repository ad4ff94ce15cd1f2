import { expect, test } from 'vitest';
import { queryJsonPath } from './jsonpath.ts';
import { fromJson, type Value } from './value.ts';

const shop = fromJson({
  books: [
    { title: 'a', price: 8, tags: ['x'] },
    { title: 'b', price: 12 },
  ],
  limit: 10,
});

test.for<readonly [string, Value]>([
  ['$.books[?(@.price < 10)].title', ['a']],
  ['$.books[?(@.price > $.limit && @.title == "b")].title', ['b']],
  ['$.books[?(!@.tags)].title', ['b']],
  ['$.books[(@.length-1)].title', 'b'],
  ['$.books[?(@.price * 2 == 16)].title', ['a']],
  ['$..title', ['a', 'b']],
])('%s', ([path, want]) => {
  expect(queryJsonPath(shop, path)).toEqual(want);
});

test.for(['$.books[?(@.price <)]', '$.books[?(', '$.books[?(@.price == 1 1)]', 'books'])('%s is refused', (path) => {
  expect(() => queryJsonPath(shop, path)).toThrow(/invalid JSONPath/);
});

test('a path that selects more than memory holds is refused', () => {
  let deep: Value = 1n;
  for (let depth = 0; depth < 3_000; depth++) deep = [deep, 0n];
  const startedAt = performance.now();
  expect(() => queryJsonPath(deep, '$..*..*..*')).toThrow(/too many values/);
  expect(performance.now() - startedAt).toBeLessThan(5_000);
});
