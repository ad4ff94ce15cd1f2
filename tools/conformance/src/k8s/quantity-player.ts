import { expectJson, expectTrue, type Outcome } from '../suite.ts';
import { quantity } from './subject.ts';
import { type Player, unknownCase, type Vector } from './vector.ts';

type Quantity = quantity.Quantity;

/** Quantities: reading, writing, rounding, comparing, adding. */
export const playQuantity: Player = (vector): Outcome => {
  switch (vector.kind) {
    case 'parse':
    case 'quantity':
      return playParse(vector);
    case 'json': {
      const read = quantity.parseQuantity(jsonText(String(vector['input'])));
      if (vector['error'] === true) return expectTrue(!read.ok, 'an error', read.ok);
      return expectJson(read.ok && quantity.formatQuantity(read.value), vector['canonical']);
    }
    case 'compare':
    case 'quantityCompare':
      return playCompare(vector);
    case 'roundUp': {
      const rounded = quantity.roundedUp(must(vector['input']), Number(vector['scale']));
      const value = ratio(
        rounded * 10n ** BigInt(Math.max(0, Number(vector['scale']))),
        10n ** BigInt(Math.max(0, -Number(vector['scale']))),
      );
      return expectJson(value, vector['fraction']);
    }
    case 'float':
      return expectJson(quantity.quantityNumber(must(vector['input'])), vector['value']);
    case 'add':
      return expectJson(
        quantity.formatQuantity(quantity.addQuantities(must(vector['a']), must(vector['b']))),
        vector['result'],
      );
    case 'sub':
      return expectJson(
        quantity.formatQuantity(quantity.subtractQuantities(must(vector['a']), must(vector['b']))),
        vector['result'],
      );
    default:
      return unknownCase(vector);
  }
};

function jsonText(input: string): string {
  const value: unknown = JSON.parse(input);
  return typeof value === 'string' ? value : String(value);
}

function must(text: unknown): Quantity {
  const read = quantity.parseQuantity(String(text));
  if (!read.ok) throw new Error(read.problems[0]?.message ?? '');
  return read.value;
}

function ratio(numerator: bigint, denominator: bigint): string {
  const greatest = (a: bigint, b: bigint): bigint => (b === 0n ? a : greatest(b, a % b));
  const divisor = greatest(numerator < 0n ? -numerator : numerator, denominator) || 1n;
  return denominator / divisor === 1n ? `${numerator / divisor}` : `${numerator / divisor}/${denominator / divisor}`;
}

function decimal({ unscaled, scale }: Quantity): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return unscaled < 0n ? `-${text}` : text;
}

function playParse(vector: Vector): Outcome {
  const read = quantity.parseQuantity(String(vector['input']));
  if (vector['error'] === true) return expectTrue(!read.ok, 'an error', read.ok);
  if (!read.ok) return expectTrue(false, 'a quantity', read.problems);
  const { value } = read;
  const got: Readonly<Record<string, () => unknown>> = {
    canonical: () => (vector.kind === 'parse' ? quantity.canonicalQuantity(value) : quantity.formatQuantity(value)),
    json: () => quantity.formatQuantity(value),
    format: () => value.format,
    fraction: () => ratio(value.unscaled, 10n ** BigInt(value.scale)),
    decimal: () => decimal(value),
    int64: () => String(quantity.quantityValue(value)),
    value: () => (vector.kind === 'parse' ? decimal(value) : String(quantity.quantityValue(value))),
    milliValue: () => String(quantity.quantityMilliValue(value)),
  };
  for (const [name, read_] of Object.entries(got)) {
    if (vector[name] === undefined) continue;
    const outcome = expectJson({ [name]: read_() }, { [name]: vector[name] });
    if (outcome.result !== 'passed') return outcome;
  }
  return { result: 'passed' };
}

function playCompare(vector: Vector): Outcome {
  const [a, b] = [must(vector['a']), must(vector['b'])];
  const outcome = expectJson(quantity.compareQuantities(a, b), vector['compare'] ?? vector['result']);
  if (outcome.result !== 'passed' || vector['sum'] === undefined) return outcome;
  const got = {
    sum: quantity.formatQuantity(quantity.addQuantities(a, b)),
    difference: quantity.formatQuantity(quantity.subtractQuantities(a, b)),
  };
  return expectJson(got, { sum: vector['sum'], difference: vector['difference'] });
}
