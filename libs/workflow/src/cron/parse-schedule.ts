import { parseDurationMs } from '@sluice/expr';

/** When something is due: by fields of the local calendar, or at a fixed distance. */
export type Schedule =
  | {
      readonly kind: 'fields';
      readonly minutes: readonly number[];
      readonly hours: readonly number[];
      readonly days: ReadonlySet<number>;
      readonly months: ReadonlySet<number>;
      readonly weekdays: ReadonlySet<number>;
      /** One of the two day fields is open: then both must match, else either may. */
      readonly bothDays: boolean;
      readonly timezone: string;
    }
  | { readonly kind: 'every'; readonly milliseconds: number };

type Parsed = { readonly ok: true; readonly schedule: Schedule } | { readonly ok: false; readonly message: string };

class Malformed extends Error {}

type Bounds = { readonly min: number; readonly max: number; readonly names?: readonly string[] };

const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const bounds = {
  minute: { min: 0, max: 59 },
  hour: { min: 0, max: 23 },
  day: { min: 1, max: 31 },
  month: { min: 1, max: 12, names: monthNames },
  weekday: { min: 0, max: 6, names: dayNames },
} satisfies Record<string, Bounds>;
const macros: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};
const maxLength = 1_000;

/** Read a schedule of five fields, a macro or `@every DURATION`; `CRON_TZ=ZONE ` may stand before it. */
export function parseSchedule(text: string): Parsed {
  try {
    return { ok: true, schedule: read(text) };
  } catch (error) {
    if (error instanceof Malformed) return { ok: false, message: error.message };
    throw error;
  }
}

function read(text: string): Schedule {
  if (text.length > maxLength) throw new Malformed(`longer than ${maxLength} characters`);
  const [, zone, rest = ''] = /^(?:(?:CRON_)?TZ=(\S+)\s+)?(.*)$/s.exec(text) ?? [];
  const body = rest.trim();
  if (body === '') throw new Malformed('empty spec string');
  const every = /^@every (.+)$/.exec(body)?.[1];
  if (every !== undefined) {
    const milliseconds = parseDurationMs(every);
    if (milliseconds === undefined) throw new Malformed(`failed to parse duration ${body}`);
    return { kind: 'every', milliseconds: Math.max(1_000, Math.floor(milliseconds / 1_000) * 1_000) };
  }
  const expanded = body.startsWith('@') ? macros[body] : body;
  if (expanded === undefined) throw new Malformed(`unrecognized descriptor: ${body}`);
  const fields = expanded.split(/\s+/);
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = fields;
  if (fields.length !== 5)
    throw new Malformed(`expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`);
  const days = readField(day, bounds.day);
  const weekdays = readField(weekday, bounds.weekday);
  return {
    kind: 'fields',
    minutes: [...readField(minute, bounds.minute).values].toSorted(byNumber),
    hours: [...readField(hour, bounds.hour).values].toSorted(byNumber),
    days: days.values,
    months: readField(month, bounds.month).values,
    weekdays: weekdays.values,
    bothDays: days.open || weekdays.open,
    timezone: zone ?? 'UTC',
  };
}

function byNumber(a: number, b: number): number {
  return a - b;
}

type Field = { readonly values: ReadonlySet<number>; readonly open: boolean };

function readField(text: string, limits: Bounds): Field {
  const values = new Set<number>();
  let open = false;
  for (const part of text.split(',').filter((piece) => piece !== '')) open = readRange(part, limits, values) || open;
  return { values, open };
}

/** Add the numbers of one range. True for one that leaves the field open: a `*` without a step. */
function readRange(text: string, { min, max, names }: Bounds, values: Set<number>): boolean {
  const [range = '', stepText, ...moreSteps] = text.split('/');
  const [low = '', high, ...moreEnds] = range.split('-');
  const isAny = low === '*' || low === '?';
  if (!isAny && moreEnds.length > 0) throw new Malformed(`too many hyphens: ${text}`);
  if (moreSteps.length > 0) throw new Malformed(`too many slashes: ${text}`);
  const start = isAny ? min : numberOf(low, names);
  const step = stepText === undefined ? 1 : numberOf(stepText);
  const alone = high === undefined && !isAny;
  const last = isAny ? max : high === undefined ? start : numberOf(high, names);
  const end = alone && stepText !== undefined ? max : last;
  if (start < min) throw new Malformed(`beginning of range (${start}) below minimum (${min}): ${text}`);
  if (end > max) throw new Malformed(`end of range (${end}) above maximum (${max}): ${text}`);
  if (start > end) throw new Malformed(`beginning of range (${start}) beyond end of range (${end}): ${text}`);
  if (step === 0) throw new Malformed(`step of range should be a positive number: ${text}`);
  for (let value = start; value <= end; value += step) values.add(value);
  return isAny && step === 1;
}

function numberOf(text: string, names: readonly string[] = []): number {
  const named = names.indexOf(text.toLowerCase());
  if (named >= 0) return names === monthNames ? named + 1 : named;
  if (!/^[+-]?\d{1,15}$/.test(text)) throw new Malformed(`failed to parse int from ${text}: invalid syntax`);
  const value = Number(text);
  if (value < 0) throw new Malformed(`negative number (${value}) not allowed: ${text}`);
  return value;
}
