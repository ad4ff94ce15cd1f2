import { expect, test } from 'vitest';
import { playSeed } from './play-seed.ts';

test.for(Array.from({ length: 100 }, (_, index) => index + 1))('seed %i holds every invariant and ends', (seed) => {
  expect(playSeed(seed).problems).toEqual([]);
});
