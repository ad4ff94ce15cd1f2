import { types, type Signature } from '../lang/types.ts';
import { Duration, formatDuration, Instant, NamedInt, type Value, Zone } from '../value.ts';
import { fromNanos, nanosOf } from './nanos.ts';
import { calendarOf, formatGoTime, monthName, weekdayName } from './go-time.ts';

/** A method of a time or a duration. */
export type Method = { readonly signature: Signature; readonly call: (self: Value, given: readonly Value[]) => Value };

type OfTime = (self: Instant, given: readonly Value[]) => Value;
type OfDuration = (self: Duration, given: readonly Value[]) => Value;

const { int, float, string, bool, time, duration, zone } = types;

const ofTime = (takes: Signature['takes'], gives: Signature['gives'], call: OfTime): Method => ({
  signature: { takes, gives },
  call: (self, given) => call(self instanceof Instant ? self : new Instant(0), given),
});
const ofDuration = (takes: Signature['takes'], gives: Signature['gives'], call: OfDuration): Method => ({
  signature: { takes, gives },
  call: (self, given) => call(self instanceof Duration ? self : new Duration(0n), given),
});

const instantOf = (value: Value | undefined): Instant => (value instanceof Instant ? value : new Instant(0));
const lengthOf = (value: Value | undefined): bigint => (value instanceof Duration ? value.nanoseconds : 0n);

const zeroTime = -62_135_596_800_000;

const instants: Readonly<Record<string, Method>> = {
  Year: ofTime([], int, (self) => BigInt(calendarOf(self).year)),
  Month: ofTime([], int, (self) => new NamedInt(calendarOf(self).month, monthName(calendarOf(self).month))),
  Day: ofTime([], int, (self) => BigInt(calendarOf(self).day)),
  Hour: ofTime([], int, (self) => BigInt(calendarOf(self).hour)),
  Minute: ofTime([], int, (self) => BigInt(calendarOf(self).minute)),
  Second: ofTime([], int, (self) => BigInt(calendarOf(self).second)),
  Nanosecond: ofTime([], int, (self) => BigInt(calendarOf(self).nanosecond)),
  Weekday: ofTime([], int, (self) => new NamedInt(calendarOf(self).weekday, weekdayName(calendarOf(self).weekday))),
  YearDay: ofTime([], int, (self) => BigInt(formatGoTime(self, '002'))),
  Unix: ofTime([], int, (self) => BigInt(Math.floor(self.milliseconds / 1_000))),
  UnixMilli: ofTime([], int, (self) => BigInt(self.milliseconds)),
  UnixMicro: ofTime([], int, (self) => nanosOf(self) / 1_000n),
  UnixNano: ofTime([], int, nanosOf),
  Format: ofTime([string], string, (self, [layout]) => formatGoTime(self, typeof layout === 'string' ? layout : '')),
  String: ofTime([], string, (self) => formatGoTime(self, '2006-01-02 15:04:05.999999999 -0700 MST')),
  AddDate: ofTime([int, int, int], time, addDate),
  Add: ofTime([duration], time, (self, [by]) => fromNanos(nanosOf(self) + lengthOf(by), self.zone)),
  Sub: ofTime([time], duration, (self, [other]) => new Duration(nanosOf(self) - nanosOf(instantOf(other)))),
  Before: ofTime([time], bool, (self, [other]) => nanosOf(self) < nanosOf(instantOf(other))),
  After: ofTime([time], bool, (self, [other]) => nanosOf(self) > nanosOf(instantOf(other))),
  Equal: ofTime([time], bool, (self, [other]) => nanosOf(self) === nanosOf(instantOf(other))),
  Compare: ofTime([time], int, (self, [other]) => {
    const by = nanosOf(self) - nanosOf(instantOf(other));
    return by < 0n ? -1n : by > 0n ? 1n : 0n;
  }),
  IsZero: ofTime([], bool, (self) => self.milliseconds === zeroTime),
  In: ofTime(
    [zone],
    time,
    (self, [to]) => new Instant(self.milliseconds, self.nanoseconds, to instanceof Zone ? to.zoneName : 'UTC'),
  ),
  UTC: ofTime([], time, (self) => new Instant(self.milliseconds, self.nanoseconds)),
  Local: ofTime([], time, (self) => new Instant(self.milliseconds, self.nanoseconds)),
  Truncate: ofTime([duration], time, (self, [by]) => {
    const since = nanosOf(self) - BigInt(zeroTime) * 1_000_000n;
    return lengthOf(by) <= 0n ? self : fromNanos(nanosOf(self) - (since % lengthOf(by)), self.zone);
  }),
};

function addDate(self: Instant, [years, months, days]: readonly Value[]): Value {
  const { offsetMinutes } = calendarOf(self);
  const date = new Date(self.milliseconds + offsetMinutes * 60_000);
  date.setUTCFullYear(
    date.getUTCFullYear() + Number(years),
    date.getUTCMonth() + Number(months),
    date.getUTCDate() + Number(days),
  );
  return new Instant(date.getTime() - offsetMinutes * 60_000, self.nanoseconds, self.zone);
}

const durations: Readonly<Record<string, Method>> = {
  Hours: ofDuration([], float, ({ nanoseconds }) => Number(nanoseconds) / 3.6e12),
  Minutes: ofDuration([], float, ({ nanoseconds }) => Number(nanoseconds) / 6e10),
  Seconds: ofDuration([], float, ({ nanoseconds }) => Number(nanoseconds) / 1e9),
  Milliseconds: ofDuration([], int, ({ nanoseconds }) => nanoseconds / 1_000_000n),
  Microseconds: ofDuration([], int, ({ nanoseconds }) => nanoseconds / 1_000n),
  Nanoseconds: ofDuration([], int, ({ nanoseconds }) => nanoseconds),
  String: ofDuration([], string, formatDuration),
  Abs: ofDuration([], duration, ({ nanoseconds }) => new Duration(nanoseconds < 0n ? -nanoseconds : nanoseconds)),
  Truncate: ofDuration([duration], duration, ({ nanoseconds }, [by]) =>
    lengthOf(by) <= 0n ? new Duration(nanoseconds) : new Duration(nanoseconds - (nanoseconds % lengthOf(by))),
  ),
  Round: ofDuration([duration], duration, ({ nanoseconds }, [by]) => new Duration(roundTo(nanoseconds, lengthOf(by)))),
};

/** To the nearest multiple, halves away from zero. */
function roundTo(value: bigint, unit: bigint): bigint {
  if (unit <= 0n) return value;
  const rest = value % unit;
  const size = rest < 0n ? -rest : rest;
  if (size * 2n < unit) return value - rest;
  return value - rest + (value < 0n ? -unit : unit);
}

/** Methods by the name of the type and their own. */
export const timeMethods: ReadonlyMap<string, ReadonlyMap<string, Method>> = new Map([
  ['time.Time', new Map(Object.entries(instants))],
  ['time.Duration', new Map(Object.entries(durations))],
]);
