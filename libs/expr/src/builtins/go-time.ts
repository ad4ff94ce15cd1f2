/** A point in time with the zone it is shown in. */
export type Moment = { readonly milliseconds: number; readonly nanoseconds: number; readonly zone: string };

/** English names of the months. */
export const months: readonly string[] =
  'January February March April May June July August September October November December'.split(' ');
const weekdays = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

/** A point in time by the calendar of its zone. `month` counts from 1, `weekday` from 0 for Sunday. */
export type Calendar = {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly nanosecond: number;
  readonly weekday: number;
  readonly offsetMinutes: number;
  readonly zone: string;
};

/** English name of a month, counted from 1. */
export function monthName(month: number): string {
  return months[month - 1] ?? '';
}

/** English name of a weekday, counted from 0 for Sunday. */
export function weekdayName(weekday: number): string {
  return weekdays[weekday] ?? '';
}

/** Minutes that a zone is ahead of UTC at a time; undefined for a zone that is not known. */
export function zoneOffset(zone: string, milliseconds: number): number | undefined {
  if (zone === 'UTC' || zone === '') return 0;
  const fixed = /^([+-])(\d\d):?(\d\d)$/.exec(zone);
  if (fixed) return (fixed[1] === '-' ? -1 : 1) * (Number(fixed[2]) * 60 + Number(fixed[3]));
  if (!/^[A-Za-z]/.test(zone)) return undefined;
  try {
    const parts = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' }).formatToParts(
      milliseconds,
    );
    const name = parts.find(({ type }) => type === 'timeZoneName')?.value ?? 'GMT';
    return name === 'GMT' ? 0 : zoneOffset(name.slice(3), milliseconds);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function zoneName(zone: string, milliseconds: number, offset: number): string {
  if (zone === 'UTC' || zone === '') return 'UTC';
  if (/^[+-]/.test(zone)) return offset === 0 ? 'UTC' : formatOffset(offset, '').slice(0, 5);
  const parts = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'short' }).formatToParts(milliseconds);
  const name = parts.find(({ type }) => type === 'timeZoneName')?.value ?? zone;
  return name.startsWith('GMT') ? formatOffset(offset, '') : name;
}

/** The calendar of an instant in its own zone. */
export function calendarOf({ milliseconds, nanoseconds, zone }: Moment): Calendar {
  const offsetMinutes = zoneOffset(zone, milliseconds) ?? 0;
  const local = new Date(milliseconds + offsetMinutes * 60_000);
  return {
    year: local.getUTCFullYear(),
    month: local.getUTCMonth() + 1,
    day: local.getUTCDate(),
    hour: local.getUTCHours(),
    minute: local.getUTCMinutes(),
    second: local.getUTCSeconds(),
    nanosecond: local.getUTCMilliseconds() * 1_000_000 + nanoseconds,
    weekday: local.getUTCDay(),
    offsetMinutes,
    zone: zoneName(zone, milliseconds, offsetMinutes),
  };
}

function formatOffset(minutes: number, colon: string): string {
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${pad(Math.trunc(size / 60))}${colon}${pad(size % 60)}`;
}

function pad(value: number, width = 2): string {
  return String(value).padStart(width, '0');
}

/** A piece of a layout: how it is written and, by `read`, what may stand there. */
export type Part = { readonly write: (at: Calendar) => string; readonly read?: string };

const hour12 = (hour: number): number => (hour % 12 === 0 ? 12 : hour % 12);
/** The pieces of a Go layout, longest first; `read` is the pattern of what may stand there, named by the field. */
const pieces: readonly (readonly [string, Part])[] = [
  ['January', { write: ({ month }) => monthName(month), read: `(?<monthName>${months.join('|')})` }],
  ['Monday', { write: ({ weekday }) => weekdayName(weekday), read: `(?:${weekdays.join('|')})` }],
  [
    'Z07:00',
    {
      write: ({ offsetMinutes }) => (offsetMinutes === 0 ? 'Z' : formatOffset(offsetMinutes, ':')),
      read: '(?<zone>Z|[+-]\\d\\d:\\d\\d)',
    },
  ],
  ['-07:00', { write: ({ offsetMinutes }) => formatOffset(offsetMinutes, ':'), read: '(?<zone>[+-]\\d\\d:\\d\\d)' }],
  [
    'Z0700',
    {
      write: ({ offsetMinutes }) => (offsetMinutes === 0 ? 'Z' : formatOffset(offsetMinutes, '')),
      read: '(?<zone>Z|[+-]\\d{4})',
    },
  ],
  ['-0700', { write: ({ offsetMinutes }) => formatOffset(offsetMinutes, ''), read: '(?<zone>[+-]\\d{4})' }],
  ['2006', { write: ({ year }) => pad(year, 4), read: '(?<year>\\d{4})' }],
  [
    'Jan',
    {
      write: ({ month }) => monthName(month).slice(0, 3),
      read: `(?<monthName>${months.map((name) => name.slice(0, 3)).join('|')})`,
    },
  ],
  [
    'Mon',
    {
      write: ({ weekday }) => weekdayName(weekday).slice(0, 3),
      read: `(?:${weekdays.map((name) => name.slice(0, 3)).join('|')})`,
    },
  ],
  ['MST', { write: ({ zone }) => zone, read: '(?<zoneName>[A-Z]{3,4}|[+-]\\d\\d(?:\\d\\d)?)' }],
  ['-07', { write: ({ offsetMinutes }) => formatOffset(offsetMinutes, '').slice(0, 3), read: '(?<zone>[+-]\\d\\d)' }],
  ['002', { write: (at) => pad(dayOfYear(at), 3) }],
  ['01', { write: ({ month }) => pad(month), read: '(?<month>\\d\\d)' }],
  ['02', { write: ({ day }) => pad(day), read: '(?<day>\\d\\d)' }],
  ['03', { write: ({ hour }) => pad(hour12(hour)), read: '(?<hour>\\d\\d)' }],
  ['04', { write: ({ minute }) => pad(minute), read: '(?<minute>\\d\\d)' }],
  ['05', { write: ({ second }) => pad(second), read: '(?<second>\\d\\d)(?<fraction>\\.\\d+)?' }],
  ['06', { write: ({ year }) => pad(year % 100), read: '(?<shortYear>\\d\\d)' }],
  ['15', { write: ({ hour }) => pad(hour), read: '(?<hour>\\d\\d)' }],
  ['PM', { write: ({ hour }) => (hour < 12 ? 'AM' : 'PM'), read: '(?<half>AM|PM)' }],
  ['pm', { write: ({ hour }) => (hour < 12 ? 'am' : 'pm'), read: '(?<half>am|pm)' }],
  ['_2', { write: ({ day }) => String(day).padStart(2, ' '), read: '(?<day>[ \\d]\\d)' }],
  ['1', { write: ({ month }) => String(month), read: '(?<month>\\d{1,2})' }],
  ['2', { write: ({ day }) => String(day), read: '(?<day>\\d{1,2})' }],
  ['3', { write: ({ hour }) => String(hour12(hour)), read: '(?<hour>\\d{1,2})' }],
  ['4', { write: ({ minute }) => String(minute), read: '(?<minute>\\d{1,2})' }],
  ['5', { write: ({ second }) => String(second), read: '(?<second>\\d{1,2})(?<fraction>\\.\\d+)?' }],
];

function dayOfYear({ year, month, day }: Calendar): number {
  return Math.round((Date.UTC(year, month - 1, day) - Date.UTC(year, 0, 1)) / 86_400_000) + 1;
}

/** Split a layout into its pieces and the text between them. */
export function layoutParts(layout: string): readonly (string | Part)[] {
  const parts: (string | Part)[] = [];
  let at = 0;
  while (at < layout.length) {
    const fraction = /^[.,](0+|9+)(?!\d)/.exec(layout.slice(at, at + 12));
    const found = pieces.find(([text]) => layout.startsWith(text, at));
    if (fraction) parts.push(fractionPart(fraction[0]));
    else parts.push(found ? found[1] : layout.charAt(at));
    at += fraction?.[0].length ?? found?.[0].length ?? 1;
  }
  return parts;
}

function fractionPart(text: string): Part {
  const width = text.length - 1;
  const trims = text.charAt(1) === '9';
  const write = ({ nanosecond }: Calendar): string => {
    const digits = pad(nanosecond, 9).slice(0, width);
    const shown = trims ? digits.replace(/0+$/, '') : digits;
    return shown === '' ? '' : text.charAt(0) + shown;
  };
  return { write, read: `(?<fraction>[.,]\\d${trims ? '+)?' : `{${width}})`}` };
}

/** An instant in its zone, as Go's `Format` writes it. */
export function formatGoTime(instant: Moment, layout: string): string {
  const calendar = calendarOf(instant);
  return layoutParts(layout)
    .map((part) => (typeof part === 'string' ? part : part.write(calendar)))
    .join('');
}
