import type { HostFunction, Value } from '../value.ts';
import { textOf } from './arguments.ts';

/** A semantic version; `original` is the text it was read from. */
type Version = {
  readonly numbers: readonly [major: number, minor: number, patch: number];
  readonly pre: string;
  readonly build: string;
  readonly original: string;
};
type Test = (version: Version) => boolean;

const versionPattern = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?(?:\+([0-9A-Za-z.-]+))?$/;

/** Sprig's functions over semantic versions. */
export const sprigSemver: Readonly<Record<string, HostFunction>> = {
  semver: (text) => shown(parseVersion(textOf(text))),
  semverCompare: (constraint, text) => {
    const tests = parseConstraint(textOf(constraint));
    const version = parseVersion(textOf(text));
    return tests.some((all) => all.every((test) => test(version)));
  },
};

function parseVersion(text: string): Version {
  const match = versionPattern.exec(text.slice(0, 256));
  if (!match) throw new Error('invalid semantic version');
  const [, major = '0', minor = '0', patch = '0', pre = '', build = ''] = match;
  return { numbers: [Number(major), Number(minor), Number(patch)], pre, build, original: text };
}

function shown({ numbers, pre, build, original }: Version): Value {
  const [major, minor, patch] = numbers;
  const text = `${numbers.join('.')}${pre && `-${pre}`}${build && `+${build}`}`;
  return new Map<Value, Value>([
    ['Major', () => BigInt(major)],
    ['Minor', () => BigInt(minor)],
    ['Patch', () => BigInt(patch)],
    ['Prerelease', () => pre],
    ['Metadata', () => build],
    ['String', () => text],
    ['Original', () => original],
  ]);
}

/** Negative, zero or positive, by the rules of precedence. */
function compareVersions(a: Version, b: Version): number {
  for (const [index, number] of a.numbers.entries()) {
    const by = number - (b.numbers[index] ?? 0);
    if (by !== 0) return by;
  }
  if (a.pre === b.pre) return 0;
  if (a.pre === '' || b.pre === '') return a.pre === '' ? 1 : -1;
  return comparePre(a.pre.split('.'), b.pre.split('.'));
}

function comparePre(a: readonly string[], b: readonly string[]): number {
  for (const [index, left] of a.entries()) {
    const right = b[index];
    if (right === undefined) return 1;
    if (left === right) continue;
    const [leftNumber, rightNumber] = [/^\d+$/.test(left), /^\d+$/.test(right)];
    if (leftNumber && rightNumber) return Number(left) - Number(right);
    if (leftNumber !== rightNumber) return leftNumber ? -1 : 1;
    return left < right ? -1 : 1;
  }
  return a.length - b.length;
}

const numberPattern = '(?:v?(?:\\d+|[xX*])(?:\\.(?:\\d+|[xX*])){0,2}(?:-[0-9A-Za-z.-]+)?(?:\\+[0-9A-Za-z.-]+)?)';
const termPattern = new RegExp(`^(=|!=|>=|=>|<=|=<|>|<|~>|~|\\^)?\\s*(${numberPattern})`);
const rangePattern = new RegExp(`(${numberPattern})\\s+-\\s+(${numberPattern})`, 'g');

/** Alternatives of tests that must all hold. */
function parseConstraint(text: string): readonly (readonly Test[])[] {
  return text
    .slice(0, 1_000)
    .split('||')
    .map((part) => {
      const plain = part.replace(rangePattern, (_, low: string, high: string) => `>=${low} <=${high}`);
      const tests: Test[] = [];
      let rest = plain.trim();
      while (rest !== '') {
        const match = termPattern.exec(rest);
        if (!match) throw new Error(`improper constraint: ${text}`);
        tests.push(parseTerm(match[1] ?? '', match[2] ?? ''));
        rest = rest.slice(match[0].length).replace(/^[\s,]+/, '');
      }
      return tests.length > 0 ? tests : [parseTerm('', '*')];
    });
}

/** One bound: how it compares, given how many of its numbers were written out. */
function parseTerm(operator: string, text: string): Test {
  const wild = /^v?[xX*]/.test(text);
  const [, major = '0', minor, patch] = /^v?(\d+|[xX*])(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?/.exec(text) ?? [];
  const isGiven = (part: string | undefined): boolean => part !== undefined && /^\d+$/.test(part);
  const given = wild ? 0 : !isGiven(minor) ? 1 : isGiven(patch) ? 3 : 2;
  const pre = /^[^+]*?-([0-9A-Za-z.-]+)/.exec(text)?.[1] ?? '';
  const numbers: Version['numbers'] = [
    Number(wild ? 0 : major),
    given > 1 ? Number(minor) : 0,
    given > 2 ? Number(patch) : 0,
  ];
  const low: Version = { numbers, pre, build: '', original: text };
  const compare = boundTest(operator, low, given);
  return (version) => (version.pre === '' || pre !== '') && compare(version);
}

function boundTest(operator: string, low: Version, given: number): Test {
  const above = after(low, given);
  const from: Test = (version) => compareVersions(version, low) >= 0;
  const below =
    (limit: Version | undefined): Test =>
    (version) =>
      !limit || compareVersions(version, limit) < 0;
  const within =
    (limit: Version | undefined): Test =>
    (version) =>
      from(version) && below(limit)(version);
  switch (operator) {
    case '>':
      return given === 3 ? (version) => compareVersions(version, low) > 0 : (version) => !below(above)(version);
    case '<':
      return below(low);
    case '>=':
    case '=>':
      return from;
    case '<=':
    case '=<':
      return given === 3 ? (version) => compareVersions(version, low) <= 0 : below(above);
    case '!=':
      return (version) => (given === 3 ? compareVersions(version, low) !== 0 : !within(above)(version));
    case '~':
    case '~>':
      return within(after(low, Math.min(given, 2)));
    case '^':
      return within(caretLimit(low, given));
    default:
      return given === 3 ? (version) => compareVersions(version, low) === 0 : within(above);
  }
}

/** The first version past all that begin with the first `given` numbers; none past the wild card. */
function after({ numbers }: Version, given: number): Version | undefined {
  if (given === 0) return undefined;
  const [major, minor, patch] = numbers;
  const next: Version['numbers'] =
    given === 1 ? [major + 1, 0, 0] : given === 2 ? [major, minor + 1, 0] : [major, minor, patch + 1];
  return { numbers: next, pre: '', build: '', original: '' };
}

/** Past the left-most number that is not zero. */
function caretLimit(low: Version, given: number): Version | undefined {
  const [major, minor] = low.numbers;
  if (major > 0 || given <= 1) return after(low, Math.min(given, 1));
  return after(low, minor > 0 || given === 2 ? 2 : 3);
}
