import { CelError, type Meter } from './cel-error.ts';
import { formatDuration, formatTimestamp } from './time.ts';
import { CelDuration, CelTimestamp, CelTypeValue, CelUint, typeNameOf } from './value.ts';

const maxPrecision = 100;
const clause = /%(?:\.(\d{1,9}))?([^]?)/gu;

/** `'%d of %s'.format([1, 'a'])`. */
export function formatText(meter: Meter, pattern: string, args: readonly unknown[]): string {
  meter.spend(pattern.length / 10 + args.length);
  let next = 0;
  const take = (): unknown => {
    if (next >= args.length) throw new CelError(`index ${next} out of range`);
    return args[next++];
  };
  const text = pattern.replaceAll(clause, (whole, digits: string | undefined, verb: string) => {
    if (whole === '%%') return '%';
    const precision = digits === undefined ? undefined : Number(digits);
    if (precision !== undefined && precision > maxPrecision)
      throw new CelError(`precision must not exceed ${maxPrecision}`);
    const write = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
    if (!write) throw new CelError(`could not parse formatting clause: unrecognized formatting clause "${verb}"`);
    const out = write(take(), { meter, precision });
    meter.spend(out.length / 10);
    return out;
  });
  return text;
}

type Settings = { readonly meter: Meter; readonly precision: number | undefined };

function refuse(verb: string, value: unknown): never {
  throw new CelError(`error during formatting: %${verb} does not take a ${typeNameOf(value)}`);
}

function wholeOf(verb: string, value: unknown): bigint {
  if (typeof value === 'bigint') return value;
  if (value instanceof CelUint) return value.value;
  return refuse(verb, value);
}

function numberOf(verb: string, value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint' || value instanceof CelUint) return Number(wholeOf(verb, value));
  return refuse(verb, value);
}

const superscript = '⁰¹²³⁴⁵⁶⁷⁸⁹';

function scientific(value: number, precision: number): string {
  if (!Number.isFinite(value)) return shownDouble(value);
  const [mantissa = '', exponent = '0'] = value.toExponential(precision).split('e');
  const digits = exponent.replace(/^[-+]/u, '').padStart(2, '0');
  const raised = Array.from(digits, (digit) => superscript[Number(digit)] ?? '').join('');
  return `${mantissa}×10${exponent.startsWith('-') ? '⁻' : ''}${raised}`;
}

function shownDouble(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  return Number.isFinite(value) ? String(value) : value > 0 ? '∞' : '-∞';
}

function hexOf(value: unknown): string {
  if (typeof value === 'string') return Buffer.from(value).toString('hex');
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return wholeOf('x', value).toString(16);
}

const verbs: Readonly<Record<string, (value: unknown, settings: Settings) => string>> = {
  s: (value, { meter }) => shown(value, meter),
  d: (value) => (typeof value === 'number' ? shownDouble(value) : String(wholeOf('d', value))),
  f: (value, { precision = 6 }) => {
    const number = numberOf('f', value);
    return Number.isFinite(number) ? number.toFixed(precision) : shownDouble(number);
  },
  e: (value, { precision = 6 }) => scientific(numberOf('e', value), precision),
  b: (value) => (typeof value === 'boolean' ? String(Number(value)) : wholeOf('b', value).toString(2)),
  o: (value) => wholeOf('o', value).toString(8),
  x: hexOf,
  X: (value) => hexOf(value).toUpperCase(),
};

function shown(value: unknown, meter: Meter): string {
  meter.spend(1);
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return shownDouble(value);
  if (value === null || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (value instanceof CelUint) return String(value.value);
  if (value instanceof CelTypeValue) return value.name;
  if (value instanceof CelDuration) return formatDuration(value);
  if (value instanceof CelTimestamp) return formatTimestamp(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  return shownParts(value, meter);
}

function shownParts(value: unknown, meter: Meter): string {
  const parts: string[] = [];
  if (Array.isArray(value)) {
    for (const item of value) parts.push(shown(item, meter));
  } else if (value instanceof Map) {
    const entries = [...(value as ReadonlyMap<unknown, unknown>)].map(
      ([key, item]) => `${String(key)}: ${shown(item, meter)}`,
    );
    parts.push(...entries.toSorted());
  } else refuse('s', value);
  const out = parts.join(', ');
  meter.spend(out.length / 10);
  return Array.isArray(value) ? `[${out}]` : `{${out}}`;
}
