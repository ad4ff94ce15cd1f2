/** The middle of some numbers. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = 0, high = 0] =
    sorted.length % 2 ? [sorted[middle], sorted[middle]] : [sorted[middle - 1], sorted[middle]];
  return (low + high) / 2;
}

/** How two sets of times compare. */
export type Comparison = {
  readonly minima: number;
  readonly medians: number;
  /** 95 % interval of the ratio of medians. */
  readonly interval: readonly [number, number];
};

const draws = 2_000;

/** The first over the second; the interval by drawing anew from both, repeatable. */
export function compare(subject: readonly number[], floor: readonly number[]): Comparison {
  let state = 1;
  const draw = (values: readonly number[]): number[] =>
    values.map(() => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return values[Math.floor((state / 2 ** 32) * values.length)] ?? 0;
    });
  const ratios = Array.from({ length: draws }, () => median(draw(subject)) / median(draw(floor))).sort((a, b) => a - b);
  return {
    minima: Math.min(...subject) / Math.min(...floor),
    medians: median(subject) / median(floor),
    interval: [ratios[Math.floor(draws * 0.025)] ?? 0, ratios[Math.floor(draws * 0.975)] ?? 0],
  };
}

/** `1.12 × (minima), 1.15 × (medians, 1.08 to 1.21)`. */
export function shownRatio({ minima, medians, interval }: Comparison): string {
  const [low, high] = interval.map((ratio) => ratio.toFixed(2));
  return `${minima.toFixed(2)} × (minima), ${medians.toFixed(2)} × (medians, ${low} to ${high})`;
}
