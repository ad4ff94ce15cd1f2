import { Instant } from '../value.ts';
import { layoutParts, months, zoneOffset } from './go-time.ts';

/** A time as Go's `ParseInLocation` reads it; undefined for text that does not follow the layout. */
export function parseGoTime(layout: string, text: string, zone = 'UTC'): Instant | undefined {
  const seen = new Set<string>();
  const source = layoutParts(layout)
    .map((part) => {
      if (typeof part === 'string') return part.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
      return (part.read ?? '(?:\\d+)').replace(/\?<(\w+)>/g, (whole: string, name: string) => {
        if (seen.has(name)) return '?:';
        seen.add(name);
        return whole;
      });
    })
    .join('');
  const fields = new RegExp(`^${source}$`).exec(text.slice(0, 200))?.groups;
  return fields || source === '' ? fromFields(fields ?? {}, zone) : undefined;
}

function fromFields(fields: Readonly<Record<string, string | undefined>>, zone: string): Instant | undefined {
  const field = (name: string, fallback: number): number =>
    fields[name] === undefined ? fallback : Number(fields[name]);
  const named = fields['monthName'];
  const short = field('shortYear', 0);
  const year = fields['shortYear'] === undefined ? field('year', 0) : short + (short >= 69 ? 1900 : 2000);
  const month = named === undefined ? field('month', 1) : months.findIndex((name) => name.startsWith(named)) + 1;
  const day = field('day', 1);
  const half = fields['half']?.toLowerCase();
  const hour = half === undefined ? field('hour', 0) : (field('hour', 0) % 12) + (half === 'pm' ? 12 : 0);
  const [minute, second] = [field('minute', 0), field('second', 0)];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (month < 1 || month > 12 || date.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59) return undefined;
  const digits = (fields['fraction'] ?? '').replace(/^[.,]/, '').padEnd(9, '0').slice(0, 9);
  const local = date.getTime() + ((hour * 60 + minute) * 60 + second) * 1_000 + Number(digits.slice(0, 3));
  const own = fields['zone'] === 'Z' ? 'UTC' : (fields['zone'] ?? zone);
  const guess = zoneOffset(own, local) ?? 0;
  const offset = zoneOffset(own, local - guess * 60_000) ?? 0;
  return new Instant(local - offset * 60_000, Number(digits.slice(3)), own === '+00:00' ? 'UTC' : own);
}

const dateLayouts = [
  '2006-01-02',
  '15:04:05',
  '2006-01-02 15:04:05',
  '2006-01-02T15:04:05Z07:00',
  '02 Jan 06 15:04 MST',
  'Monday, 02-Jan-06 15:04:05 MST',
  'Mon, 02 Jan 2006 15:04:05 MST',
];

/** A time in one of the forms that `date()` knows without being told a layout. */
export function parseKnownTime(text: string, zone: string): Instant | undefined {
  for (const layout of dateLayouts) {
    const found = parseGoTime(layout, text, zone);
    if (found) return found;
  }
  return undefined;
}
