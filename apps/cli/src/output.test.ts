import { expect, test } from 'vitest';
import { wantsColour } from './io.ts';
import { formatDuration, formatTable, parseFormat } from './output.ts';

test.for([
  [850, '850ms'],
  [1_000, '1s'],
  [1_240, '1.2s'],
  [59_400, '59s'],
  [60_000, '1m'],
  [185_000, '3m5s'],
  [7_380_000, '2h3m'],
  [4 * 86_400_000, '4d'],
] as const)('%i ms reads %s', ([milliseconds, want]) => {
  expect(formatDuration(milliseconds)).toBe(want);
});

test('columns line up and no line ends in spaces', () => {
  expect(
    formatTable(
      ['NAME', 'PHASE', 'NOTE'],
      [
        ['a-long-name', 'Running', ''],
        ['b', 'Failed', 'x'],
      ],
    ),
  ).toEqual(['NAME          PHASE     NOTE', 'a-long-name   Running', 'b             Failed    x']);
});

test('an unknown format names the formats that exist', () => {
  expect(() => parseFormat('xml')).toThrow(/table, json, yaml or name/);
});

test('NO_COLOR wins over everything, FORCE_COLOR over a pipe', () => {
  expect(wantsColour({ NO_COLOR: '1', FORCE_COLOR: '1' }, true)).toBe(false);
  expect(wantsColour({ FORCE_COLOR: '1' }, false)).toBe(true);
  expect(wantsColour({}, false)).toBe(false);
});
