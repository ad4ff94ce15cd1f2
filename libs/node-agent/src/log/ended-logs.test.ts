import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makePod } from '../testing/pod-builder.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { EndedLogs } from './ended-logs.ts';

const limits = { pods: 2, bytes: 100, ageMs: 1_000 };

function setUp() {
  const directory = temporaryDirectory();
  const clock = { now: 1_000_000 };
  const ended = new EndedLogs(join(directory, 'logs'), () => clock.now, limits);
  const keep = async (name: string, size: number): Promise<void> => {
    const logs = join(directory, name);
    mkdirSync(logs);
    writeFileSync(join(logs, 'main.log'), 'x'.repeat(size));
    clock.now += 100;
    await ended.keep(makePod(name).build(), logs);
    await ended.sweep();
  };
  const names = (): string[] =>
    readdirSync(join(directory, 'logs'))
      .map((entry) => entry.split('_')[1] ?? '')
      .toSorted();
  return { directory, clock, ended, keep, names };
}

test('the log of a pod that is gone is kept under its name', async () => {
  const { directory, keep } = setUp();
  await keep('a', 3);
  const [place = ''] = readdirSync(join(directory, 'logs'));
  expect(place).toMatch(/^default_a_/);
  expect(readFileSync(join(directory, 'logs', place, 'main.log'), 'utf8')).toBe('xxx');
});

test('the newest stay: as many, as large and as old as they may be', async () => {
  const { keep, names, clock, ended } = setUp();
  for (const name of ['a', 'b', 'c']) await keep(name, 10);
  expect(names()).toEqual(['b', 'c']);
  await keep('d', 95);
  expect(names()).toEqual(['d']);
  clock.now += 2_000;
  await ended.sweep();
  expect(names()).toEqual([]);
});

test('a pod without logs is nothing to keep', async () => {
  const { directory, ended, names } = setUp();
  await ended.keep(makePod('none').build(), join(directory, 'nowhere'));
  expect(names()).toEqual([]);
});
