import { globalLayer } from './global-layer.ts';
import { evaluateWhen } from '@sluice/expr';
import { endBoundary, openBoundary } from './boundary.ts';
import { assessDag } from './dag-phase.ts';
import { decideDependency, type DagGraph, graphOf } from './dag-graph.ts';
import { expandLoop, type FanOutItem, isLoop } from './fan-out.ts';
import { runExitHandler, runHooks } from './hooks.ts';
import { outboundOf } from './outbound.ts';
import { exportGlobals, templateOutputs } from './outputs.ts';
import { type Executed, initializeNode, markError, markPhase } from './pass.ts';
import { resolveCall } from './resolve-call.ts';
import { ensureNode, type RunContext } from './run-context.ts';
import { scopeLayer, type ScopeSource } from './scope.ts';
import { needsNothing, resolveTemplate } from './template-context.ts';
import { joinLayers, type VariableLayer, type Variables } from './variables.ts';
import { hasFailed, isCompleted, isFulfilled, type NodePhase, type NodeStatus, type Task } from './workflow-types.ts';

/** One dag template being run. */
type DagRun = {
  readonly run: RunContext;
  readonly node: NodeStatus;
  readonly graph: DagGraph;
  readonly scope: VariableLayer;
  readonly variables: Variables;
  readonly visited: Set<string>;
};

/** Run a dag template: every task whose dependencies allow it. */
export function runDag(run: RunContext): Executed {
  const { pass, prepared } = run;
  const { dag } = prepared.template;
  const node = ensureNode(run, 'DAG', 'Running');
  openBoundary(pass, node, prepared.template);
  const graph = graphOf(dag?.tasks ?? []);
  const scope = taskScope(run, node, graph);
  const variables = joinLayers(scope, prepared.layer, globalLayer(pass));
  const state: DagRun = { run, node, graph, scope, variables, visited: new Set() };
  const targets = dag?.target ? dag.target.split(' ').filter((name) => name !== '') : graph.leaves;
  for (const name of targets) runWithDependencies(state, name);
  const settled = targets.every((name) => finishTask(state, name));
  const ends = targets.map((name) => ({
    id: pass.nodes.idOf(`${node.name}.${name}`),
    continueOn: graph.tasks.get(name)?.continueOn,
  }));
  const phase = assessDag(pass, pass.nodes.byId(node.id) ?? node, ends, dag?.failFast !== false);
  if (phase === 'Running') return { node: pass.nodes.byId(node.id) ?? node };
  if (phase !== 'Succeeded') return { node: endDag(state, targets, phase) };
  if (!settled) return { node: pass.nodes.byId(node.id) ?? node };
  for (const { name } of graph.tasks.values()) exportGlobals(pass, pass.nodes.byName(`${node.name}.${name}`)?.outputs);
  const outputs = templateOutputs(pass, prepared.template, variables);
  if (!outputs.ok) return { node: endDag(state, targets, 'Error', outputs.message) };
  if (outputs.outputs) pass.nodes.update(node.id, { outputs: outputs.outputs });
  return { node: endDag(state, targets, 'Succeeded') };
}

function endDag({ run, node }: DagRun, targets: readonly string[], phase: NodePhase, message?: string): NodeStatus {
  const { pass } = run;
  const outboundNodes = targets.flatMap((name) => {
    const target = pass.nodes.byName(`${node.name}.${name}`);
    return target ? outboundOf(pass, target) : [];
  });
  pass.nodes.update(node.id, { outboundNodes });
  const ended = markPhase(pass, node.name, phase, message) ?? node;
  endBoundary(pass, ended);
  return ended;
}

/** Dependencies first, each once; without recursion, since a chain of tasks may be thousands long. */
function runWithDependencies(dag: DagRun, target: string): void {
  const stack: { readonly name: string; ready: boolean }[] = [{ name: target, ready: false }];
  for (let entry = stack.at(-1); entry; entry = stack.at(-1)) {
    if (entry.ready) {
      stack.pop();
      runTask(dag, entry.name);
    } else if (dag.visited.has(entry.name)) stack.pop();
    else {
      dag.visited.add(entry.name);
      entry.ready = true;
      const present = dag.run.pass.nodes.byName(`${dag.node.name}.${entry.name}`);
      if (isFulfilled(present)) continue;
      for (const name of dag.graph.dependenciesOf(entry.name).keys())
        if (!dag.visited.has(name)) stack.push({ name, ready: false });
    }
  }
}

function hookedOf(dag: DagRun, task: Task, parent: NodeStatus): Parameters<typeof runHooks>[0] {
  const { pass, context, request, prepared } = dag.run;
  return {
    pass,
    call: task,
    parent,
    boundaryId: dag.node.id,
    context,
    prefix: `tasks.${task.name}`,
    layers: [dag.scope, prepared.layer],
    depth: request.depth,
  };
}

/** Hooks and exit handler of a task; true when nothing of them is under way. */
function finishTask(dag: DagRun, name: string): boolean {
  const { pass } = dag.run;
  const task = dag.graph.tasks.get(name);
  const node = pass.nodes.byName(`${dag.node.name}.${name}`);
  if (!task || !node || (!task.hooks && !task.onExit)) return true;
  if (isLoop(task) && node.type === 'TaskGroup') return true;
  const hooked = hookedOf(dag, task, node);
  const done = runHooks(hooked);
  return isCompleted(node.phase) ? runExitHandler(hooked) && done : done;
}

function runTask(dag: DagRun, name: string): void {
  const { pass, context } = dag.run;
  const task = dag.graph.tasks.get(name);
  if (!task) return;
  const nodeName = `${dag.node.name}.${name}`;
  const present = pass.nodes.byName(nodeName);
  if (isFulfilled(present)) {
    finishTask(dag, name);
    return;
  }
  if (!present) {
    const decision = decideDependency(pass, dag.graph, dag.node.name, task);
    if (decision.kind === 'wait') return;
    if (decision.kind === 'error')
      return addSkipped(dag, task, nodeName, { phase: 'Error', message: decision.message });
    if (decision.kind === 'omit')
      return addSkipped(dag, task, nodeName, { phase: 'Omitted', message: 'omitted: depends condition not met' });
  }
  const resolved = resolveCall(pass, task, dag.variables, context);
  if (!resolved.ok)
    return present
      ? void markError(pass, nodeName, resolved.message)
      : addSkipped(dag, task, nodeName, { phase: 'Error', message: resolved.message });
  const expanded = expandLoop(resolved.call, dag.variables);
  if (!expanded.ok)
    return present
      ? void markError(pass, nodeName, expanded.message)
      : addSkipped(dag, task, nodeName, { phase: 'Error', message: expanded.message });
  if (!isLoop(task)) {
    for (const item of expanded.items) runItem(dag, task, item, undefined);
    return;
  }
  if (expanded.items.length === 0)
    return addSkipped(dag, task, nodeName, { phase: 'Skipped', message: 'Skipped, empty params' });
  runTaskGroup(dag, task, nodeName, expanded.items);
}

function runTaskGroup(dag: DagRun, task: Task, nodeName: string, items: readonly FanOutItem<Task>[]): void {
  const { pass, context } = dag.run;
  if (!pass.nodes.byName(nodeName)) {
    initializeNode(pass, {
      name: nodeName,
      type: 'TaskGroup',
      phase: 'Running',
      boundaryId: dag.node.id,
      scope: context.scope,
      call: task,
    });
    connect(dag, task, nodeName);
  }
  let hooksDone = true;
  for (const item of items) hooksDone = runItem(dag, task, item, nodeName) && hooksDone;
  let phase: NodePhase = 'Succeeded';
  for (const item of items) {
    const node = pass.nodes.byName(`${dag.node.name}.${item.name}`);
    if (!isFulfilled(node)) return;
    if (hasFailed(node) && node?.phase) phase = node.phase;
  }
  if (hooksDone) markPhase(pass, nodeName, phase);
}

/** Run one item of a task (or the task itself). True when its hooks are done. */
function runItem(dag: DagRun, task: Task, item: FanOutItem<Task>, groupName: string | undefined): boolean {
  const { pass, context } = dag.run;
  const nodeName = `${dag.node.name}.${item.name}`;
  const present = pass.nodes.byName(nodeName);
  const hookless = !task.hooks && !task.onExit;
  if (hookless && present && (isFulfilled(present) || needsNothing(pass, present, task, context))) return true;
  const made = item.make();
  if (!made.ok) {
    addSkipped(dag, task, nodeName, { phase: 'Error', message: made.message, groupName });
    return true;
  }
  const { value: call } = made;
  if (!isFulfilled(present) && !executeItem(dag, task, call, nodeName, groupName)) return true;
  const node = pass.nodes.byName(nodeName);
  if (!node || hookless) return true;
  const hooked = hookedOf(dag, call, node);
  const done = runHooks(hooked);
  return isCompleted(node.phase) ? runExitHandler(hooked) && done : done;
}

/** Run the template of an item. False when its `when` kept it from running. */
function executeItem(dag: DagRun, task: Task, call: Task, nodeName: string, groupName: string | undefined): boolean {
  const { pass, context, request } = dag.run;
  const present = pass.nodes.byName(nodeName);
  const proceed = present ? ({ ok: true, value: true } as const) : evaluateWhen(call.when ?? '');
  if (!proceed.ok || !proceed.value) {
    const phase = proceed.ok ? 'Skipped' : 'Error';
    const message = proceed.ok ? `when '${call.when}' evaluated false` : proceed.message;
    addSkipped(dag, call, nodeName, { phase, message, groupName });
    return false;
  }
  const { fault } = pass.execute({
    nodeName,
    call,
    context,
    boundaryId: dag.node.id,
    onExit: request.onExit,
    depth: request.depth + 1,
  });
  if (!present && pass.nodes.byName(nodeName)) connect(dag, task, nodeName, groupName);
  if (fault?.kind === 'error') markError(pass, nodeName, `task '${nodeName}' errored: ${fault.message}`);
  return true;
}

type Skip = {
  readonly phase: 'Error' | 'Skipped' | 'Omitted';
  readonly message: string;
  readonly groupName?: string | undefined;
};

function addSkipped(dag: DagRun, task: Task, nodeName: string, { phase, message, groupName }: Skip): void {
  const { pass, context } = dag.run;
  if (pass.nodes.byName(nodeName)) return;
  initializeNode(pass, {
    name: nodeName,
    type: 'Skipped',
    phase,
    boundaryId: dag.node.id,
    scope: context.scope,
    call: task,
    message,
  });
  connect(dag, task, nodeName, groupName);
}

/** Make a node the child of what comes before it: its group, its dependencies' ends, or the dag itself. */
function connect(dag: DagRun, task: Task, nodeName: string, groupName?: string): void {
  const { pass } = dag.run;
  if (groupName !== undefined) return pass.nodes.addChild(groupName, nodeName);
  const dependencies = [...dag.graph.dependenciesOf(task.name.replace(/\(\d+:.*$/s, '')).keys()];
  if (dependencies.length === 0) return pass.nodes.addChild(dag.node.name, nodeName);
  for (const name of dependencies) {
    const dependency = pass.nodes.byName(`${dag.node.name}.${name}`);
    for (const id of dependency ? outboundOf(pass, dependency) : []) {
      const parent = pass.nodes.byId(id);
      if (parent) pass.nodes.addChild(parent.name, nodeName);
    }
  }
}

/** `tasks.<name>.…` of the tasks that have ended. */
function taskScope(run: RunContext, node: NodeStatus, graph: DagGraph): VariableLayer {
  const { pass } = run;
  const find = (name: string): ScopeSource | undefined => {
    const task = graph.tasks.get(name);
    const found = task && pass.nodes.byName(`${node.name}.${name}`);
    if (!task || !found || !isFulfilled(found)) return undefined;
    const resolved = resolveTemplate(pass, task, run.context);
    const template = resolved.ok ? resolved.template : undefined;
    if (found.type !== 'TaskGroup') return { node: found, template };
    return { node: found, items: pass.nodes.childrenOf(found), template };
  };
  return scopeLayer('tasks', () => graph.tasks.keys(), find);
}
