/** The ratio of two sets of samples: of the minima and of the medians, with a 95 % interval of the latter by resampling. */
export function ratioOf(own: readonly number[], floor: readonly number[]): string {
  let state = 12_345;
  const random = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state / 0x7fffffff;
  };
  const draw = (samples: readonly number[]): number[] =>
    samples.map(() => samples[Math.floor(random() * samples.length)] ?? 0);
  const ratios = Array.from({ length: 2_000 }, () => median(draw(own)) / median(draw(floor))).toSorted((a, b) => a - b);
  const [low = 0, high = 0] = [ratios[50], ratios[1_949]];
  const minima = Math.min(...own) / Math.min(...floor);
  return `minima ${minima.toFixed(2)} x, medians ${(median(own) / median(floor)).toFixed(2)} x (95 %: ${low.toFixed(2)} to ${high.toFixed(2)})`;
}

export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** The slope of a line through points on logarithmic axes. */
export function logSlope(points: readonly (readonly [number, number])[]): number {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)] as const);
  const mean = (pick: 0 | 1): number => logs.reduce((sum, point) => sum + point[pick], 0) / logs.length;
  const [x, y] = [mean(0), mean(1)];
  const above = logs.reduce((sum, [a, b]) => sum + (a - x) * (b - y), 0);
  return above / logs.reduce((sum, [a]) => sum + (a - x) ** 2, 0);
}
