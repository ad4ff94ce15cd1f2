/** A span as kubectl prints it: `59s`, `5m30s`, `3h12m`, `2d3h`, `400d`, `2y35d`. Negative spans up to two seconds are `0s`. */
export function formatAge(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1000);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes < 10) return withRest(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.trunc(minutes / 60);
  if (hours < 8) return withRest(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  if (hours < 192) return withRest(Math.trunc(hours / 24), 'd', hours % 24, 'h');
  if (hours < 8760 * 2) return `${Math.trunc(hours / 24)}d`;
  if (hours < 8760 * 8) return withRest(Math.trunc(hours / 8760), 'y', Math.trunc(hours / 24) % 365, 'd');
  return `${Math.trunc(hours / 8760)}y`;
}

function withRest(count: number, unit: string, rest: number, restUnit: string): string {
  return rest === 0 ? `${count}${unit}` : `${count}${unit}${rest}${restUnit}`;
}

/** The age of a time in RFC 3339, `<unknown>` when there is none. */
export function ageOf(time: unknown, now: number): string {
  const start = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  return Number.isNaN(start) ? '<unknown>' : formatAge(now - start);
}
