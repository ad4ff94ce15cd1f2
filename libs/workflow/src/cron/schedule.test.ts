import { expect, test } from 'vitest';
import { formatTime } from '../pass.ts';
import { upcomingTimes } from './decide-cron.ts';
import { nextTime } from './next-time.ts';
import { parseSchedule } from './parse-schedule.ts';

function times(schedule: string, after: string, count: number, timezone?: string): readonly string[] {
  const spec = { schedules: [schedule], ...(timezone ? { timezone } : {}) };
  return upcomingTimes(spec, Date.parse(after), count).map(formatTime);
}

test.for([
  ['* * * *', 'expected exactly 5 fields, found 4: [* * * *]'],
  ['', 'empty spec string'],
  ['60 * * * *', 'end of range (60) above maximum (59): 60'],
  ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
  ['5-1 * * * *', 'beginning of range (5) beyond end of range (1): 5-1'],
  ['*/0 * * * *', 'step of range should be a positive number: */0'],
  ['1/2/3 * * * *', 'too many slashes: 1/2/3'],
  ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
  ['x * * * *', 'failed to parse int from x: invalid syntax'],
  ['@noon', 'unrecognized descriptor: @noon'],
  ['@every soon', 'failed to parse duration @every soon'],
] as const)('%s is malformed: %s', ([schedule, message]) => {
  expect(parseSchedule(schedule)).toEqual({ ok: false, message });
});

test('a time that the clock skips does not come, one that it repeats comes twice', () => {
  expect(times('30 2 * * *', '2026-03-28T12:00:00Z', 2, 'Europe/Berlin')).toEqual([
    '2026-03-30T00:30:00Z',
    '2026-03-31T00:30:00Z',
  ]);
  expect(times('30 2 * * *', '2026-10-24T12:00:00Z', 3, 'Europe/Berlin')).toEqual([
    '2026-10-25T00:30:00Z',
    '2026-10-25T01:30:00Z',
    '2026-10-26T01:30:00Z',
  ]);
});

test('a zone that shifts by half an hour, and one that jumps over a day', () => {
  expect(times('45 1 * * *', '2026-04-04T00:00:00Z', 2, 'Australia/Lord_Howe')).toEqual([
    '2026-04-04T14:45:00Z',
    '2026-04-04T15:15:00Z',
  ]);
  expect(times('0 12 30 12 *', '2011-12-01T00:00:00Z', 1, 'Pacific/Apia')).toEqual(['2012-12-29T22:00:00Z']);
});

test('a zone may stand before the schedule, and @every counts from the last time', () => {
  expect(times('CRON_TZ=Asia/Tokyo 0 9 * * *', '2026-01-01T00:00:00Z', 1)).toEqual(['2026-01-02T00:00:00Z']);
  expect(times('@every 90m', '2026-01-01T00:00:00Z', 2)).toEqual(['2026-01-01T01:30:00Z', '2026-01-01T03:00:00Z']);
});

test('a day that never comes is not searched for ever', () => {
  const parsed = parseSchedule('0 0 30 2 *');
  if (!parsed.ok) throw new Error(parsed.message);
  expect(nextTime(parsed.schedule, 0)).toBeUndefined();
});
