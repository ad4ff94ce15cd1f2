/** What came of one case. A skipped case names the reason. */
export type Outcome =
  | { readonly result: 'passed' }
  | { readonly result: 'failed'; readonly wanted: string; readonly got: string }
  | { readonly result: 'skipped'; readonly reason: string };

/** One case of a suite. `play` may throw: that is a failure. */
export type Case = { readonly set: string; readonly id: string; readonly play: () => Outcome | Promise<Outcome> };

/** A set of cases to be found in a directory. To add a suite, write one file that exports one of these and name it in main.ts. */
export type Suite = {
  readonly name: string;
  /** Below the corpus directory. */
  readonly folder: string;
  readonly load: (directory: string) => Promise<readonly Case[]>;
  /** Cases played at the same time. Default 1. */
  readonly concurrency?: number;
  /** Ends what `load` started. */
  readonly close?: () => Promise<void>;
};

/** The case went as wanted. */
export const passed: Outcome = { result: 'passed' };

/** Passed when the two values are equal as JSON. */
export function expectJson(got: unknown, wanted: unknown): Outcome {
  return sameValue(got, wanted) ? passed : { result: 'failed', wanted: text(wanted), got: text(got) };
}

/** Passed when `holds`. */
export function expectTrue(holds: boolean, wanted: string, got: unknown): Outcome {
  return holds ? passed : { result: 'failed', wanted, got: text(got) };
}

/** Equality of JSON values; the order of keys does not count. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a, b) || (a === 0 && b === 0)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((item, index) => sameValue(item, b[index]))
    );
  }
  const [left, right] = [Object.entries(a), new Map(Object.entries(b))];
  return left.length === right.size && left.every(([key, value]) => right.has(key) && sameValue(value, right.get(key)));
}

function text(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}
