import { stringify } from 'yaml';
import { CommandError, exitCodes } from './exit-code.ts';
import type { Io } from './io.ts';

export type OutputFormat = 'table' | 'json' | 'yaml' | 'name';

/** A list to show: `rows` for people, `objects` for machines, `names` for pipes. All of one length. */
export type Listing = {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly objects: readonly unknown[];
  readonly names: readonly string[];
  /** What to say instead of an empty table. */
  readonly empty: string;
};

/** Parse `--output`; throws a usage error that names the formats. */
export function parseFormat(text: string | undefined): OutputFormat {
  if (text === undefined) return 'table';
  if (text === 'table' || text === 'json' || text === 'yaml' || text === 'name') return text;
  throw new CommandError(exitCodes.usage, `--output ${text}: there is no such format; use table, json, yaml or name`);
}

/** One object or list as the text of a machine format. */
export function formatObject(format: 'json' | 'yaml', value: unknown): string {
  return format === 'json' ? JSON.stringify(value, null, 2) : stringify(value).trimEnd();
}

/** Write a listing in one of the formats. */
export function showListing(io: Io, format: OutputFormat, listing: Listing): void {
  switch (format) {
    case 'json':
    case 'yaml':
      io.out(formatObject(format, listing.objects));
      return;
    case 'name':
      for (const name of listing.names) io.out(name);
      return;
    case 'table':
      if (listing.rows.length === 0) io.err(listing.empty);
      else for (const line of formatTable(listing.columns, listing.rows)) io.out(line);
      return;
    default:
      format satisfies never;
  }
}

/** Columns padded to their widest cell, three spaces apart, as kubectl prints them. */
export function formatTable(columns: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...rows.map((row) => (row[index] ?? '').length)),
  );
  return [columns, ...rows].map((row) =>
    row
      .map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)))
      .join('   ')
      .trimEnd(),
  );
}

/** A span of time as people read it: `850ms`, `12s`, `3m5s`, `2h3m`, `4d`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds <= 0) return '<1s';
  if (milliseconds < 1_000) return `${Math.round(milliseconds)}ms`;
  if (milliseconds < 10_000) return `${(milliseconds / 1_000).toFixed(1).replace(/\.0$/, '')}s`;
  const seconds = Math.round(milliseconds / 1_000);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return seconds % 60 ? `${Math.floor(seconds / 60)}m${seconds % 60}s` : `${seconds / 60}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)}h${Math.floor((seconds % 3_600) / 60)}m`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** Age of an RFC 3339 time; empty when it is not known. */
export function formatAge(time: string | undefined, now: number): string {
  const parsed = time === undefined ? Number.NaN : Date.parse(time);
  return Number.isNaN(parsed) ? '' : formatDuration(Math.max(1_000, Math.round((now - parsed) / 1_000) * 1_000));
}
