import type { FreezeWindow } from '@sluice/model';
import type { SpecReader } from './spec-reader.ts';

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;
const dayMinutes = 24 * 60;

/** A freeze that holds. `untilMs` may be early by a change of the clocks: look again then. */
export type Freeze = { readonly untilMs: number; readonly reason: string };

/** Read one entry of `spec.freeze`; what is no time, day or zone is refused. */
export function readFreezeWindow(reader: SpecReader): FreezeWindow {
  const isWeekly = reader.has('days');
  const time = (key: 'from' | 'to'): string => {
    const text = reader.text(key) ?? '';
    if (isWeekly ? minutesOf(text) === undefined : Number.isNaN(Date.parse(text)))
      reader.refuse(key, `"${text.slice(0, 50)}" is no time`, isWeekly ? 'write hh:mm' : 'write 2026-12-24T00:00:00Z');
    return text;
  };
  const [from, to] = [time('from'), time('to')];
  if (!isWeekly && Date.parse(to) <= Date.parse(from)) reader.refuse('to', 'must be later than from');
  const named = reader.texts('days');
  const wrong = named.find((day) => !days.some((known) => known === day));
  if (wrong !== undefined) reader.refuse('days', `"${wrong}" is none of ${days.join(', ')}`);
  const timeZone = reader.text('timeZone');
  if (timeZone !== undefined && !isTimeZone(timeZone))
    reader.refuse('timeZone', `"${timeZone}" is no time zone`, 'write a name such as Europe/Berlin');
  const reason = reader.text('reason');
  reader.close();
  return {
    from,
    to,
    ...(isWeekly ? { days: named } : {}),
    ...(timeZone ? { timeZone } : {}),
    ...(reason ? { reason } : {}),
  };
}

/** The freeze that holds longest now, if any does. */
export function findFreeze(windows: readonly FreezeWindow[], now: number): Freeze | undefined {
  let longest: Freeze | undefined;
  for (const window of windows) {
    const untilMs = window.days ? weeklyEnd(window, now) : absoluteEnd(window, now);
    if (untilMs !== undefined && untilMs > (longest?.untilMs ?? 0)) longest = { untilMs, reason: window.reason ?? '' };
  }
  return longest;
}

function absoluteEnd({ from, to }: FreezeWindow, now: number): number | undefined {
  return Date.parse(from) <= now && now < Date.parse(to) ? Date.parse(to) : undefined;
}

function weeklyEnd({ from, to, days: named = [], timeZone = 'UTC' }: FreezeWindow, now: number): number | undefined {
  const start = minutesOf(from) ?? 0;
  const end = minutesOf(to) ?? 0;
  const length = (end > start ? end : end + dayMinutes) - start;
  const { day, minute } = localTime(now, timeZone);
  // Begun today, or yesterday and not over yet.
  for (const since of [minute - start, minute + dayMinutes - start]) {
    const begun = days[(day + 7 - Math.floor((since + start) / dayMinutes)) % 7] ?? 'Sun';
    if (named.includes(begun) && since >= 0 && since < length)
      return Math.floor(now / 60_000) * 60_000 + (length - since) * 60_000;
  }
  return undefined;
}

function localTime(now: number, timeZone: string): { readonly day: number; readonly minute: number } {
  const options = { timeZone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
  const parts = new Intl.DateTimeFormat('en-US', options).formatToParts(now);
  const part = (type: string): string => parts.find((found) => found.type === type)?.value ?? '';
  const day = days.findIndex((name) => name === part('weekday'));
  return { day, minute: Number(part('hour')) * 60 + Number(part('minute')) };
}

function minutesOf(text: string): number | undefined {
  const [, hours, minutes] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text) ?? [];
  return hours === undefined ? undefined : Number(hours) * 60 + Number(minutes);
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
