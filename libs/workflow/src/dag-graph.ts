import { type DependencyKind, evaluateCondition, expandDepends, type Value } from '@sluice/expr';
import type { Pass } from './pass.ts';
import { hasFailed, isFulfilled, type NodeStatus, type Task } from './workflow-types.ts';

/** The tasks of a dag with what each depends on; worked out once per dag template. */
export type DagGraph = {
  readonly tasks: ReadonlyMap<string, Task>;
  /** Tasks on which no other depends, in their order. */
  readonly leaves: readonly string[];
  dependenciesOf(name: string): ReadonlyMap<string, DependencyKind>;
  /** Tasks that wait for this one. */
  dependentsOf(name: string): readonly string[];
  logicOf(name: string): string;
};

const graphs = new WeakMap<readonly Task[], DagGraph>();

/** The graph of a list of tasks. */
export function graphOf(list: readonly Task[]): DagGraph {
  const known = graphs.get(list);
  if (known) return known;
  const tasks = new Map(list.map((task) => [task.name, task]));
  const expanded = new Map(list.map((task) => [task.name, expandDepends(task, (name) => tasks.get(name))]));
  const needed = new Set([...expanded.values()].flatMap(({ dependencies }) => [...dependencies.keys()]));
  const dependents = new Map<string, string[]>();
  for (const [name, { dependencies }] of expanded)
    for (const other of dependencies.keys()) {
      const known = dependents.get(other);
      if (known) known.push(name);
      else dependents.set(other, [name]);
    }
  const none: ReadonlyMap<string, DependencyKind> = new Map();
  const graph: DagGraph = {
    tasks,
    leaves: list.map(({ name }) => name).filter((name) => !needed.has(name)),
    dependenciesOf: (name) => expanded.get(name)?.dependencies ?? none,
    dependentsOf: (name) => dependents.get(name) ?? [],
    logicOf: (name) => expanded.get(name)?.logic ?? '',
  };
  graphs.set(list, graph);
  return graph;
}

export type DependencyDecision =
  { readonly kind: 'run' | 'wait' | 'omit' } | { readonly kind: 'error'; readonly message: string };

/** Whether a task may run now, must wait, or never will. */
export function decideDependency(pass: Pass, graph: DagGraph, dagName: string, task: Task): DependencyDecision {
  const dependencies = graph.dependenciesOf(task.name);
  if (dependencies.size === 0) return { kind: 'run' };
  const environment = new Map<string, Value>();
  for (const name of dependencies.keys()) {
    const node = pass.nodes.byName(`${dagName}.${name}`);
    if (!node || !isFulfilled(node) || !hooksDone(pass, node)) return { kind: 'wait' };
    environment.set(name.replaceAll('-', '_'), resultsOf(pass, node));
  }
  const result = evaluateCondition(graph.logicOf(task.name).replaceAll('-', '_'), environment);
  if (!result.ok) return { kind: 'error', message: result.message };
  return { kind: result.value ? 'run' : 'omit' };
}

/** A dependency counts as done only when its hooks are done too. */
function hooksDone(pass: Pass, node: NodeStatus): boolean {
  return pass.nodes.childrenOf(node).every((child) => {
    if (child.nodeFlag?.hooked) return isFulfilled(child);
    return node.type !== 'TaskGroup' || hooksDone(pass, child);
  });
}

function resultsOf(pass: Pass, node: NodeStatus): Value {
  const items = node.type === 'TaskGroup' ? pass.nodes.childrenOf(node).filter((child) => !child.nodeFlag?.hooked) : [];
  return new Map<Value, Value>([
    ['Succeeded', node.phase === 'Succeeded'],
    ['Failed', node.phase === 'Failed'],
    ['Errored', node.phase === 'Error'],
    ['Skipped', node.phase === 'Skipped'],
    ['Omitted', node.phase === 'Omitted'],
    ['Daemoned', node.daemoned === true && node.phase !== 'Pending'],
    ['AnySucceeded', items.some((item) => item.phase === 'Succeeded')],
    ['AllFailed', items.length > 0 && items.every(hasFailed)],
  ]);
}
