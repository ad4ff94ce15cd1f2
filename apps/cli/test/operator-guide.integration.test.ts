import { expect, test } from 'vitest';
import { playGuide } from './guide-player.ts';

test('every command of the guide to operators does what the guide says', { timeout: 240_000 }, async () => {
  expect(await playGuide('write-an-operator.md')).toBeGreaterThan(15);
});
