import { expect, test } from 'vitest';
import { splitTarget } from './pull-choice.ts';

const branches = new Set(['main', 'release', 'release/1.x']);

test.for([
  { target: 'main', want: { branch: 'main' } },
  { target: 'main/fix', want: { branch: 'main', topic: 'fix' } },
  { target: 'main/a/b', want: { branch: 'main', topic: 'a/b' } },
  { target: 'release/1.x', want: { branch: 'release/1.x' } },
  { target: 'release/1.x/fix', want: { branch: 'release/1.x', topic: 'fix' } },
  { target: 'release/2', want: { branch: 'release', topic: '2' } },
  { target: 'mainline', want: undefined },
  { target: '', want: undefined },
])('refs/for/$target is understood', ({ target, want }) => {
  expect(splitTarget(target, branches)).toEqual(want);
});
