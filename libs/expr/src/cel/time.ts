import { CelError } from './cel-error.ts';
import type { Signatures } from './signature.ts';
import { CelDuration, CelTimestamp } from './value.ts';

const units: Readonly<Record<string, bigint>> = {
  h: 3_600_000_000_000n,
  m: 60_000_000_000n,
  s: 1_000_000_000n,
  ms: 1_000_000n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ns: 1n,
};

/** A duration as Go writes it: `1h2m3.5s`, `0`. */
export function parseDuration(text: string): CelDuration {
  const body = text.replace(/^[-+]/u, '');
  if (body === '0') return new CelDuration(0n);
  if (text.length > 200 || !/^((\d+\.?\d*|\.\d+)(h|ms|m|s|us|µs|μs|ns))+$/u.test(body)) {
    throw new CelError(`time: invalid duration ${JSON.stringify(text.slice(0, 200))}`);
  }
  let nanos = 0n;
  for (const [, amount = '', unit = ''] of body.matchAll(/([\d.]+)(h|ms|m|s|us|µs|μs|ns)/gu)) {
    const [whole = '', fraction = ''] = amount.split('.');
    const scale = units[unit] ?? 0n;
    nanos += BigInt(whole || '0') * scale + (BigInt(fraction || '0') * scale) / 10n ** BigInt(fraction.length);
  }
  return new CelDuration(text.startsWith('-') ? -nanos : nanos);
}

/** Seconds with an `s`, as CEL writes durations. */
export function formatDuration({ nanos }: CelDuration): string {
  const size = nanos < 0n ? -nanos : nanos;
  return `${nanos < 0n ? '-' : ''}${size / 1_000_000_000n}${fractionOf(size % 1_000_000_000n)}s`;
}

function fractionOf(nanos: bigint): string {
  return nanos === 0n ? '' : `.${String(nanos).padStart(9, '0').replace(/0+$/u, '')}`;
}

/** A time as RFC 3339 writes it. */
export function parseTimestamp(text: string): CelTimestamp {
  const match = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:[.,](\d{1,18}))?([Zz]|[-+]\d\d:\d\d)$/u.exec(text);
  const millis = match ? Date.parse(`${match[1]}T${match[2]}${(match[4] ?? 'Z').toUpperCase()}`) : Number.NaN;
  if (Number.isNaN(millis) || !match)
    throw new CelError(`parsing time ${JSON.stringify(text.slice(0, 100))}: no RFC 3339 time`);
  const nanos = BigInt(millis) * 1_000_000n + BigInt((match[3] ?? '').slice(0, 9).padEnd(9, '0'));
  return new CelTimestamp(nanos, minutesOf(match[4] ?? 'Z'));
}

/** Minutes of an offset like `-08:00`. */
function minutesOf(offset: string): number {
  const parts = /^([-+]?)(\d\d?):(\d\d)$/u.exec(offset);
  return parts ? (parts[1] === '-' ? -1 : 1) * (Number(parts[2]) * 60 + Number(parts[3])) : 0;
}

/** The time as RFC 3339 writes it, in the offset that it came in. */
export function formatTimestamp({ nanos, offsetMinutes }: CelTimestamp): string {
  const { millis, rest } = split(nanos);
  const local = new Date(millis + offsetMinutes * 60_000).toISOString().replace(/\.\d+Z$/u, '');
  const size = Math.abs(offsetMinutes);
  const two = (value: number) => String(value).padStart(2, '0');
  const zone = `${offsetMinutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
  return `${local}${fractionOf(rest)}${offsetMinutes === 0 ? 'Z' : zone}`;
}

/** Whole seconds in milliseconds, and the nanoseconds above them. */
function split(nanos: bigint): { readonly millis: number; readonly rest: bigint } {
  const rest = ((nanos % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return { millis: Number((nanos - rest) / 1_000_000n), rest };
}

/** The clock's hands in a time zone as a date in UTC. */
function inZone({ nanos }: CelTimestamp, zone: string): Date {
  const { millis, rest } = split(nanos);
  const at = millis + Number(rest / 1_000_000n);
  const isOffset = /^[-+]?\d\d?:\d\d$/u.test(zone);
  return new Date(at + (isOffset ? minutesOf(zone) * 60_000 : zoneOffset(at, zone)));
}

function zoneOffset(at: number, zone: string): number {
  const second = Math.floor(at / 1_000) * 1_000;
  let parts: Intl.DateTimeFormatPart[];
  try {
    parts = formatOf(zone).formatToParts(second);
  } catch {
    throw new CelError(`unknown time zone ${zone.slice(0, 60)}`);
  }
  const part = (type: string) => Number(parts.find((one) => one.type === type)?.value);
  const local = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
  return local - second;
}

function formatOf(zone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
}

const hands: Readonly<Record<string, (date: Date) => number>> = {
  getFullYear: (date) => date.getUTCFullYear(),
  getMonth: (date) => date.getUTCMonth(),
  getDate: (date) => date.getUTCDate(),
  getDayOfMonth: (date) => date.getUTCDate() - 1,
  getDayOfWeek: (date) => date.getUTCDay(),
  getDayOfYear: (date) => Math.floor((date.getTime() - new Date(date).setUTCMonth(0, 1)) / 86_400_000),
  getHours: (date) => date.getUTCHours(),
  getMinutes: (date) => date.getUTCMinutes(),
  getSeconds: (date) => date.getUTCSeconds(),
  getMilliseconds: (date) => date.getUTCMilliseconds(),
};

/** Parts of a time, in UTC or a given zone. */
export const timestampFunctions: Signatures = Object.fromEntries(
  Object.entries(hands).flatMap(([name, read]) => [
    [`timestamp.${name}(): int`, (time: CelTimestamp) => BigInt(read(inZone(time, '00:00')))],
    [`timestamp.${name}(string): int`, (time: CelTimestamp, zone: string) => BigInt(read(inZone(time, zone)))],
  ]),
);

const wholes: Readonly<Record<string, bigint>> = {
  getHours: units['h'] ?? 1n,
  getMinutes: units['m'] ?? 1n,
  getSeconds: units['s'] ?? 1n,
  getMilliseconds: units['ms'] ?? 1n,
};

/** How many whole units a duration has. */
export const durationFunctions: Signatures = Object.fromEntries(
  Object.entries(wholes).map(([name, unit]) => [`duration.${name}(): int`, ({ nanos }: CelDuration) => nanos / unit]),
);
