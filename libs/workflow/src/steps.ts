import { globalLayer } from './global-layer.ts';
import { evaluateWhen } from '@sluice/expr';
import { endBoundary, openBoundary } from './boundary.ts';
import { expandLoop, type FanOutItem, isLoop } from './fan-out.ts';
import { runExitHandler, runHooks } from './hooks.ts';
import { outboundOf } from './outbound.ts';
import { templateOutputs } from './outputs.ts';
import { type Executed, initializeNode, markPhase, type Pass } from './pass.ts';
import { resolveCall } from './resolve-call.ts';
import { ensureNode, type RunContext } from './run-context.ts';
import { scopeLayer, type ScopeSource } from './scope.ts';
import { needsNothing, resolveTemplate } from './template-context.ts';
import { joinLayers, type VariableLayer, type Variables } from './variables.ts';
import { hasFailed, isCompleted, isFulfilled, type NodeStatus, type Step } from './workflow-types.ts';

/** One steps template being run. */
type StepsRun = {
  readonly run: RunContext;
  readonly node: NodeStatus;
  readonly scope: VariableLayer;
  readonly variables: Variables;
};

/** Run a steps template: groups in sequence, the members of a group side by side. */
export function runSteps(run: RunContext): Executed {
  const { pass, request, prepared } = run;
  const { steps: groups = [] } = prepared.template;
  const node = ensureNode(run, 'Steps', 'Running');
  openBoundary(pass, node, prepared.template);
  const scope = stepScope(run, node.name, groups);
  const variables = joinLayers(scope, prepared.layer, globalLayer(pass));
  const steps: StepsRun = { run, node, scope, variables };
  for (const [index, group] of groups.entries()) {
    const groupName = `${request.nodeName}[${index}]`;
    connectGroup(pass, run, node, index, groupName);
    const groupNode = runGroup(steps, groupName, group);
    if (!isFulfilled(groupNode)) return { node: pass.nodes.byId(node.id) ?? node };
    if (hasFailed(groupNode)) return { node: endSteps(steps, groups.length, 'Failed', groupNode?.message) };
  }
  const outputs = templateOutputs(pass, prepared.template, variables);
  if (!outputs.ok) return { node: endSteps(steps, groups.length, 'Error', outputs.message) };
  if (outputs.outputs) pass.nodes.update(node.id, { outputs: outputs.outputs });
  return { node: endSteps(steps, groups.length, 'Succeeded') };
}

function endSteps(
  { run, node }: StepsRun,
  groups: number,
  phase: 'Succeeded' | 'Failed' | 'Error',
  message?: string,
): NodeStatus {
  const { pass } = run;
  for (let index = groups - 1; index >= 0; index--) {
    const group = pass.nodes.byName(`${node.name}[${index}]`);
    if (!group) continue;
    const children = pass.nodes.childrenOf(group);
    const outboundNodes = children.length === 0 ? [group.id] : children.flatMap((child) => outboundOf(pass, child));
    pass.nodes.update(node.id, { outboundNodes });
    break;
  }
  const ended = markPhase(pass, node.name, phase, message) ?? node;
  endBoundary(pass, ended);
  return ended;
}

function connectGroup(pass: Pass, run: RunContext, node: NodeStatus, index: number, groupName: string): void {
  if (pass.nodes.byName(groupName)) return;
  initializeNode(pass, {
    name: groupName,
    type: 'StepGroup',
    phase: 'Running',
    boundaryId: node.id,
    scope: run.context.scope,
  });
  if (index === 0) return pass.nodes.addChild(node.name, groupName);
  const previous = pass.nodes.byName(`${node.name}[${index - 1}]`);
  const children = previous ? pass.nodes.childrenOf(previous) : [];
  if (previous && children.length === 0) return pass.nodes.addChild(previous.name, groupName);
  for (const child of children) {
    for (const id of outboundOf(pass, child)) {
      const parent = pass.nodes.byId(id);
      if (parent) pass.nodes.addChild(parent.name, groupName);
    }
  }
}

function runGroup(steps: StepsRun, groupName: string, group: readonly Step[]): NodeStatus | undefined {
  const { pass } = steps.run;
  const present = pass.nodes.byName(groupName);
  if (isFulfilled(present)) return present;
  const stepOf = new Map<string, Step>();
  for (const step of group) {
    const problem = startStep(steps, groupName, step, stepOf);
    if (!problem || isBroken(pass, groupName)) continue;
    // Nothing more is started; what runs already goes on, and the group ends with the last of it.
    pass.nodes.update(pass.nodes.idOf(groupName), { message: problem.message });
    if (pass.nodes.byName(`${groupName}.${step.name}`)) stepOf.set(`${groupName}.${step.name}`, step);
  }
  return assessGroup(steps, groupName, stepOf);
}

/** A group of which a member could not begin or was too late: it says so while others of it run on. */
function isBroken(pass: Pass, groupName: string): boolean {
  return Boolean(pass.nodes.byName(groupName)?.message);
}

/** The end of a group that is broken: a member that was too late fails it, everything else is an error. */
function breakGroup(pass: Pass, group: NodeStatus): NodeStatus | undefined {
  return markPhase(pass, group.name, group.message?.endsWith("' timedout") ? 'Failed' : 'Error');
}

type StepProblem = { readonly message: string };

function startStep(steps: StepsRun, groupName: string, step: Step, stepOf: Map<string, Step>): StepProblem | undefined {
  const { pass, context } = steps.run;
  const childName = `${groupName}.${step.name}`;
  const present = pass.nodes.byName(childName);
  const broken = isBroken(pass, groupName);
  if (broken && !present && !isLoop(step)) return undefined;
  stepOf.set(childName, step);
  if (isFulfilled(present)) return undefined;
  const resolved = resolveCall(pass, step, steps.variables, context);
  if (!resolved.ok) return { message: resolved.message };
  const expanded = expandLoop(resolved.call, steps.variables);
  if (!expanded.ok) return { message: expanded.message };
  if (expanded.items.length === 0 && !present && !broken) {
    initializeNode(pass, {
      name: childName,
      type: 'Skipped',
      phase: 'Skipped',
      boundaryId: steps.node.id,
      scope: context.scope,
      call: step,
      message: 'Skipped, empty params',
    });
    pass.nodes.addChild(groupName, childName);
  }
  for (const item of expanded.items) {
    const problem = startItem(steps, groupName, step, item, stepOf);
    if (problem) return problem;
  }
  return undefined;
}

function startItem(
  steps: StepsRun,
  groupName: string,
  step: Step,
  item: FanOutItem<Step>,
  stepOf: Map<string, Step>,
): StepProblem | undefined {
  const { pass, context, request } = steps.run;
  const name = `${groupName}.${item.name}`;
  const present = pass.nodes.byName(name);
  if (!present && isBroken(pass, groupName)) return undefined;
  if (present && !step.hooks && !step.onExit && (isFulfilled(present) || needsNothing(pass, present, step, context))) {
    stepOf.set(name, { ...step, name: item.name });
    return undefined;
  }
  const made = item.make();
  if (!made.ok) return { message: made.message };
  const { value: call } = made;
  stepOf.set(name, call);
  if (isFulfilled(present)) return undefined;
  if (!present) {
    const proceed = evaluateWhen(call.when ?? '');
    if (!proceed.ok) {
      initializeNode(pass, {
        name,
        type: 'Skipped',
        phase: 'Error',
        boundaryId: steps.node.id,
        scope: context.scope,
        call,
        message: proceed.message,
      });
      pass.nodes.addChild(groupName, name);
      return { message: proceed.message };
    }
    if (!proceed.value) {
      initializeNode(pass, {
        name,
        type: 'Skipped',
        phase: 'Skipped',
        boundaryId: steps.node.id,
        scope: context.scope,
        call,
        message: `when '${call.when}' evaluated false`,
      });
      pass.nodes.addChild(groupName, name);
      return undefined;
    }
  }
  const { fault } = pass.execute({
    nodeName: name,
    call,
    context,
    boundaryId: steps.node.id,
    onExit: request.onExit,
    depth: request.depth + 1,
  });
  if (pass.nodes.byName(name)) pass.nodes.addChild(groupName, name);
  if (fault?.kind === 'timeout') return { message: `child '${name}' timedout` };
  if (fault?.kind === 'error')
    return { message: `step group deemed errored due to child ${name} error: ${fault.message}` };
  return undefined;
}

function assessGroup(steps: StepsRun, groupName: string, stepOf: ReadonlyMap<string, Step>): NodeStatus | undefined {
  const { pass } = steps.run;
  const group = pass.nodes.byName(groupName);
  if (!group) return undefined;
  const completed = [...stepOf.keys()].every(
    (name) => pass.nodes.byName(name) !== undefined || stepOf.get(name) === undefined || isExpanded(pass, name, stepOf),
  );
  const children = pass.nodes.childrenOf(group);
  const ended = runMemberHooks(steps, children, stepOf);
  if (!ended) return group;
  if (isBroken(pass, groupName)) return breakGroup(pass, group);
  if (!completed) return group;
  for (const child of children) {
    const step = stepOf.get(child.name);
    const continues =
      (step?.continueOn?.failed && child.phase === 'Failed') || (step?.continueOn?.error && child.phase === 'Error');
    if (hasFailed(child) && !continues) return markPhase(pass, groupName, 'Failed', `child '${child.id}' failed`);
  }
  return markPhase(pass, groupName, 'Succeeded');
}

/** Run the hooks and exit handlers of a group's members. True when the members and all that belongs to them have ended. */
function runMemberHooks(steps: StepsRun, children: readonly NodeStatus[], stepOf: ReadonlyMap<string, Step>): boolean {
  const { pass, context, request } = steps.run;
  let ended = true;
  for (const child of children) {
    const step = stepOf.get(child.name);
    if (step) {
      const hooked = {
        pass,
        call: step,
        parent: child,
        boundaryId: steps.node.id,
        context,
        prefix: `steps.${step.name}`,
        layers: [steps.scope, steps.run.prepared.layer],
        depth: request.depth,
      };
      if (!runHooks(hooked)) ended = false;
      if (isCompleted(child.phase) && !runExitHandler(hooked)) ended = false;
    }
    if (!isFulfilled(pass.nodes.byId(child.id))) ended = false;
  }
  return ended;
}

/** A step with a loop has no node of its own; its items must all be there. */
function isExpanded(pass: Pass, name: string, stepOf: ReadonlyMap<string, Step>): boolean {
  const step = stepOf.get(name);
  return (
    step !== undefined &&
    isLoop(step) &&
    [...stepOf.keys()]
      .filter((other) => other.startsWith(`${name}(`))
      .every((other) => pass.nodes.byName(other) !== undefined)
  );
}

/** `steps.<name>.…` of the steps of this template that have run. */
function stepScope(run: RunContext, nodeName: string, groups: readonly (readonly Step[])[]): VariableLayer {
  const { pass } = run;
  const place = new Map<string, { readonly index: number; readonly step: Step }>();
  for (const [index, group] of groups.entries()) for (const step of group) place.set(step.name, { index, step });
  const find = (name: string): ScopeSource | undefined => {
    const found = place.get(name);
    if (!found) return undefined;
    const groupName = `${nodeName}[${found.index}]`;
    const node = pass.nodes.byName(`${groupName}.${name}`);
    const resolved = resolveTemplate(pass, found.step, run.context);
    const template = resolved.ok ? resolved.template : undefined;
    if (node) return { node, template };
    const group = pass.nodes.byName(groupName);
    const items = group
      ? pass.nodes.childrenOf(group).filter((child) => child.name.startsWith(`${groupName}.${name}(`))
      : [];
    return items.length > 0 && isFulfilled(group) ? { node: group, items, template } : undefined;
  };
  return scopeLayer('steps', () => place.keys(), find);
}
