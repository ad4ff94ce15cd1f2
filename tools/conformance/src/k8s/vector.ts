import { type Outcome, passed } from '../suite.ts';

/** A line of a vector file. Which members there are depends on the file and `kind`. */
export type Vector = { readonly id: string; readonly kind: string; readonly [name: string]: unknown };

/** Schemas that several vectors name. */
export type Shared = { readonly smp: unknown; readonly ssa: unknown };

/** Plays one vector. */
export type Player = (vector: Vector, shared: Shared) => Outcome;

/** Reads a file of JSON lines; `{"$repeat": [text, n]}` becomes the long text. */
export function readVectors(text: string): readonly Vector[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const value = JSON.parse(line, (_key, inner: unknown) => expand(inner)) as Vector & { readonly op?: string };
      const hasDecimals = /[\s[:]-?\d+\.0+[\s,\]}]/u.test(line);
      return { ...value, kind: value.kind ?? value.op ?? '', ...(hasDecimals ? { hasWholeDecimals: true } : {}) };
    });
}

function expand(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('$repeat' in value) || !Array.isArray(value.$repeat))
    return value;
  const [text, count] = value.$repeat as readonly unknown[];
  return String(text).repeat(Number(count));
}

/** For a case that must fail: passed when `action` throws or gives undefined. */
export function expectFailure(action: () => unknown): Outcome {
  try {
    const got = action();
    return got === undefined ? passed : { result: 'failed', wanted: 'an error', got: JSON.stringify(got) };
  } catch {
    return passed;
  }
}

/** A case that this player does not know. */
export function unknownCase(vector: Vector): Outcome {
  return { result: 'failed', wanted: `a player for ${vector.kind}`, got: 'none' };
}
