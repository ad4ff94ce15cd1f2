import { decodeUtf8, encodeUtf8 } from '../utf8.ts';
import { CelError, type Meter } from './cel-error.ts';
import type { Signatures } from './signature.ts';
import { formatDuration, formatTimestamp } from './time.ts';
import { CelDuration, CelTimestamp, CelTypeValue, CelUint, typeNameOf } from './value.ts';

const maxPrecision = 100;
const clause = /%(?:\.(\d{1,9}))?([^]?)/gu;

/** `'%d of %s'.format([1, 'a'])`, with numbers as Kubernetes writes them. */
export const kubernetesFormat: Signatures = {
  'string.format(list<dyn>): string': (meter: Meter, pattern: string, args: readonly unknown[]) =>
    formatText({ meter, isPlain: false, pattern, args }),
};

/** The same with numbers as cel-spec writes them. */
export const standardFormat: Signatures = {
  'string.format(list<dyn>): string': (meter: Meter, pattern: string, args: readonly unknown[]) =>
    formatText({ meter, isPlain: true, pattern, args }),
};

type Call = {
  readonly meter: Meter;
  readonly isPlain: boolean;
  readonly pattern: string;
  readonly args: readonly unknown[];
};

function formatText({ meter, isPlain, pattern, args }: Call): string {
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
    const out = write(take(), { meter, precision, isPlain });
    meter.spend(out.length / 10);
    return out;
  });
  return text;
}

type Settings = {
  readonly meter: Meter;
  readonly precision: number | undefined;
  /** `1.0e+03` and `Infinity`, not `1.0×10⁰³` and `∞`. */
  readonly isPlain: boolean;
};

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

/** A fixed number of decimals; a half is rounded to the even digit. */
function fixed(value: number, precision: number): string {
  if (Math.abs(value) >= 1e21) return `${BigInt(value)}${precision > 0 ? `.${'0'.repeat(precision)}` : ''}`;
  const rounded = value.toFixed(precision);
  const exact = precision < maxPrecision ? value.toFixed(precision + 1) : '';
  const isHalf = exact.endsWith('5') && Number(exact) === value;
  const kept = exact.slice(0, precision === 0 ? -2 : -1);
  return isHalf && /[02468]$/u.test(kept) ? kept : rounded;
}

const superscript = '⁰¹²³⁴⁵⁶⁷⁸⁹';

function scientific(value: number, precision: number, isPlain: boolean): string {
  if (!Number.isFinite(value)) return shownDouble(value, isPlain);
  const [mantissa = '', exponent = '0'] = value.toExponential(precision).split('e');
  const digits = exponent.replace(/^[-+]/u, '').padStart(2, '0');
  if (isPlain) return `${mantissa}e${exponent.startsWith('-') ? '-' : '+'}${digits}`;
  const raised = Array.from(digits, (digit) => superscript[Number(digit)] ?? '').join('');
  return `${mantissa}×10${exponent.startsWith('-') ? '⁻' : ''}${raised}`;
}

function shownDouble(value: number, isPlain: boolean): string {
  if (Number.isNaN(value) || isPlain) return String(value);
  return Number.isFinite(value) ? String(value) : value > 0 ? '∞' : '-∞';
}

function hexOf(value: unknown): string {
  const bytes = typeof value === 'string' ? encodeUtf8(value) : value;
  if (bytes instanceof Uint8Array) return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return wholeOf('x', value).toString(16);
}

const verbs: Readonly<Record<string, (value: unknown, settings: Settings) => string>> = {
  s: shown,
  d: (value, { isPlain }) => (typeof value === 'number' ? shownDouble(value, isPlain) : String(wholeOf('d', value))),
  f: (value, { precision = 6, isPlain }) => {
    const number = numberOf('f', value);
    return Number.isFinite(number) ? fixed(number, precision) : shownDouble(number, isPlain);
  },
  e: (value, { precision = 6, isPlain }) => scientific(numberOf('e', value), precision, isPlain),
  b: (value) => (typeof value === 'boolean' ? String(Number(value)) : wholeOf('b', value).toString(2)),
  o: (value) => wholeOf('o', value).toString(8),
  x: hexOf,
  X: (value) => hexOf(value).toUpperCase(),
};

function shown(value: unknown, settings: Settings): string {
  settings.meter.spend(1);
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return shownDouble(value, settings.isPlain);
  if (value === null || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (value instanceof CelUint) return String(value.value);
  if (value instanceof CelTypeValue) return value.name;
  if (value instanceof CelDuration) return formatDuration(value);
  if (value instanceof CelTimestamp) return formatTimestamp(value);
  if (value instanceof Uint8Array) return decodeUtf8(value);
  return shownParts(value, settings);
}

function shownParts(value: unknown, settings: Settings): string {
  const parts: string[] = [];
  if (Array.isArray(value)) {
    for (const item of value) parts.push(shown(item, settings));
  } else if (value instanceof Map) {
    const entries = [...(value as ReadonlyMap<unknown, unknown>)].map(
      ([key, item]) => `${String(key)}: ${shown(item, settings)}`,
    );
    parts.push(...entries.toSorted());
  } else refuse('s', value);
  const out = parts.join(', ');
  settings.meter.spend(out.length / 10);
  return Array.isArray(value) ? `[${out}]` : `{${out}}`;
}
