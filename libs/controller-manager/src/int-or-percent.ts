import type { IntOrPercent } from './workload.ts';

/** A number, or a percentage of a total, rounded up or down. What cannot be read counts as 0. */
export function resolveIntOrPercent(value: IntOrPercent, total: number, round: 'up' | 'down'): number {
  if (typeof value === 'number') return value;
  const percent = /^(\d+)%$/.exec(value);
  if (!percent) return Number.isInteger(Number(value)) ? Number(value) : 0;
  const exact = (Number(percent[1]) * total) / 100;
  return round === 'up' ? Math.ceil(exact) : Math.floor(exact);
}
