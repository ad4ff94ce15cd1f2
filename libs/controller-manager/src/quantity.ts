const binary: Readonly<Record<string, number>> = { Ki: 1, Mi: 2, Gi: 3, Ti: 4, Pi: 5, Ei: 6 };
const decimal: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };

/** The value of a Kubernetes quantity as a number, exact enough to compare sizes. What cannot be read counts as 0. */
export function parseQuantity(text: string): number {
  const parts = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([KMGTPE]i|[numkMGTPE]))?$/.exec(text.trim());
  if (!parts) return 0;
  const value = Number(`${parts[1]}${parts[2] ?? ''}`);
  const suffix = parts[3] ?? '';
  const power = binary[suffix];
  return power === undefined ? value * 10 ** (decimal[suffix] ?? 0) : value * 1_024 ** power;
}
