import type { Schedule } from './parse-schedule.ts';

const dayMs = 86_400_000;
/** Zones shift by less than this against what they were half a day before. */
const shiftMs = 15 * 3_600_000;
const maxDays = 5 * 366;

/** The first instant strictly after `after` at which a schedule is due; undefined when there is none within five years. */
export function nextTime(schedule: Schedule, after: number): number | undefined {
  if (schedule.kind === 'every') return Math.floor(after / 1_000) * 1_000 + schedule.milliseconds;
  const offset = zoneOffsetMs(schedule.timezone, after);
  const today = Math.floor((after + offset) / dayMs);
  // The day before: where the clock is set back over midnight, its last hour comes again.
  for (let day = today - 1; day <= today + maxDays; day++) {
    if (!isDue(schedule, day)) continue;
    const found = instantsOf(schedule, day).find((instant) => instant > after);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The first instant strictly after `after` at which one of several schedules is due. */
export function nextTimeOf(schedules: readonly Schedule[], after: number): number | undefined {
  const times = schedules.flatMap((schedule) => nextTime(schedule, after) ?? []);
  return times.length === 0 ? undefined : Math.min(...times);
}

type Fields = Extract<Schedule, { kind: 'fields' }>;

/** Whether a day of the local calendar, counted from 1970, is one of the schedule's. */
function isDue({ days, months, weekdays, bothDays }: Fields, day: number): boolean {
  const date = new Date(day * dayMs);
  if (!months.has(date.getUTCMonth() + 1)) return false;
  const [byDate, byWeekday] = [days.has(date.getUTCDate()), weekdays.has(date.getUTCDay())];
  return bothDays ? byDate && byWeekday : byDate || byWeekday;
}

/** The instants of a local day, in order: local times that the clock skips are left out, those that it repeats come twice. */
function instantsOf({ hours, minutes, timezone }: Fields, day: number): readonly number[] {
  const start = day * dayMs;
  const offsets = [
    ...new Set([zoneOffsetMs(timezone, start - shiftMs), zoneOffsetMs(timezone, start + dayMs + shiftMs)]),
  ];
  const found: number[] = [];
  for (const hour of hours) {
    for (const minute of minutes) {
      const local = start + hour * 3_600_000 + minute * 60_000;
      for (const offset of offsets) {
        const instant = local - offset;
        if (offsets.length === 1 || zoneOffsetMs(timezone, instant) === offset) found.push(instant);
      }
    }
  }
  return offsets.length === 1 ? found : found.toSorted((a, b) => a - b);
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** How far the clocks of a zone are ahead of UTC at an instant. A zone that is not known is taken for UTC. */
export function zoneOffsetMs(timezone: string, instant: number): number {
  if (timezone === 'UTC' || timezone === '') return 0;
  const format = formatOf(timezone);
  if (!format) return 0;
  const parts: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(instant)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(instant / 1_000) * 1_000;
}

function formatOf(timezone: string): Intl.DateTimeFormat | undefined {
  const known = formats.get(timezone);
  if (known || !isTimeZone(timezone)) return known;
  const numeric = 'numeric';
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    hourCycle: 'h23',
    year: numeric,
    month: numeric,
    day: numeric,
    hour: numeric,
    minute: numeric,
    second: numeric,
  });
  formats.set(timezone, format);
  return format;
}

/** True for a zone of the time zone database that this Node knows. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
