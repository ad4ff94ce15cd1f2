import type { Step } from './pipeline.ts';

/** Most runs of one step. */
export const maxCombinations = 64;
const longestName = 60;

/** How many runs a step comes to. */
export function combinationsOf({ matrix }: Pick<Step, 'matrix'>): number {
  return Object.values(matrix).reduce((product, values) => product * values.length, 1);
}

/**
 * The steps with one for each combination of a matrix, in the order of the values as they are written. A step that needs
 * one with a matrix needs all that it became. Names are `<step>-<values>`, made different where they would be the same.
 */
export function expandMatrix(steps: readonly Step[]): readonly Step[] {
  const taken = new Set(steps.map(({ name }) => name));
  const names = new Map<string, readonly string[]>();
  const expanded = steps.flatMap((step) => {
    if (Object.keys(step.matrix).length === 0) return [step];
    const made = combine(step.matrix).map((values): Step => {
      const name = freeName(`${step.name}-${slug(Object.values(values).join('-'))}`, taken);
      return { ...step, name, env: { ...step.env, ...values }, matrix: {} };
    });
    names.set(
      step.name,
      made.map(({ name }) => name),
    );
    return made;
  });
  return expanded.map((step) => ({ ...step, needs: step.needs.flatMap((need) => names.get(need) ?? [need]) }));
}

function combine(matrix: Step['matrix']): Record<string, string>[] {
  let combinations: Record<string, string>[] = [{}];
  for (const [key, values] of Object.entries(matrix)) {
    combinations = combinations.flatMap((before) => values.map((value) => ({ ...before, [key]: value })));
  }
  return combinations;
}

function slug(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
}

function freeName(wanted: string, taken: Set<string>): string {
  const base = wanted.slice(0, longestName).replaceAll(/-+$/g, '');
  let name = base;
  for (let n = 2; taken.has(name); n++) name = `${base.slice(0, longestName - 4)}-${n}`;
  taken.add(name);
  return name;
}
