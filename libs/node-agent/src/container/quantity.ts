const suffixes: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** The number that a Kubernetes quantity stands for; undefined when it is not one. */
export function parseQuantity(quantity: string | number): number | undefined {
  if (typeof quantity === 'number') return quantity;
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d+)|([numkKMGTPE]i?)?)$/.exec(quantity.trim());
  if (!match) return undefined;
  const factor = match[2] === undefined ? suffixes[match[3] ?? ''] : 10 ** Number(match[2]);
  return factor === undefined ? undefined : Number(match[1]) * factor;
}

/** What resourceFieldRef shows: quantity over divisor, rounded up. */
export function quotient(quantity: string | number, divisor: string | number): string | undefined {
  const value = parseQuantity(quantity);
  const by = parseQuantity(divisor === 0 || divisor === '0' || divisor === '' ? 1 : divisor);
  if (value === undefined || by === undefined || by === 0) return undefined;
  // The tolerance keeps 0.1 / 0.001 at 100.
  return String(Math.ceil(value / by - 1e-9));
}
