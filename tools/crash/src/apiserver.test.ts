import { expect, test } from 'vitest';
import { crashApiServer } from './apiserver.ts';
import { tearLastCommit } from './torn-write.ts';
import { brokenHistory, brokenPromises, parsePromises, type Stored } from './promises.ts';

const object = (name: string, resourceVersion: string, data: Record<string, string> = {}): Stored => ({
  metadata: { name, resourceVersion },
  data: { filler: 'xx', size: '2', ...data },
});

test('kills under load break no promise (a sample)', { timeout: 120_000 }, async () => {
  const report = await crashApiServer({ rounds: 4, seed: 7 });
  expect(report.problems).toEqual([]);
  expect(report.kills).toBe(4);
  expect(report.promises).toBeGreaterThan(0);
});

test('a file that is torn anywhere in its last commit has that commit whole or not at all (a sample)', async () => {
  const { files, complete, problems } = await tearLastCommit({ step: 200 });
  expect(problems).toEqual([]);
  expect(files).toBeGreaterThan(50);
  expect(complete).toBeGreaterThan(0);
});

test('the check sees a lost write, a deletion that came back, a torn object and a version that went back', () => {
  const lines = parsePromises('created a 5\npatched b 6\ndeleted c 0\ncreated d 9\ncut o');
  expect(brokenPromises(lines, [object('b', '6'), object('c', '3'), object('d', '9', { size: '7' })], 8)).toEqual([
    'a was created and is lost',
    'the patch of b is lost',
    'c was deleted and is back',
    'version 9 was given out, now the newest is 8',
    'd is torn',
  ]);
});

test('the check sees a watch that skips, repeats or turns back', () => {
  const before = [object('a', '1')];
  const seen = [
    { type: 'ADDED', name: 'b', version: 3 },
    { type: 'ADDED', name: 'b', version: 2 },
  ];
  expect(brokenHistory(before, [object('b', '3'), object('c', '4')], seen)).toEqual([
    'the watch went back from version 3 to 2',
    'the watch said ADDED of b, which was there',
    'the watch left b at 2, it is at 3',
    'the watch left c at nothing, it is at 4',
    'the watch never deleted a',
  ]);
});
