import { expect, test } from 'vitest';
import { builtinType } from '../kinds/builtin-types.ts';
import { PatchError } from './patch-error.ts';
import { createTwoWayPatch } from './strategic-create.ts';
import { strategicMergePatch } from './strategic-merge.ts';

const pod = builtinType('v1', 'Pod');
const original = {
  spec: {
    containers: [
      { name: 'a', image: '1', args: ['x'] },
      { name: 'b', image: '1' },
    ],
  },
};

test('merges containers by name and replaces plain lists', () => {
  const patch = { spec: { containers: [{ name: 'a', args: ['y'] }] } };
  expect(strategicMergePatch(pod, original, patch)).toEqual({
    spec: {
      containers: [
        { name: 'a', image: '1', args: ['y'] },
        { name: 'b', image: '1' },
      ],
    },
  });
});

test('deletes an item by directive', () => {
  const patch = { spec: { containers: [{ name: 'a', $patch: 'delete' }] } };
  expect(strategicMergePatch(pod, original, patch)).toEqual({ spec: { containers: [{ name: 'b', image: '1' }] } });
});

test('refuses an item without its merge key', () => {
  expect(() => strategicMergePatch(pod, original, { spec: { containers: [{ image: '2' }] } })).toThrow(PatchError);
});

test('never changes its arguments', () => {
  const before = JSON.stringify(original);
  strategicMergePatch(pod, original, { spec: { containers: [{ name: 'a', image: null }], nodeName: 'n' } });
  expect(JSON.stringify(original)).toBe(before);
});

test('a patch made from two versions leads from one to the other', () => {
  const modified = {
    spec: {
      containers: [
        { name: 'c', image: '3' },
        { name: 'a', image: '2', args: ['x'] },
      ],
    },
  };
  const patch = createTwoWayPatch(pod, original, modified);
  expect(strategicMergePatch(pod, original, patch)).toEqual(modified);
});

test('a key named __proto__ stays a key', () => {
  const patch = JSON.parse('{"metadata":{"labels":{"__proto__":"x"}}}');
  const merged = strategicMergePatch(pod, { metadata: { labels: {} } }, patch);
  expect(JSON.stringify(merged)).toBe('{"metadata":{"labels":{"__proto__":"x"}}}');
  expect(({} as Record<string, unknown>)['x']).toBeUndefined();
});
