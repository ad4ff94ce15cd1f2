import { globalLayer } from './global-layer.ts';
import { evaluateCondition } from '@sluice/expr';
import { fillOutcome } from './globals.ts';
import { exitHookOf } from './hooks.ts';
import { markError, type Pass } from './pass.ts';
import { joinLayers, substitute } from './variables.ts';
import { hasFailed, type Hook, isFulfilled, type NodeStatus, type WorkflowPhase } from './workflow-types.ts';

/** Run the workflow's own hooks. True when none is under way. */
export function runWorkflowHooks(pass: Pass, root: NodeStatus): boolean {
  const hooks = Object.entries(pass.spec.hooks ?? {}).filter(([name]) => name !== 'exit');
  if (hooks.length === 0) return true;
  fillOutcome(pass, root);
  let done = true;
  for (const [name, hook] of hooks) {
    const nodeName = `${pass.name}.hooks.${name}`;
    const present = pass.nodes.byName(nodeName);
    if (isFulfilled(present)) continue;
    if (!present) {
      const result = evaluateCondition(hook.expression ?? '', joinLayers(globalLayer(pass)).environment());
      if (!result.ok) markError(pass, root.name, result.message);
      if (!result.ok || !result.value) continue;
    }
    if (!isFulfilled(runHandler(pass, hook, nodeName, false))) done = false;
    if (pass.nodes.byName(nodeName)) pass.nodes.addChild(root.name, nodeName);
  }
  return done;
}

function runHandler(pass: Pass, hook: Hook, nodeName: string, onExit: boolean): NodeStatus | undefined {
  const filled = hook.arguments
    ? substitute(hook.arguments, joinLayers(globalLayer(pass)), { keepUnresolved: true })
    : undefined;
  const given = filled?.ok ? filled.value : hook.arguments;
  const call = {
    ...(hook.template ? { template: hook.template } : {}),
    ...(hook.templateRef ? { templateRef: hook.templateRef } : {}),
    ...(given ? { arguments: given } : {}),
  };
  const { node } = pass.execute({ nodeName, call, context: pass.local, onExit, hooked: true, depth: 1 });
  return node;
}

/** Run the workflow's exit handler, once everything else has ended. */
export function runExit(pass: Pass, root: NodeStatus): { readonly done: boolean; readonly node?: NodeStatus } {
  const hook = exitHookOf(pass.spec);
  const nodeName = `${pass.name}.onExit`;
  const begun = pass.nodes.byName(nodeName) !== undefined;
  if (!hook || (pass.shutdown === 'Terminate' && !begun)) return { done: true };
  fillOutcome(pass, root);
  if (!begun && hook.expression) {
    const result = evaluateCondition(hook.expression, joinLayers(globalLayer(pass)).environment());
    if (!result.ok || !result.value) return { done: true };
  }
  const given = hook.arguments ?? pass.spec.arguments;
  const node = runHandler(pass, { ...hook, ...(given ? { arguments: given } : {}) }, nodeName, true);
  if (node && !isFulfilled(node)) return { done: false, node };
  return node ? { done: true, node } : { done: false };
}

/** The end of a workflow: a failing exit handler makes a success a failure. */
export function finishWorkflow(
  pass: Pass,
  root: NodeStatus,
  exit: NodeStatus | undefined,
): { readonly phase: WorkflowPhase; readonly message?: string } {
  const stopped = hasFailed(root) && pass.shutdown !== undefined;
  const message = stopped ? `Stopped with strategy '${pass.shutdown}'` : root.message;
  const shown = message ? { message } : {};
  if (root.phase === 'Failed') return { phase: 'Failed', ...shown };
  if (root.phase === 'Error') return { phase: 'Error', ...shown };
  if (!hasFailed(exit)) return { phase: 'Succeeded' };
  return { phase: exit?.phase === 'Failed' ? 'Failed' : 'Error', ...(exit?.message ? { message: exit.message } : {}) };
}
