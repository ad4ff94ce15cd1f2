const units: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** Nanoseconds of a Go duration such as `1h30m` or `-1.5s`; undefined for text that is none. */
export function parseDuration(text: string): bigint | undefined {
  const [, sign = '', body = ''] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  if (body === '0') return 0n;
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(body) || body.length > 100) return undefined;
  let total = 0n;
  for (const [, whole = '0', fraction = '', unit = 's'] of body.matchAll(/(\d*)\.?(\d*)(ns|us|µs|μs|ms|s|m|h)/g)) {
    const size = units[unit] ?? 0n;
    total += BigInt(whole || '0') * size;
    if (fraction) total += (BigInt(fraction.slice(0, 18)) * size) / 10n ** BigInt(Math.min(18, fraction.length));
  }
  return sign === '-' ? -total : total;
}

/**
 * Milliseconds of a duration as Argo's fields take them: a bare number counts seconds, else a Go duration, with `d` for
 * days too. Undefined for text that is none.
 */
export function parseDurationMs(text: string | number): number | undefined {
  const trimmed = String(text).trim();
  if (/^\d+$/.test(trimmed)) return Number(trimmed) * 1_000;
  const days = /^(\d+)d(.*)$/.exec(trimmed);
  if (days) {
    const rest = days[2] ? parseDurationMs(days[2]) : 0;
    return rest === undefined ? undefined : Number(days[1]) * 86_400_000 + rest;
  }
  const nanoseconds = parseDuration(trimmed);
  return nanoseconds === undefined ? undefined : Number(nanoseconds) / 1e6;
}
