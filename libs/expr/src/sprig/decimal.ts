/** A decimal number: `digits` times ten to the power of minus `scale`. */
export type Decimal = { readonly digits: bigint; readonly scale: number };

const quotientDigits = 16;

/** The decimal with the digits that the float is written with; undefined for NaN and the infinities. */
export function toDecimal(value: number): Decimal | undefined {
  if (!Number.isFinite(value)) return undefined;
  const [mantissa = '0', exponent = '0'] = value.toExponential().split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  return withScale(BigInt(whole + fraction), fraction.length - Number(exponent));
}

function withScale(digits: bigint, scale: number): Decimal {
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}

function aligned(a: Decimal, b: Decimal): readonly [bigint, bigint, number] {
  const scale = Math.max(a.scale, b.scale);
  return [a.digits * 10n ** BigInt(scale - a.scale), b.digits * 10n ** BigInt(scale - b.scale), scale];
}

/** The sum. */
export function addDecimals(a: Decimal, b: Decimal): Decimal {
  const [left, right, scale] = aligned(a, b);
  return { digits: left + right, scale };
}

/** The difference. */
export function subtractDecimals(a: Decimal, b: Decimal): Decimal {
  return addDecimals(a, { digits: -b.digits, scale: b.scale });
}

/** The product. */
export function multiplyDecimals(a: Decimal, b: Decimal): Decimal {
  return { digits: a.digits * b.digits, scale: a.scale + b.scale };
}

/** The quotient to 16 digits after the point, halves away from zero. Throws Error for a division by zero. */
export function divideDecimals(a: Decimal, b: Decimal): Decimal {
  const [left, right] = aligned(a, b);
  if (right === 0n) throw new Error('decimal division by 0');
  const scaled = left * 10n ** BigInt(quotientDigits);
  const quotient = scaled / right;
  const rest = scaled % right;
  const [size, limit] = [rest < 0n ? -rest : rest, right < 0n ? -right : right];
  const step = scaled < 0n === right < 0n ? 1n : -1n;
  return { digits: size * 2n >= limit ? quotient + step : quotient, scale: quotientDigits };
}

/** The nearest float. */
export function fromDecimal({ digits, scale }: Decimal): number {
  return Number(`${digits}e-${scale}`);
}
