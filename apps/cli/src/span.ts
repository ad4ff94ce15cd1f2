import { CommandError, exitCodes } from './exit-code.ts';

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A span of time such as `90m`, `1h30m` or `7d`, in milliseconds. Throws a usage error that names the option. */
export function parseSpan(option: string, text: string): number {
  const parts = [...text.matchAll(/(\d+)([smhd])/g)];
  const isWhole = parts.length > 0 && parts.map(([part]) => part).join('') === text;
  if (!isWhole)
    throw new CommandError(exitCodes.usage, `--${option} ${text}: must be a span of time such as 90m, 10h or 7d`);
  return parts.reduce((sum, [, count = '0', unit = 's']) => sum + Number(count) * (unitMs[unit] ?? 0), 0);
}
