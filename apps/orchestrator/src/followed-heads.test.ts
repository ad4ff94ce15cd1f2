import fc from 'fast-check';
import { expect, test } from 'vitest';
import { followHeads } from './followed-heads.ts';
import { sha } from './testing.ts';

const head = (ref: string) => ({ ref, sha: sha('a') });

test('within the bound everything is followed', () => {
  const heads = [head('refs/tags/v1'), head('refs/heads/main')];
  expect(followHeads(heads, {}, 'main', 2)).toEqual({ followed: heads, left: 0 });
});

test('beyond it the default branch, what is recorded, pull requests and branches come before tags', () => {
  const refs = ['refs/tags/v1', 'refs/tags/old', 'refs/heads/x', 'refs/pull/3/head', 'refs/heads/main'];
  const { followed, left } = followHeads(refs.map(head), { 'refs/tags/old': sha('b') }, 'main', 3);
  expect(followed.map(({ ref }) => ref)).toEqual(['refs/heads/main', 'refs/tags/old', 'refs/pull/3/head']);
  expect(left).toBe(2);
});

test('what was followed and recorded is followed again, whatever order the forge lists it in', () => {
  const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(names, fc.integer({ min: 1, max: 10 }), (list, limit) => {
      const heads = list.map((name) => head(`refs/heads/${name}`));
      const first = followHeads(heads, {}, 'main', limit).followed;
      const recorded = Object.fromEntries(first.map(({ ref, sha: id }) => [ref, id]));
      const again = followHeads(heads.toReversed(), recorded, 'main', limit).followed;
      expect(new Set(again.map(({ ref }) => ref))).toEqual(new Set(first.map(({ ref }) => ref)));
    }),
  );
});
