import { parseDuration } from '../duration.ts';
import { fromNanos, nanosOf } from '../builtins/nanos.ts';
import { formatGoTime, zoneOffset } from '../builtins/go-time.ts';
import { parseGoTime } from '../builtins/parse-go-time.ts';
import { Duration, formatDuration, formatValue, type HostFunction, Instant, type Value } from '../value.ts';
import { textOf } from './arguments.ts';

/** The zero time of Go: the first of January of the year 1. */
const zeroTime = new Instant(-62_135_596_800_000);
const second = 1_000_000_000n;

/** Sprig's functions over dates. The local zone is UTC. `now` gives milliseconds since 1970. */
export function sprigDates(now: () => number): Readonly<Record<string, HostFunction>> {
  const format = (layout: string, date: Value | undefined, zone: string): string => {
    const at = instantOf(date, now);
    const known = zone === 'Local' || zoneOffset(zone, at.milliseconds) === undefined ? 'UTC' : zone;
    return formatGoTime(new Instant(at.milliseconds, at.nanoseconds, known), layout);
  };
  return {
    now: () => new Instant(now()),
    date: (layout, date) => format(textOf(layout), date, 'UTC'),
    dateInZone: (layout, date, zone) => format(textOf(layout), date, textOf(zone)),
    date_in_zone: (layout, date, zone) => format(textOf(layout), date, textOf(zone)),
    htmlDate: (date) => format('2006-01-02', date, 'UTC'),
    htmlDateInZone: (date, zone) => format('2006-01-02', date, textOf(zone)),
    dateModify: (by, date) => modify(textOf(by), instantOf(date, now), false),
    date_modify: (by, date) => modify(textOf(by), instantOf(date, now), false),
    mustDateModify: (by, date) => modify(textOf(by), instantOf(date, now), true),
    must_date_modify: (by, date) => modify(textOf(by), instantOf(date, now), true),
    toDate: (layout, text) => parseGoTime(textOf(layout), textOf(text)) ?? zeroTime,
    mustToDate: (layout, text) => {
      const found = parseGoTime(textOf(layout), textOf(text));
      if (!found)
        throw new Error(`parsing time "${textOf(text)}" as "${textOf(layout)}": cannot parse "${textOf(text)}"`);
      return found;
    },
    unixEpoch: (date) => String(Math.floor(instantOf(date, now).milliseconds / 1_000)),
    ago: (date) =>
      formatDuration(new Duration(((BigInt(now()) * 1_000_000n - nanosOf(instantOf(date, now))) / second) * second)),
    duration: (seconds) => formatDuration(new Duration(wholeSeconds(seconds) * second)),
    durationRound: (value) => roundDuration(value ?? null, now),
  };
}

function instantOf(date: Value | undefined, now: () => number): Instant {
  if (date instanceof Instant) return date;
  return new Instant(typeof date === 'bigint' ? Number(date) * 1_000 : now());
}

function modify(by: string, date: Instant, strict: boolean): Instant {
  const nanoseconds = parseDuration(by);
  if (nanoseconds === undefined && strict) throw new Error(`time: invalid duration "${by}"`);
  return fromNanos(nanosOf(date) + (nanoseconds ?? 0n), date.zone);
}

function wholeSeconds(value: Value | undefined): bigint {
  if (typeof value === 'bigint') return value;
  return typeof value === 'string' && /^[+-]?\d{1,18}$/.test(value) ? BigInt(value.replace(/^\+/, '')) : 0n;
}

const roundUnits: readonly (readonly [bigint, string])[] = [
  [365n * 86_400n * second, 'y'],
  [30n * 86_400n * second, 'mo'],
  [86_400n * second, 'd'],
  [3_600n * second, 'h'],
  [60n * second, 'm'],
  [second, 's'],
];

function roundDuration(value: Value, now: () => number): string {
  const nanoseconds =
    typeof value === 'string'
      ? (parseDuration(value) ?? 0n)
      : typeof value === 'bigint'
        ? value
        : value instanceof Duration
          ? value.nanoseconds
          : value instanceof Instant
            ? BigInt(now()) * 1_000_000n - nanosOf(value)
            : 0n;
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  const unit = roundUnits.find(([length]) => size > length);
  return unit ? `${formatValue(size / unit[0])}${unit[1]}` : '0s';
}
