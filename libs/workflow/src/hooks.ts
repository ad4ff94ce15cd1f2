import { globalLayer } from './global-layer.ts';
import { evaluateCondition } from '@sluice/expr';
import { resolveCall } from './resolve-call.ts';
import type { Pass, TemplateContext } from './pass.ts';
import { attemptsOf } from './retry.ts';
import { scopeLayer } from './scope.ts';
import { joinLayers, type VariableLayer, type Variables } from './variables.ts';
import { type Hook, type Hooks, isFulfilled, type NodeStatus, type TemplateCall } from './workflow-types.ts';

/** A node with hooks, and where they run. */
export type HookedNode = {
  readonly pass: Pass;
  readonly call: TemplateCall;
  readonly parent: NodeStatus;
  readonly boundaryId: string;
  readonly context: TemplateContext;
  /** `steps.<name>` or `tasks.<name>`. */
  readonly prefix: string;
  readonly layers: readonly VariableLayer[];
  readonly depth: number;
};

/** The exit handler of a call: the hook named `exit`, or the older `onExit`. */
export function exitHookOf({ hooks, onExit }: { readonly hooks?: Hooks; readonly onExit?: string }): Hook | undefined {
  return hooks?.['exit'] ?? (onExit ? { template: onExit } : undefined);
}

/** Run the hooks of a node whose expressions hold. True when none of those that ran is still under way. */
export function runHooks(hooked: HookedNode): boolean {
  const hooks = Object.entries(hooked.call.hooks ?? {}).filter(([name]) => name !== 'exit');
  if (hooks.length === 0) return true;
  const variables = variablesOf(hooked);
  let done = true;
  for (const [name, hook] of hooks) {
    const nodeName = `${hooked.parent.name}.hooks.${name}`;
    const present = hooked.pass.nodes.byName(nodeName);
    if (isFulfilled(present)) continue;
    if (!present && !holds(hook.expression ?? '', variables)) continue;
    const node = runHook(hooked, hook, nodeName, variables, false);
    if (!isFulfilled(node)) done = false;
  }
  return done;
}

/** Run the exit handler of a completed node. True when there is nothing more to wait for. */
export function runExitHandler(hooked: HookedNode): boolean {
  const hook = exitHookOf(hooked.call);
  if (!hook) return true;
  const nodeName = `${hooked.parent.name}.onExit`;
  const present = hooked.pass.nodes.byName(nodeName);
  // Terminate begins none; one that has begun must be brought to its end.
  if (!present && hooked.pass.shutdown === 'Terminate') return true;
  if (isFulfilled(present)) return true;
  const variables = variablesOf(hooked);
  if (!present && hook.expression && !holds(hook.expression, variables)) return true;
  return isFulfilled(runHook(hooked, hook, nodeName, variables, true));
}

function holds(expression: string, variables: Variables): boolean {
  const result = evaluateCondition(expression, variables.environment());
  return result.ok && result.value;
}

function runHook(
  hooked: HookedNode,
  hook: Hook,
  nodeName: string,
  variables: Variables,
  onExit: boolean,
): NodeStatus | undefined {
  const { pass, context, boundaryId, parent } = hooked;
  const call = {
    name: nodeName,
    ...(hook.template ? { template: hook.template } : {}),
    ...(hook.templateRef ? { templateRef: hook.templateRef } : {}),
    ...(hook.arguments ? { arguments: hook.arguments } : {}),
  };
  const resolved = resolveCall(pass, call, variables, context);
  const ready = resolved.ok ? resolved.call : call;
  const { node } = pass.execute({
    nodeName,
    call: ready,
    context,
    boundaryId,
    onExit,
    hooked: true,
    depth: hooked.depth + 1,
  });
  if (pass.nodes.byName(nodeName)) pass.nodes.addChild(parent.name, nodeName);
  return node;
}

/** The variables of hooks: those of the template, and what the node itself has come to. */
function variablesOf({ pass, parent, prefix, layers }: HookedNode): Variables {
  const word = prefix.slice(0, prefix.indexOf('.'));
  const name = prefix.slice(word.length + 1);
  const last = parent.type === 'Retry' ? attemptsOf(pass, parent).at(-1) : undefined;
  const node = last?.outputs ? { ...parent, outputs: last.outputs } : parent;
  const own = scopeLayer(
    word,
    () => [name],
    (asked) => (asked === name ? { node } : undefined),
  );
  return joinLayers(own, ...layers, globalLayer(pass));
}
