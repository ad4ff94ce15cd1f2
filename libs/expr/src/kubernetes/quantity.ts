import type { Result } from '@sluice/model';

/** The family of suffixes that a quantity is written with. */
export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

/**
 * An exact decimal: value = unscaled × 10^-scale, where scale ≥ 0. Nothing below 1n is kept: finer values are rounded away from zero.
 * `isSmall`: Kubernetes holds the number in 64 bits. `text` is what was read, where Kubernetes keeps the spelling.
 */
export type Quantity = {
  readonly unscaled: bigint;
  readonly scale: number;
  readonly format: QuantityFormat;
  readonly isSmall?: boolean;
  readonly text?: string;
};

const pattern = /^(?<sign>[+-]?)(?<whole>\d*)(?:\.(?<fraction>\d*))?(?<suffix>[A-Za-zµ]*[-+]?\d*)$/u;
const maxLength = 1000;

const decimalSuffixes: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const binarySuffixes: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };

/** Nothing finer than a billionth is kept. */
const maxScale = 9;
/** Greater binary quantities are set to this. */
const maximum = 2n ** 63n - 1n;

function refuse(message: string): Result<Quantity> {
  return { ok: false, problems: [{ code: 'BadQuantity', severity: 'error', message }] };
}

/** Parses `100m`, `1.5Gi`, `12e6`. */
export function parseQuantity(text: string): Result<Quantity> {
  const groups = text.length > maxLength ? undefined : pattern.exec(text)?.groups;
  if (!groups || text === '') {
    return refuse("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
  }
  const unit = readSuffix(groups['suffix'] ?? '');
  if (!unit) return refuse("unable to parse quantity's suffix");
  return { ok: true, value: exactQuantity(text, groups, unit) };
}

function exactQuantity(text: string, groups: { readonly [name: string]: string | undefined }, unit: Unit): Quantity {
  const { sign = '', whole = '', fraction = '' } = groups;
  const digits = BigInt(`${whole}${fraction}` || '0') * (unit.base === 2 ? 2n ** BigInt(unit.exponent) : 1n);
  const scale = fraction.length - (unit.base === 10 ? unit.exponent : 0);
  const exact = normal(digits, scale);
  const magnitude = unit.format === 'BinarySI' && isAbove(exact) ? { unscaled: maximum, scale: 0 } : exact;
  const unscaled = sign === '-' ? -magnitude.unscaled : magnitude.unscaled;
  const small = fitsSmall(whole.replace(/^0+/u, '') || '0', fraction, unit);
  const isPart = unscaled > 0n && magnitude.scale > 0 && unscaled < 10n ** BigInt(magnitude.scale);
  const format = unit.format === 'BinarySI' && isPart ? 'DecimalSI' : unit.format;
  const value: Quantity = { ...magnitude, unscaled, format, isSmall: small };
  const digitsKept =
    small &&
    unscaled !== 0n &&
    fraction === '' &&
    leadingDigits(canonicalQuantity(value)) === leadingDigits(text.replace(/^\+/u, ''));
  return digitsKept ? { ...value, text } : value;
}

/** `-1500` of `-1500m`. */
function leadingDigits(text: string): string {
  return /^-?\d*/u.exec(text)?.[0] ?? '';
}

/** Whether Kubernetes holds the number in 64 bits, by its own estimate from the number of digits. */
function fitsSmall(whole: string, fraction: string, { base, exponent }: Unit): boolean {
  if (base === 10) return whole.length + fraction.length <= 18 && exponent - fraction.length >= -maxScale;
  return fraction === '' && 15 - whole.length - Math.trunc(exponent * 0.3) - 1 >= 0;
}

function isAbove({ unscaled, scale }: { readonly unscaled: bigint; readonly scale: number }): boolean {
  return unscaled > maximum * 10n ** BigInt(scale);
}

type Unit = { readonly base: 2 | 10; readonly exponent: number; readonly format: QuantityFormat };

function readSuffix(suffix: string): Unit | undefined {
  if (Object.hasOwn(decimalSuffixes, suffix))
    return { base: 10, exponent: decimalSuffixes[suffix] ?? 0, format: 'DecimalSI' };
  if (Object.hasOwn(binarySuffixes, suffix))
    return { base: 2, exponent: binarySuffixes[suffix] ?? 0, format: 'BinarySI' };
  const exponent = /^[eE]([-+]?\d{1,9})$/u.exec(suffix);
  return exponent ? { base: 10, exponent: Number(exponent[1]), format: 'DecimalExponent' } : undefined;
}

/** Brings a non-negative number to a scale of 0 to 9 without trailing zeros, rounding up. */
function normal(digits: bigint, scale: number): { readonly unscaled: bigint; readonly scale: number } {
  if (digits === 0n) return { unscaled: 0n, scale: 0 };
  if (scale > maxScale) {
    const shift = Math.min(scale - maxScale, maxLength * 2);
    return trimmed(divideUp(digits, 10n ** BigInt(shift)), maxScale);
  }
  if (scale >= 0) return trimmed(digits, scale);
  return { unscaled: digits * 10n ** BigInt(Math.min(-scale, maxLength)), scale: 0 };
}

function trimmed(unscaled: bigint, scale: number): { readonly unscaled: bigint; readonly scale: number } {
  let [value, places] = [unscaled, scale];
  while (places > 0 && value % 10n === 0n) [value, places] = [value / 10n, places - 1];
  return { unscaled: value, scale: places };
}

/** Division of non-negative numbers, rounded up. */
function divideUp(value: bigint, divisor: bigint): bigint {
  return (value + divisor - 1n) / divisor;
}

/** Rounds away from zero to a multiple of 10^exponent, and gives the value in that unit. */
export function roundedUp({ unscaled, scale }: Quantity, exponent: number): bigint {
  const magnitude = unscaled < 0n ? -unscaled : unscaled;
  const shift = scale + exponent;
  const value = shift >= 0 ? divideUp(magnitude, 10n ** BigInt(shift)) : magnitude * 10n ** BigInt(-shift);
  return unscaled < 0n ? -value : value;
}

/** The whole number not nearer to zero: `1500m` is 2. */
export function quantityValue(quantity: Quantity): bigint {
  return fitted(quantity, roundedUp(quantity, 0));
}

/** As in Kubernetes, what does not fit in 64 bits is 0 for a number held in 64 bits, else its lower 64 bits. */
function fitted(quantity: Quantity, value: bigint): bigint {
  const wrapped = BigInt.asIntN(64, value);
  return wrapped === value || quantity.isSmall !== true ? wrapped : 0n;
}

/** In thousandths, not nearer to zero. */
export function quantityMilliValue(quantity: Quantity): bigint {
  return fitted(quantity, roundedUp(quantity, -3));
}

/** The value as a floating point number. */
export function quantityNumber({ unscaled, scale }: Quantity): number {
  return Number(unscaled) / 10 ** scale;
}

/** Negative, zero or positive as `a` is less than, equal to or greater than `b`. */
export function compareQuantities(a: Quantity, b: Quantity): number {
  const scale = Math.max(a.scale, b.scale);
  const [left, right] = [a, b].map((item) => item.unscaled * 10n ** BigInt(scale - item.scale));
  return (left ?? 0n) < (right ?? 0n) ? -1 : (left ?? 0n) > (right ?? 0n) ? 1 : 0;
}

/** The sum, in the notation of the first that is not zero. */
export function addQuantities(a: Quantity, b: Quantity): Quantity {
  const scale = Math.max(a.scale, b.scale);
  const sum = a.unscaled * 10n ** BigInt(scale - a.scale) + b.unscaled * 10n ** BigInt(scale - b.scale);
  const size = trimmed(sum, scale);
  return { ...size, format: a.unscaled === 0n ? b.format : a.format };
}

/** The difference. */
export function subtractQuantities(a: Quantity, b: Quantity): Quantity {
  return addQuantities(a, { unscaled: -b.unscaled, scale: b.scale, format: b.format });
}

/** The text that Kubernetes answers with: what was read where that is kept, else the canonical form. */
export function formatQuantity(quantity: Quantity): string {
  return quantity.text ?? canonicalQuantity(quantity);
}

/** Canonical text: the greatest suffix that leaves a whole number. A binary quantity below 1024 or with a fraction is written decimally. */
export function canonicalQuantity(quantity: Quantity): string {
  const { unscaled, format } = quantity;
  if (unscaled === 0n) return '0';
  if (format === 'BinarySI') {
    const isBig =
      unscaled <= -1024n * 10n ** BigInt(quantity.scale) || unscaled >= 1024n * 10n ** BigInt(quantity.scale);
    if (isBig && quantity.scale === 0) return binaryText(unscaled);
  }
  return decimalText(quantity, format === 'DecimalExponent');
}

function binaryText(value: bigint): string {
  const names = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
  let [rest, step] = [value, 0];
  while (step < 6 && rest % 1024n === 0n) [rest, step] = [rest / 1024n, step + 1];
  return `${rest}${names[step] ?? ''}`;
}

function decimalText({ unscaled, scale }: Quantity, exponential: boolean): string {
  let [digits, exponent] = [unscaled, -scale];
  while (digits % 10n === 0n) [digits, exponent] = [digits / 10n, exponent + 1];
  while (exponent % 3 !== 0 || (!exponential && exponent > 18)) [digits, exponent] = [digits * 10n, exponent - 1];
  if (exponential) return exponent === 0 ? `${digits}` : `${digits}e${exponent}`;
  const name = Object.entries(decimalSuffixes).find(([, power]) => power === exponent)?.[0] ?? '';
  return `${digits}${name}`;
}
