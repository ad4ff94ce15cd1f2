/**
 * Powers as Go computes them: by squaring the mantissa, so that the last digit is the one that Go gives where the
 * platform's own power differs.
 */
export function goPower(x: number, y: number): number {
  const special = x === 0 || y === 0 || x === 1 || !Number.isFinite(x) || !Number.isFinite(y) || Math.abs(y) >= 2 ** 63;
  if (special) return x ** y;
  if (y === 0.5) return Math.sqrt(x);
  if (y === -0.5) return 1 / Math.sqrt(x);
  let whole = Math.trunc(Math.abs(y));
  let rest = Math.abs(y) - whole;
  if (rest !== 0 && x < 0) return Number.NaN;
  let [mantissa, exponent] = [1, 0];
  if (rest !== 0) {
    if (rest > 0.5) {
      rest--;
      whole++;
    }
    mantissa = rest === 0.5 ? Math.sqrt(x) : Math.exp(rest * Math.log(x));
  }
  let [base, baseExponent] = split(x);
  for (let left = BigInt(whole); left !== 0n; left >>= 1n) {
    if (Math.abs(baseExponent) > 4_096) {
      exponent += baseExponent;
      break;
    }
    if ((left & 1n) === 1n) {
      mantissa *= base;
      exponent += baseExponent;
    }
    base *= base;
    baseExponent *= 2;
    if (base < 0.5) {
      base += base;
      baseExponent--;
    }
  }
  return y < 0 ? scale(1 / mantissa, -exponent) : scale(mantissa, exponent);
}

/** A number as mantissa in [0.5, 1) and power of two. */
function split(value: number): [mantissa: number, exponent: number] {
  let exponent = Math.max(-1_023, Math.floor(Math.log2(Math.abs(value))) + 1);
  let mantissa = value * 2 ** -exponent;
  while (Math.abs(mantissa) < 0.5) {
    mantissa *= 2;
    exponent--;
  }
  while (Math.abs(mantissa) >= 1) {
    mantissa /= 2;
    exponent++;
  }
  return [mantissa, exponent];
}

/** `mantissa` times two to the power, without leaving the range on the way. */
function scale(mantissa: number, exponent: number): number {
  const half = Math.trunc(Math.max(-2_200, Math.min(2_200, exponent)) / 2);
  return mantissa * 2 ** half * 2 ** (Math.max(-2_200, Math.min(2_200, exponent)) - half);
}
