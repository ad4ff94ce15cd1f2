import { Instant } from '../value.ts';

/** Nanoseconds since 1970. */
export function nanosOf({ milliseconds, nanoseconds }: Instant): bigint {
  return BigInt(milliseconds) * 1_000_000n + BigInt(nanoseconds);
}

/** The instant so many nanoseconds after 1970, in a zone. */
export function fromNanos(nanos: bigint, zoneOf = 'UTC'): Instant {
  const rest = ((nanos % 1_000_000n) + 1_000_000n) % 1_000_000n;
  return new Instant(Number((nanos - rest) / 1_000_000n), Number(rest), zoneOf);
}
