/** The results that a task's `depends` may ask for, with the task they concern. */
export type DependsTerm = { readonly task: string; readonly result: string };

/** What a dependency must be checked for: the task, or the items of its fan-out. */
export type DependencyKind = 'task' | 'items';

const results = new Set([
  'Succeeded',
  'Failed',
  'Skipped',
  'Omitted',
  'Errored',
  'Daemoned',
  'AnySucceeded',
  'AllFailed',
]);
const termPattern = /([a-zA-Z0-9_-]+)(\.[a-zA-Z0-9_.-]+)?/g;

/** What a task looks like to {@link expandDepends}. */
export type DependingTask = {
  readonly name: string;
  readonly depends?: string;
  readonly dependencies?: readonly string[];
  readonly continueOn?: { readonly failed?: boolean; readonly error?: boolean };
};

/** The terms of a `depends`, in order. */
export function dependsTerms(depends: string): readonly DependsTerm[] {
  return [...depends.matchAll(termPattern)].map(([, task = '', result = '']) => ({ task, result: result.slice(1) }));
}

/** The problem with a result name, if it is none. */
export function resultProblem({ task, result }: DependsTerm): string | undefined {
  if (result === '' || results.has(result)) return undefined;
  return `task result '${result}' for task '${task}' is invalid`;
}

/** Which tasks a task depends on, and the boolean logic with every bare name spelled out. */
export function expandDepends(
  task: DependingTask,
  findTask: (name: string) => DependingTask | undefined,
): { readonly dependencies: ReadonlyMap<string, DependencyKind>; readonly logic: string } {
  const dependencies = new Map<string, DependencyKind>();
  if (task.depends === undefined || task.depends === '') {
    const names = task.dependencies ?? [];
    for (const name of names) dependencies.set(name, 'task');
    return { dependencies, logic: names.map((name) => expandName(name, findTask(name))).join(' && ') };
  }
  const logic = task.depends.replace(termPattern, (whole: string, name: string, result?: string) => {
    const items = result === '.AnySucceeded' || result === '.AllFailed';
    if (items || !result || !dependencies.has(name)) dependencies.set(name, items ? 'items' : 'task');
    return result ? whole : expandName(name, findTask(name));
  });
  return { dependencies, logic };
}

function expandName(name: string, task: DependingTask | undefined): string {
  const parts = ['Succeeded', 'Skipped', 'Daemoned'];
  if (task?.continueOn?.error) parts.push('Errored');
  if (task?.continueOn?.failed) parts.push('Failed');
  return `(${parts.map((part) => `${name}.${part}`).join(' || ')})`;
}
